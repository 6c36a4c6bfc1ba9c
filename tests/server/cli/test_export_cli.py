"""Which controls have an option in `fours export`: those that change its files, and no others."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from model.files.seed import read_seed
from server.cli.export_cli import SET_BY_EXPORT
from server.config.config import Config
from server.controls.control_table import BY_NAME, CONTROLS, Control, Raw
from server.export import ExportRequest, export_answers
from tests.music import Part, midi_bytes

Values = dict[str, Raw]
PHRASE = Path(__file__).resolve().parents[3] / "docs" / "phrase.mid"
OVER_CHORDS: Values = {"chart": "blues in F", "band": "full", "answer_length": 8.0}
SITUATIONS: tuple[Values, ...] = (
    {"approach": "event", "memory": 1.0},
    {**OVER_CHORDS, "approach": "event"},
    {**OVER_CHORDS, "approach": "pitch", "rhythm": "fixed"},
    {**OVER_CHORDS, "approach": "pitch", "rhythm": "phrase", "quantize": "1/8"},
    {**OVER_CHORDS, "chords_from": "below", "tempo_from": "phrase"},
    {**OVER_CHORDS, "chords_from": "channel", "mode": "fours"},
)
"""Each control that has an effect on files has one in one of these."""
MOST_CHOICES = 4
WITH_AN_OPTION = [row for row in CONTROLS if row.kind != "action" and row.name not in SET_BY_EXPORT]
WITHOUT = [row for row in CONTROLS if row.name in SET_BY_EXPORT]


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    """A phrase with a rhythm and dynamics of its own, of which every other note is a chord."""
    tune = read_seed(PHRASE).notes
    path = tmp_path / "phrase.mid"
    path.write_bytes(midi_bytes(Part([*tune, *(replace(note, pitch=note.pitch - 8) for note in tune[::2])])))
    return path


def file_with(values: Values, seed: Path) -> bytes:
    """What is written with these controls."""
    read = {f"controls.{name}": BY_NAME[name].read(raw) for name, raw in values.items()}
    out = seed.with_name("answer.mid")
    list(export_answers(ExportRequest(seed, out), Config().with_values(read), own_tempo="tempo" in values))
    return out.read_bytes()


def other_values(control: Control) -> Iterator[Raw]:
    """Values that differ from the default: the ends and the middle of a range, or other choices."""
    if control.kind == "number":
        middle = (control.low + control.high) / 2
        values = (control.low, control.high, math.floor(middle) if control.whole else middle)
        yield from (value for value in values if value != control.default)
    else:
        yield from [choice for choice in control.choices if choice != control.default][:MOST_CHOICES]


@pytest.mark.parametrize("control", [row for row in WITH_AN_OPTION if row.name != "pack"], ids=lambda row: row.name)
def test_each_option_for_a_control_changes_the_file(control: Control, seed: Path) -> None:
    for situation in SITUATIONS:
        without = file_with(situation, seed)
        for value in other_values(control):
            if file_with({**situation, control.name: value}, seed) != without:
                return
    pytest.fail(f"--{control.name} has no effect")


@pytest.mark.parametrize("control", WITHOUT, ids=lambda row: row.name)
def test_a_control_without_an_option_changes_nothing_and_stops_nothing(control: Control, seed: Path) -> None:
    for situation in SITUATIONS:
        without = file_with(situation, seed)
        for value in other_values(control):
            assert file_with({**situation, control.name: value}, seed) == without
