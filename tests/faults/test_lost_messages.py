"""A machine so busy that a note-off and its repeat are both lost between two programs; what the receiver then sounds."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bridge.midi.messages import ALL_NOTES_OFF, SUSTAIN_PEDAL, ControlChange, NoteOff, NoteOn, encode, parse
from server.music.ledger import FRESH_S, REPEAT_AFTER_S
from tests.music import line
from tests.server.music_thread_harness import MusicThreadHarness

PHRASE = line(48, 50, 52, 53)
LAST_BEGAN_S, LAST_ENDED_S, LAST = 2.25, 2.5, NoteOff(76)
"""The last note of the answer that the harness's improviser gives to this phrase."""
WITHIN_S = 1.0


@pytest.fixture
def harness() -> MusicThreadHarness:
    """The last note of the answer sounds."""
    harness = MusicThreadHarness()
    harness.play(PHRASE)
    harness.let_pass(LAST_BEGAN_S + 0.1 - harness.now_s)
    assert sounding_at_receiver(harness) == {(LAST.pitch, LAST.channel)}
    return harness


def sounding_at_receiver(harness: MusicThreadHarness) -> set[tuple[int, int]]:
    """The pitches and channels that sound on a synthesizer that knows "all notes off"."""
    sounding: set[tuple[int, int]] = set()
    for data, _ in harness.output.sent:
        match parse(data):
            case NoteOn(pitch, _, channel):
                sounding.add((pitch, channel))
            case NoteOff(pitch, channel):
                sounding.discard((pitch, channel))
            case ControlChange(controller, _, channel) if controller == ALL_NOTES_OFF:
                sounding = {key for key in sounding if key[1] != channel}
    return sounding


@contextmanager
def overrun(harness: MusicThreadHarness) -> Iterator[None]:
    """In this block each message is lost, and the port reports that."""
    harness.output.loses_messages = True
    try:
        yield
    finally:
        harness.output.loses_messages = False


def lose_note_off_and_repeat(harness: MusicThreadHarness) -> None:
    with overrun(harness):
        harness.let_pass(LAST_ENDED_S + REPEAT_AFTER_S + 0.05 - harness.now_s)
    assert sounding_at_receiver(harness)


def test_a_note_whose_end_and_repeat_were_lost_is_ended_within_a_second(harness: MusicThreadHarness) -> None:
    lose_note_off_and_repeat(harness)
    harness.let_pass(LAST_ENDED_S + WITHIN_S - harness.now_s)
    assert not sounding_at_receiver(harness)


def test_while_overruns_go_on_it_is_tried_again(harness: MusicThreadHarness) -> None:
    with overrun(harness):
        harness.let_pass(LAST_ENDED_S + FRESH_S - 0.4 - harness.now_s)
    harness.let_pass(1.0)
    assert not sounding_at_receiver(harness)


def test_a_stop_that_was_lost_twice_is_made_good_within_a_second(harness: MusicThreadHarness) -> None:
    with overrun(harness):
        harness.music_thread.act("stop")
        harness.let_pass(REPEAT_AFTER_S + 0.05)
    before = len(harness.output.sent)
    harness.let_pass(WITHIN_S - REPEAT_AFTER_S - 0.05)
    assert not sounding_at_receiver(harness)
    sent = [data for data, _ in harness.output.sent[before:]]
    assert encode(ControlChange(SUSTAIN_PEDAL, 0)) in sent


def test_a_note_of_that_pitch_that_the_player_holds_by_then_goes_on(harness: MusicThreadHarness) -> None:
    lose_note_off_and_repeat(harness)
    harness.music_thread.receive_from_page(encode(NoteOn(LAST.pitch, 80)), harness.clock.now_s())
    before = len(harness.output.sent)
    harness.let_pass(FRESH_S)
    assert encode(LAST) not in [data for data, _ in harness.output.sent[before:]]


def test_without_an_overrun_nothing_is_sent_a_third_time(harness: MusicThreadHarness) -> None:
    """On the same channel a DAW may play a note of its own by then."""
    harness.let_pass(LAST_ENDED_S + REPEAT_AFTER_S + 0.05 - harness.now_s)
    before = len(harness.output.sent)
    harness.let_pass(2 * FRESH_S)
    assert harness.output.sent[before:] == []
