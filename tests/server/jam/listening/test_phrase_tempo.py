"""When the tempo of a phrase is detected, and which phrases have one."""

from bridge.timing.timeline import Timeline
from model.notes import Note
from server.jam.listening.phrase import NOTES_KEPT, Phrase
from server.jam.listening.phrase_tempo import TempoDetection, find_phrase_tempo

AT_120 = Timeline.start(120.0)


class TestWhen:
    def test_is_due_from_the_beat_on_that_was_set(self) -> None:
        detection = TempoDetection()
        detection.schedule(4.0)
        detection.advance(3.9)
        assert (detection.is_due, detection.next_beat) == (False, 4.0)
        detection.advance(4.0)
        assert (detection.is_due, detection.next_beat) == (True, None)

    def test_a_key_that_goes_down_before_it_is_done_puts_it_off(self) -> None:
        detection = TempoDetection()
        detection.schedule(4.0)
        detection.advance(5.0)
        detection.schedule(None)
        detection.advance(6.0)
        assert not detection.is_due


class TestTempo:
    def test_eighths_of_another_tempo_have_that_tempo(self) -> None:
        found = find_phrase_tempo(phrase_of(16, step_beats=0.6), AT_120, 12.0)
        assert found is not None
        assert round(found.tempo_bpm) == 100

    def test_a_phrase_whose_first_notes_may_be_missing_has_none(self) -> None:
        assert find_phrase_tempo(phrase_of(NOTES_KEPT - 1, step_beats=0.6), AT_120, 200.0) is not None
        assert find_phrase_tempo(phrase_of(NOTES_KEPT, step_beats=0.6), AT_120, 200.0) is None


def phrase_of(count: int, step_beats: float) -> Phrase:
    phrase = Phrase()
    phrase.notes.extend(Note(60 + index % 5, index * step_beats, step_beats / 2, 80) for index in range(count))
    return phrase
