"""The soak counts what it is to count: each broken promise is found in made-up evidence."""

from bridge.midi.messages import ALL_NOTES_OFF, ControlChange, Message, NoteOff, NoteOn
from tests.soak.evidence import (
    Evidence,
    TimedMessage,
    circumstances,
    hanging_notes,
    lost_in_take,
    lost_on_the_way,
    pedals_down,
    soundings,
)


def timed(*pairs: tuple[float, Message]) -> list[TimedMessage]:
    return [TimedMessage(at_s, message) for at_s, message in pairs]


PLAYED = timed((1.0, NoteOn(60, 80)), (1.5, NoteOff(60)), (2.0, NoteOn(62, 80)), (2.5, NoteOff(62)))


def test_a_receiver_that_got_everything_has_nothing_that_hangs() -> None:
    evidence = Evidence(synth_got=PLAYED, played=PLAYED)
    assert hanging_notes(evidence) == []
    assert lost_in_take(evidence) == []


def test_a_note_whose_end_was_lost_hangs() -> None:
    evidence = Evidence(synth_got=[item for item in PLAYED if item.message != NoteOff(60)], played=PLAYED)
    assert [note.key for note in hanging_notes(evidence)] == [(0, 60)]


def test_a_note_whose_end_came_with_its_repeat_does_not_hang() -> None:
    evidence = Evidence(synth_got=timed((1.0, NoteOn(60, 80)), (1.6, NoteOff(60))), played=PLAYED[:2])
    assert hanging_notes(evidence) == []


def test_a_note_that_ends_seconds_late_hung() -> None:
    evidence = Evidence(synth_got=timed((1.0, NoteOn(60, 80)), (3.0, NoteOff(60))), played=PLAYED[:2])
    assert [note.until_s for note in hanging_notes(evidence)] == [3.0]


def test_a_note_that_hung_is_told_with_what_happened_around_it() -> None:
    got = timed((1.01, NoteOn(60, 80)), (3.0, NoteOff(60)))
    evidence = Evidence(synth_got=got, played=PLAYED[:2], pulled=[(3.5, 4.0), (90.0, 91.0)], disturbed_s=[1.5, 80.0])
    (note,) = hanging_notes(evidence)
    told = circumstances(evidence, note)
    assert "the jam played it from ['-0.010 to 0.490']; cables were out from ['2.490 to 2.990']" in told
    assert "cycles were late at ['0.490']" in told
    assert "NoteOff(pitch=60, channel=0) at 1.990" in told


def test_a_long_note_of_the_jam_does_not_hang() -> None:
    long = timed((1.0, NoteOn(60, 80)), (9.0, NoteOff(60)))
    assert hanging_notes(Evidence(synth_got=long, played=long)) == []


def test_a_note_that_sounds_while_its_cable_is_out_ends_when_it_is_in_again() -> None:
    got = timed((1.0, NoteOn(60, 80)), (5.2, NoteOff(60)))
    evidence = Evidence(synth_got=got, played=PLAYED[:2], pulled=[(1.2, 5.0)])
    assert hanging_notes(evidence) == []
    evidence.synth_got = timed((1.0, NoteOn(60, 80)), (6.5, NoteOff(60)))
    assert len(hanging_notes(evidence)) == 1


def test_all_notes_off_ends_all_of_its_channel() -> None:
    messages = timed((1.0, NoteOn(60, 80)), (1.0, NoteOn(60, 80, 1)), (2.0, ControlChange(ALL_NOTES_OFF, 0)))
    assert [note.key for note in soundings(messages) if note.until_s == float("inf")] == [(1, 60)]


def test_a_pedal_that_is_down_at_the_end_is_found() -> None:
    assert pedals_down(
        timed((1.0, ControlChange(64, 127, 2)), (2.0, ControlChange(64, 127)), (3.0, ControlChange(64, 0)))
    ) == {2}


def test_a_note_that_is_not_in_the_take_is_lost() -> None:
    sent = timed((1.0, NoteOn(60, 80)), (2.0, NoteOn(60, 80)))
    evidence = Evidence(robot_sent=sent, heard=sent[:1])
    assert len(lost_in_take(evidence)) == 1
    evidence = Evidence(synth_got=sent, played=sent[:1])
    assert len(lost_in_take(evidence)) == 1


def test_what_jack_lost_at_an_xrun_is_not_lost_by_the_jam() -> None:
    sent = timed((1.0, NoteOn(60, 80)), (9.0, NoteOn(60, 80)))
    assert lost_in_take(Evidence(robot_sent=sent, heard=sent[1:], disturbed_s=[1.5])) == []
    assert len(lost_in_take(Evidence(robot_sent=sent, heard=[], disturbed_s=[1.5]))) == 1


def test_what_never_reached_the_receiver_is_counted() -> None:
    assert lost_on_the_way(Evidence(played=PLAYED, synth_got=PLAYED[:2])) == 1
