"""Takes the keys and pedals of the player: they go into the phrase, may end an answer, and show a tempo. It runs no model.

All beats are quarter notes on the jam's timeline.
"""

from bridge.midi.messages import Message, NoteOn
from server.jam.answering.answer_planner import AnswerPlanner
from server.jam.answering.answer_player import AnswerPlayer
from server.jam.listening.input_state import InputState
from server.jam.listening.phrase_tempo import TempoDetection, find_phrase_tempo
from server.jam.turns.turn_planner import TimelineRequest, TurnPlanner


class PlayerInput:
    """What follows from each key and pedal, at once and in the rest after it."""

    def __init__(
        self, input_state: InputState, turns: TurnPlanner, answers: AnswerPlanner, answer_player: AnswerPlayer
    ) -> None:
        self._input = input_state
        self._turns = turns
        self._answers = answers
        self._answer_player = answer_player
        self._tempo_detection = TempoDetection()

    @property
    def next_beat(self) -> float | None:
        """The next beat at which `advance` has something to do, which may have passed; None where there is none."""
        detection_beat, held_since = self._tempo_detection.next_beat, self._input.phrase.held_since_beat
        if held_since is None:
            return detection_beat
        expiry_beat = held_since + self._hold_limit_beats
        return expiry_beat if detection_beat is None else min(detection_beat, expiry_beat)

    @property
    def has_work(self) -> bool:
        """Whether the tempo of the phrase is to be detected."""
        return self._tempo_detection.is_due

    def receive(self, message: Message, beat: float) -> None:
        """Takes a message of the player's; messages that are of no key and no pedal are ignored."""
        if isinstance(message, NoteOn):
            self._press(message, beat)
        elif not self._input.handle_release(message, beat):
            return
        self._on_keys_moved()

    def advance(self, beat: float) -> None:
        """Goes on to `beat`: keys and pedals that have been held for too long no longer count."""
        if self._input.phrase.is_held and self._input.expire_holds(self._hold_limit_beats, beat):
            self._on_keys_moved()
        self._tempo_detection.advance(beat)

    def do_work(self) -> None:
        """Detects the tempo: where the phrase was played in a tempo of its own, its notes get the beats of that tempo."""
        self._tempo_detection.schedule(None)
        phrase, now_beat = self._input.phrase, self._answers.now_beat
        if self._answers.playing is not None:
            return
        detected = find_phrase_tempo(phrase, self._turns.timeline, now_beat)
        if detected is None:
            return
        phrase.stretch(detected.stretch, now_beat)
        self._answers.replace_phrase()
        self._turns.timeline_request = TimelineRequest(detected.downbeat, detected.tempo_bpm)

    @property
    def _hold_limit_beats(self) -> float:
        return self._answers.beats_in(1000.0 * self._answers.settings.hold_limit_s)

    def _press(self, message: NoteOn, beat: float) -> None:
        self._turns.on_player_note()
        self._answers.count_in(beat, by_player=True)
        answer, settings = self._answers.playing, self._answers.settings
        if answer is not None:
            since_beats = beat - self._answers.due_beat(answer.span.start_beats)
            if self._turns.goes_on_with_phrase(settings, since_beats):
                self._answer_player.end_answer(beat)
                self._input.resume_phrase()
            elif self._turns.should_yield(settings, since_beats):
                self._answer_player.end_answer(beat)
        self._answers.add_player_note(message, beat)

    def _on_keys_moved(self) -> None:
        """Plans the next answer again after a key or pedal has moved, or has been held for too long."""
        self._tempo_detection.schedule(self._turns.tempo_detection_beat(self._answers.settings, self._input.phrase))
        self._answers.plan_next()
