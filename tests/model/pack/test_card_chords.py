"""The tables of notes over chords in a card: those of the packs that come with the program, older ones, and damaged ones."""

import json
from pathlib import Path
from typing import Any

import pytest

from model.approach import APPROACHES, Approach
from model.errors import PackError
from model.pack.card import CARD_FILE, read_card
from model.pack.pack import PACKS_FOLDER


def edited_card(folder: Path, **changed: object) -> Path:
    """A folder with the card of `songbook`, in which the chords of both approaches have these values; None leaves one out."""
    card: dict[str, Any] = json.loads((PACKS_FOLDER / "songbook" / CARD_FILE).read_text(encoding="utf-8"))
    for part in card["approaches"].values():
        part["chords"].update(changed)
        part["chords"] = {name: value for name, value in part["chords"].items() if value is not None}
    (folder / CARD_FILE).write_text(json.dumps(card), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["songbook", "rock"])
@pytest.mark.parametrize("approach", APPROACHES)
def test_the_packs_that_come_with_the_program_follow_the_song(name: str, approach: Approach) -> None:
    preference = read_card(PACKS_FOLDER / name).chord_preference(approach)
    assert preference is not None
    assert preference.song_spread > 0.0


def test_an_older_card_plays_every_song_with_the_same_strengths(tmp_path: Path) -> None:
    preference = read_card(edited_card(tmp_path, song_spread=None)).chord_preference("pitch")
    assert preference is not None
    assert preference.song_spread == 0.0


def test_a_spread_between_songs_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"the card's chords are wrong .*spread"):
        read_card(edited_card(tmp_path, song_spread=-1.0)).chord_preference("pitch")
