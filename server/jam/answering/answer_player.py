"""Plays the answer: gives the messages of each planned note when it is due, and ends what sounds; knows no model and no clock.

All beats are quarter notes on the jam's timeline.
"""

from collections.abc import Iterable
from dataclasses import replace

from bridge.midi.messages import Message
from server.controls.control_table import VELOCITY_OF_PLAYER
from server.jam.answering.answer import Answer
from server.jam.answering.answer_pedal import AnswerPedal
from server.jam.answering.answer_planner import AnswerPlanner
from server.jam.jam_output import TimedMessage
from server.jam.voices import Voices, silencing_messages


class AnswerPlayer:
    """The voices and the pedal of the present answer, which it takes from the planner note by note."""

    def __init__(self, answers: AnswerPlanner) -> None:
        self._answers = answers
        self._voices = Voices()
        self._pedal = AnswerPedal()
        self._ended: list[TimedMessage] = []  # what is still to be sent of answers that were ended

    @property
    def has_finished(self) -> bool:
        """Whether all notes of the answer have sounded and ended."""
        answer = self._answers.playing
        return answer is not None and answer.is_over and self._voices.next_end is None

    @property
    def next_beat(self) -> float | None:
        """The next beat at which a note begins or ends, or an answer is over; None where there is none."""
        if self._ended or self.has_finished:
            return self._answers.now_beat
        answer, end_beats = self._answers.answer, self._voices.next_end
        beats = [] if end_beats is None else [end_beats]
        if answer is not None:
            note = answer.next_note
            if note is not None:
                beats.append(note.onset_beats)
            # An answer for which no note was found is over at the beat at which it would have begun, and not before.
            elif answer.is_over and self._answers.playing is None:
                beats.append(answer.span.start_beats)
        return min(map(self._answers.due_beat, beats), default=None)

    def advance(self, beat: float) -> list[TimedMessage]:
        """Every message due up to `beat`, in order of time; at equal beats notes end before notes begin.

        Notes that are too late to be played are dropped; messages that end notes never are.
        """
        due: list[TimedMessage] = []
        while True:
            end_beats = self._voices.next_end
            answer = self._answers.answer
            note = answer.next_note if answer else None
            if (
                end_beats is not None
                and self._answers.due_beat(end_beats) <= beat
                and not (note and note.onset_beats < end_beats)
            ):
                due.append(TimedMessage(self._voices.end_next(), self._answers.due_beat(end_beats)))
            elif note and answer and self._answers.due_beat(note.onset_beats) <= beat:
                if not self._answers.drop_late_notes(answer):
                    due.extend(self._play_next_note(answer))
            else:
                return due

    def take_ended(self) -> list[TimedMessage]:
        """Takes the messages that end what was ended since the last call; they are due at once."""
        ended, self._ended = self._ended, []
        return ended

    def end_answer(self, ended_beat: float | None = None) -> None:
        """Drops what has not sounded, and ends what sounds; `ended_beat` is when the player ended the answer, if they did."""
        self._answers.drop_answer(ended_beat)
        # At the present beat, not at that of a key that was read late: no note may end before it began.
        self._end_at(self._answers.now_beat, [*self._voices.end_all(), *self._pedal.lift()])

    def silence(self, beat: float) -> None:
        """At `beat`, ends every note on every channel, whoever plays it."""
        self._end_at(beat, silencing_messages())

    def fit_to_turns(self) -> None:
        """Shortens or extends a playing answer to the mode and the turns as they are now, or ends it."""
        if not self._answers.fit_to_turns():
            self.end_answer()

    def _end_at(self, beat: float, messages: Iterable[Message]) -> None:
        self._ended.extend(TimedMessage(message, beat) for message in messages)

    def _play_next_note(self, answer: Answer) -> list[TimedMessage]:
        note, settings = self._answers.take_next_note(answer).as_played, self._answers.settings
        if settings.velocity != VELOCITY_OF_PLAYER:
            note = replace(note, velocity=settings.velocity)
        beat = self._answers.due_beat(note.onset_beats)
        channel = settings.channel - 1
        messages = self._voices.start_note(note, settings.transpose, channel, settings.max_polyphony)
        lifted, pressed = self._pedal.changes_at(note.onset_beats, self._answers.pedal_period_beats, channel)
        in_order: list[Message] = [*lifted, *messages, *pressed]
        return [TimedMessage(message, beat) for message in in_order]
