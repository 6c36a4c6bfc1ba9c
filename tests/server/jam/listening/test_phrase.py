import pytest

from model.notes import Note
from server.jam.listening.phrase import NOTES_KEPT, Phrase


@pytest.fixture
def phrase() -> Phrase:
    return Phrase()


def test_before_any_note_there_is_no_silence(phrase: Phrase) -> None:
    assert phrase.silent_since_beats is None
    assert not phrase.is_held
    assert phrase.length_beats == 0.0


def test_a_key_that_is_down_is_a_note_without_a_length(phrase: Phrase) -> None:
    phrase.press(60, 90, 1.0)
    assert list(phrase.notes) == [Note(60, 1.0, 0.0, 90)]
    assert phrase.is_held
    assert phrase.silent_since_beats is None


def test_a_key_that_comes_up_ends_its_note(phrase: Phrase) -> None:
    phrase.press(60, 90, 1.0)
    phrase.release(60, 1.75)
    assert list(phrase.notes) == [Note(60, 1.0, 0.75, 90)]
    assert phrase.silent_since_beats == 1.75


def test_silence_begins_when_the_last_key_comes_up(phrase: Phrase) -> None:
    phrase.press(60, 90, 0.0)
    phrase.press(64, 70, 0.5)
    silences = []
    for pitch, beat in ((60, 1.0), (64, 3.0)):
        phrase.release(pitch, beat)
        silences.append(phrase.silent_since_beats)
    assert silences == [None, 3.0]
    assert phrase.length_beats == 3.0
    assert phrase.velocities == (90, 70)


def test_the_pedal_holds_the_phrase_after_the_keys(phrase: Phrase) -> None:
    phrase.press(60, 90, 0.0)
    phrase.move_pedal(0.5, is_down=True)
    phrase.release(60, 1.0)
    under_the_pedal = phrase.silent_since_beats
    phrase.move_pedal(4.0, is_down=False)
    assert (under_the_pedal, phrase.silent_since_beats) == (None, 4.0)
    assert phrase.length_beats == 4.0


def test_releasing_a_pedal_that_was_up_changes_nothing(phrase: Phrase) -> None:
    phrase.press(60, 90, 0.0)
    phrase.release(60, 1.0)
    phrase.move_pedal(4.0, is_down=False)
    assert phrase.silent_since_beats == 1.0


def test_a_pedal_alone_makes_no_phrase(phrase: Phrase) -> None:
    phrase.move_pedal(0.0, is_down=True)
    phrase.move_pedal(1.0, is_down=False)
    assert phrase.silent_since_beats is None


def test_a_key_struck_again_without_coming_up_is_a_second_note(phrase: Phrase) -> None:
    phrase.press(60, 90, 0.0)
    phrase.press(60, 50, 1.0)
    assert list(phrase.notes) == [Note(60, 0.0, 1.0, 90), Note(60, 1.0, 0.0, 50)]
    phrase.release(60, 1.5)
    assert phrase.silent_since_beats == 1.5


def test_a_key_that_comes_up_without_having_gone_down_changes_nothing(phrase: Phrase) -> None:
    phrase.press(60, 90, 0.0)
    phrase.release(61, 1.0)
    assert phrase.is_held
    phrase.release(60, 2.0)
    phrase.release(60, 3.0)
    assert phrase.silent_since_beats == 2.0


def test_keys_and_pedals_held_since_a_beat_can_be_expired(phrase: Phrase) -> None:
    for pitch, beat in ((60, 0.0), (64, 1.0)):
        phrase.press(pitch, 90, beat)
    held_since = [phrase.held_since_beat]
    assert phrase.expire_holds(0.5) == [Note(60, 0.0, 0.0, 90)]
    held_since.append(phrase.held_since_beat)
    assert phrase.expire_holds(1.0) == [Note(64, 1.0, 0.0, 90)]
    held_since.append(phrase.held_since_beat)
    assert held_since == [0.0, 1.0, None]
    assert phrase.silent_since_beats == 1.0


def test_it_can_be_finished_under_a_pedal_that_stays_down(phrase: Phrase) -> None:
    phrase.move_pedal(0.0, is_down=True)
    phrase.press(60, 90, 0.0)
    phrase.finish(1.0)
    assert list(phrase.notes) == [Note(60, 0.0, 1.0, 90)]
    assert phrase.is_held


def test_the_next_phrase_has_no_notes_but_keys_and_pedal_that_are_down_still_are(phrase: Phrase) -> None:
    phrase.move_pedal(0.0, is_down=True)
    phrase.press(60, 90, 0.0)
    following = phrase.next_phrase()
    assert not following.notes
    held = [following.is_held]
    following.move_pedal(5.0, is_down=False)
    held.append(following.is_held)
    following.release(60, 6.0)
    held.append(following.is_held)
    assert held == [True, True, False]
    assert following.silent_since_beats is None


def test_a_finished_phrase_lasts_until_now_while_keys_are_down(phrase: Phrase) -> None:
    phrase.press(60, 90, 0.0)
    phrase.finish(3.0)
    assert phrase.length_beats == 3.0


def test_a_very_long_phrase_keeps_its_latest_notes_and_its_whole_length(phrase: Phrase) -> None:
    for index in range(2 * NOTES_KEPT):
        phrase.press(60, 90, float(index))
        phrase.release(60, index + 0.5)
    assert len(phrase.notes) == NOTES_KEPT
    assert phrase.notes[-1] == Note(60, 2.0 * NOTES_KEPT - 1, 0.5, 90)
    assert phrase.length_beats == 2 * NOTES_KEPT - 0.5


def test_a_key_held_longer_than_its_note_is_kept_can_still_come_up(phrase: Phrase) -> None:
    phrase.press(40, 90, 0.0)
    for index in range(NOTES_KEPT):
        phrase.press(60, 90, float(index))
        phrase.release(60, index + 0.5)
    phrase.release(40, 300.0)
    assert phrase.silent_since_beats == 300.0
