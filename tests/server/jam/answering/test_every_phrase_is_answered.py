"""Every phrase gets an answer with notes, however short it is and wherever in the bar it was played."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.midi.messages import NoteOn
from model.approach import APPROACHES
from model.improvising.improvisers import create_improviser
from model.notes import Note
from model.pack.dummy_pack import DummyPack
from server.controls.control_table import Settings, Value
from server.jam.jam import Jam
from server.jam.jam_output import TimedMessage
from tests.server.jams import as_played, do_all_work, run_jam_until

GAPS_BEATS = (0.25, 1 / 3, 0.5, 0.75, 1.0, 1.5, 2.0)
LENGTHS_BEATS = (0.1, 0.25, 0.5, 1.0)


def answer_to(phrase: list[Note], settings: Settings) -> list[float]:
    """The onsets of the answer, in beats."""
    pack = DummyPack()
    improvisers = {
        approach: create_improviser(pack.engine(approach, "cpu"), pack.vocabulary(approach), pack.memory(approach))
        for approach in APPROACHES
    }
    jam = Jam(improvisers, settings, random_seed=0)
    sent: list[TimedMessage] = []
    for timed in as_played(phrase):
        sent += run_jam_until(jam, timed.beat)
        jam.receive(timed.message, timed.beat)
    do_all_work(jam)
    while (wake_beat := jam.wake_at()) is not None:
        sent += run_jam_until(jam, wake_beat)
    return [item.beat for item in sent if isinstance(item.message, NoteOn)]


def settings_with(**controls: Value) -> Settings:
    """The pitch approach, which waits for longer than any rest within these phrases."""
    settings = Settings(approach="pitch", pack="dummy", answer_after=2.5)
    for control, value in controls.items():
        settings = settings.with_value(control, value)
    return settings


def phrase_of(start_beats: float, gaps: tuple[float, ...], length_beats: float) -> list[Note]:
    """Notes after each other; none of them lasts into the next."""
    notes: list[Note] = []
    for gap in (*gaps, 1.0):
        notes.append(Note(60 + len(notes) % 5, start_beats, min(length_beats, gap * 0.9), 80))
        start_beats += gap
    return notes


@pytest.mark.parametrize("rhythm", ["varied", "phrase", "fixed"])
@pytest.mark.parametrize(
    ("start_beats", "gaps", "at_least"),
    [
        (4.0, (), 1),
        (5.5, (), 1),
        (4.0, (1.0,), 2),
        (5.0, (0.5, 0.5, 0.5), 2),
        (6.5, (0.25,) * 7, 3),
        (6.0, (0.5,) * 7, 3),
    ],
    ids=["one note", "one note off the beat", "two quarters", "four eighths", "eight sixteenths", "over the bar line"],
)
def test_a_short_phrase_is_answered_with_about_as_much(
    rhythm: str, start_beats: float, gaps: tuple[float, ...], at_least: int
) -> None:
    settings = settings_with(rhythm=rhythm)
    assert len(answer_to(phrase_of(start_beats, gaps, 0.4), settings)) >= at_least


@given(
    start_beats=st.integers(0, 96).map(lambda place: 4.0 + place / 24),
    gaps=st.lists(st.sampled_from(GAPS_BEATS), max_size=9).map(tuple),
    length_beats=st.sampled_from(LENGTHS_BEATS),
    rhythm=st.sampled_from(("varied", "phrase", "fixed")),
    start=st.sampled_from(("now", "beat", "bar")),
    answer_length=st.sampled_from((0.0, 0.25, 1.0, 4.0)),
)
def test_every_phrase_is_answered(
    start_beats: float, gaps: tuple[float, ...], length_beats: float, rhythm: str, start: str, answer_length: float
) -> None:
    settings = settings_with(rhythm=rhythm, start=start, answer_length=answer_length)
    assert answer_to(phrase_of(start_beats, gaps, length_beats), settings)
