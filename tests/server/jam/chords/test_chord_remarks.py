"""What is said about notes that should be chords and are none."""

from dataclasses import replace

from server.jam.chords.chord_remarks import UNNAMED_HANDS, ChordRemarks
from tests.server.jams import DEFAULTS

ON_CHANNEL = replace(DEFAULTS, chords_from="channel", chord_channel=16)
LEFT_HAND = replace(DEFAULTS, chords_from="below", chords_below=60)


def play(remarks: ChordRemarks, pitches: tuple[int, ...], times: int = 1) -> None:
    """All keys go down, then all come up."""
    for _ in range(times):
        for pitch in pitches:
            remarks.press(pitch, ON_CHANNEL)
        for pitch in pitches:
            remarks.release(pitch, ON_CHANNEL)


def test_twelve_keys_at_once_are_said_once_at_the_first_that_is_too_many() -> None:
    remarks = ChordRemarks()
    for pitch in range(36, 43):
        remarks.press(pitch, ON_CHANNEL)
    assert remarks.take() == []
    remarks.press(43, ON_CHANNEL)
    assert remarks.take() == [
        (
            "the chord channel, 16, had more than 7 different notes at once, which name no chord, so the chord before them "
            "stays; a chord has 3 to 7"
        )
    ]
    for pitch in range(44, 48):
        remarks.press(pitch, ON_CHANNEL)
    for pitch in range(36, 48):
        remarks.release(pitch, ON_CHANNEL)
    play(remarks, tuple(range(36, 48)))
    assert remarks.take() == []


def test_single_notes_are_said_once_after_several_in_a_row() -> None:
    remarks = ChordRemarks()
    play(remarks, (48,), UNNAMED_HANDS - 1)
    assert remarks.take() == []
    play(remarks, (48, 55))
    (sentence,) = remarks.take()
    assert sentence.startswith("the chord channel, 16, had one or two notes at a time so far")
    play(remarks, (50,), 3 * UNNAMED_HANDS)
    assert remarks.take() == []


def test_a_left_hand_that_also_plays_chords_is_not_spoken_about() -> None:
    remarks = ChordRemarks()
    for _ in range(5):
        play(remarks, (36,), UNNAMED_HANDS - 1)
        play(remarks, (48, 52, 55))
    assert remarks.take() == []


def test_a_chord_whose_keys_come_one_by_one_is_a_chord() -> None:
    remarks = ChordRemarks()
    for _ in range(UNNAMED_HANDS):
        remarks.press(48, ON_CHANNEL)
        remarks.press(52, ON_CHANNEL)
        remarks.release(48, ON_CHANNEL)
        remarks.press(55, ON_CHANNEL)
        remarks.release(52, ON_CHANNEL)
        remarks.release(55, ON_CHANNEL)
    assert remarks.take() == []


def test_the_left_hand_is_named_by_its_split() -> None:
    remarks = ChordRemarks()
    for pitch in range(36, 48):
        remarks.press(pitch, LEFT_HAND)
    (sentence,) = remarks.take()
    assert sentence.startswith("the keys below note 60, which play the chords, had more than 7")


def test_a_key_that_comes_up_without_having_gone_down_is_no_hand() -> None:
    remarks = ChordRemarks()
    for _ in range(2 * UNNAMED_HANDS):
        remarks.release(48, ON_CHANNEL)
    assert remarks.take() == []
