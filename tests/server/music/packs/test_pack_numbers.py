"""A pack's card with one impossible number: it is refused in one sentence, or it plays. No answer hangs, fails or holds a note for good."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from model.approach import APPROACHES
from model.errors import PackError
from model.pack.card import CARD_FILE
from model.pack.pack import find_own_pack
from server.config.config import Config
from server.export import ExportRequest, export_answers
from tests.music import Part, line, midi_bytes
from tests.tiny_pack import write_tiny_pack

NUMBERS = (math.nan, math.inf, -math.inf, 1e308, -1e308, 1e30, 1e5, -1.0, 0.0, 1e-300)
SECTIONS = ("bins", "memory", "chords")
Place = tuple[str | int, ...]


def whole_card(folder: Path) -> dict[str, Any]:
    """The card of a small pack, with all that a trained one has beside its networks."""
    songbook = find_own_pack("songbook")
    assert songbook is not None
    trained = json.loads((songbook / CARD_FILE).read_text(encoding="utf-8"))
    card = json.loads((write_tiny_pack(folder) / CARD_FILE).read_text(encoding="utf-8"))
    card["phrasing"] = trained["phrasing"]
    for approach in APPROACHES:
        for section in ("memory", "chords"):
            card["approaches"][approach][section] = trained["approaches"][approach][section]
    assert isinstance(card, dict)
    return card


def numbers_in(part: Any, place: Place = ()) -> Iterator[Place]:
    """Where the numbers of a part of the card are; of a list or a table of numbers the first is enough."""
    if isinstance(part, dict):
        inside = list(part.items())
        if inside and all(isinstance(value, float) for value in part.values()):
            inside = inside[:1]
        for name, value in inside:
            yield from numbers_in(value, (*place, name))
    elif isinstance(part, list):
        yield from numbers_in(part[0], (*place, 0)) if part else ()
    elif isinstance(part, float):
        yield place


def with_number(card: dict[str, Any], place: Place, number: float) -> str:
    changed = json.loads(json.dumps(card))
    part = changed
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = number
    return json.dumps(changed)  # writes NaN and Infinity, as many programs do


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packs") / "odd"


@pytest.fixture(scope="module")
def card(folder: Path) -> dict[str, Any]:
    return whole_card(folder)


def refusal_of(request: ExportRequest, controls: dict[str, Any]) -> str:
    """What is said where the pack cannot be played; empty where it answers."""
    config = Config().with_values({f"controls.{name}": value for name, value in controls.items()})
    try:
        assert list(export_answers(request, config, own_tempo=False))
    except PackError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("number", NUMBERS, ids=str)
def test_any_number_on_a_card_is_refused_in_one_sentence_or_plays(
    number: float, folder: Path, card: dict[str, Any], tmp_path: Path
) -> None:
    seed = tmp_path / "phrase.mid"
    seed.write_bytes(midi_bytes(Part(line(60, 62, 64, 65, 67, 65, 64, 62)), meter=(4, 4)))
    request = ExportRequest(seed, tmp_path / "answer.mid")
    controls = {"pack": str(folder), "chart": "| C | G7 |", "feel_from": "pack", "answer_length": 1}
    places = [("phrasing", *place) for place in numbers_in(card["phrasing"])]
    for approach in APPROACHES:
        parts = {name: card["approaches"][approach].get(name) for name in SECTIONS}
        places += [("approaches", approach, *place) for place in numbers_in(parts)]
    assert len(places) > 30
    for place in places:
        (folder / CARD_FILE).write_text(with_number(card, place, number), encoding="utf-8")
        for approach in APPROACHES:
            refusal = refusal_of(request, {**controls, "approach": approach})
            assert "odd" in refusal or not refusal, place
            assert refusal.count("\n") == 0, place
            assert refusal or math.isfinite(number), place
