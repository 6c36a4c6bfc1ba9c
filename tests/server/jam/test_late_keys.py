"""Keys that a busy machine reads late, once an answer has begun: the phrase that they belong to is answered all the same."""

from collections.abc import Iterable

import pytest

from model.notes import Note
from tests.music import line
from tests.server.jams import JamHarness, as_played, onsets, plain_settings

PHRASE = line(48, 50, 52, 53)


def read_late(harness: JamHarness, notes: Iterable[Note], read_beat: float) -> None:
    """The player plays the notes in time; all of their messages are read at `read_beat`."""
    harness.run_until(read_beat)
    for timed in as_played(notes):
        harness.jam.receive(timed.message, timed.beat)


@pytest.mark.parametrize("read_beat", [3.5, 4.5])
def test_an_answer_that_began_within_the_phrase_stops_and_the_whole_phrase_is_answered(read_beat: float) -> None:
    harness = JamHarness()
    phrase = line(*range(48, 56))
    harness.play(phrase[:4])
    read_late(harness, phrase[4:], read_beat)
    assert onsets(harness.sent)[0] == (72, 3.0), "a beat after the half that had been read"
    answer = onsets(harness.run_to_end())
    assert answer == [(72, 5.0), (74, 6.0), (76, 6.5), (72, 7.0), (74, 8.0), (76, 8.5)], "as long as the phrase"


@pytest.mark.parametrize(("read_beat", "answered_beat"), [(4.75, 5.25), (6.0, 6.0), (10.0, 10.0)])
def test_a_phrase_over_the_answer_is_answered_even_if_it_was_over_before_its_first_key_was_read(
    read_beat: float, answered_beat: float
) -> None:
    harness = JamHarness(settings=plain_settings(answer_length=16.0))
    harness.play(PHRASE)
    read_late(harness, line(55, 57, start_beats=3.25), read_beat)
    assert onsets(harness.run_to_end())[0] == (72, answered_beat)
