"""When it plays and for how long: by its mode, the bars, the song and what it has given up; knows no note and no model."""

import math
from dataclasses import dataclass

from bridge.timing.midi_clock import Transport
from bridge.timing.timeline import LINE_TOLERANCE_BEATS, Timeline
from server.controls.control_table import Settings
from server.jam.modes import MODES, Mode, Turn, TurnSchedule
from server.jam.phrase import Phrase

# An answer to nothing (`respond` before any phrase) has no phrase to be as long as.
UNASKED_BEATS = 8.0
# As long as the phrase, but no shorter than a gesture and no longer than eight bars of four.
SHORTEST_ANSWER_BEATS, LONGEST_ANSWER_BEATS = 2.0, 32.0
# However short an answer is asked for, it is a note.
SHORTEST_ASKED_BEATS = 0.25
# Hands leave the keys a little late: so much past a beat is not another beat, and so much into a turn is not over it.
LATE_HANDS_BEATS = 0.25
# Within a rest that is to be answered: late enough to be one, and early enough to think of an answer.
FELT_AFTER_SHARE = 0.5
# A partner that learns of its turn so late still takes it.
LATE_START_BEATS = 0.25
# What is left of a turn is worth playing in.
LEAST_LEFT_BEATS = 2.0


@dataclass(frozen=True, slots=True)
class BeatSpan:
    """From when to when an answer is to play; without end where it is to go on until something stops it."""

    start_beats: float
    until_beats: float = math.inf

    @property
    def beats(self) -> float:
        return self.until_beats - self.start_beats


class TurnPlanner:
    """The course of a jam: whose turn it is, and when the partner plays next."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self._transport: Transport = "free"
        self._counts_bars = False  # without anybody's clock: whether the first bar is known
        self._passed_beats = -math.inf  # until then it has played its turn, or given it up
        self._ended_beats = -math.inf  # when the last answer did
        self._is_silenced = False  # until the player plays again

    @property
    def transport(self) -> Transport:
        """Whether a song that is followed plays or stands still; free where none is."""
        return self._transport

    @transport.setter
    def transport(self, transport: Transport) -> None:
        # A clock that was lost while it played leaves its bars behind.
        self._counts_bars |= self._transport == "playing" and transport == "free"
        self._transport = transport

    def turn(self, settings: Settings, beat: float) -> Turn | None:
        """Where turns are taken and bars go by, the one that a beat is in."""
        if _mode(settings).occasion != "turn" or not self._has_bars:
            return None
        return _turns(settings).at(beat, self.timeline)

    def next_span(self, settings: Settings, beat: float, phrase: Phrase, waiting: BeatSpan | None) -> BeatSpan | None:
        """When it plays next if all goes on as it does; None where that is not known yet. `waiting` is when it was to, so far."""
        match _mode(settings).occasion:
            case "rest":
                return self._after_rest(settings, beat, phrase)
            case "turn" if self._has_bars:
                return self._in_turn(settings, beat)
            case "always" if not self._is_silenced and self.transport != "stopped" and beat > -math.inf:
                # One that waits for its beat already: it may have come meanwhile, or be another now.
                start_beats = self.timeline.beat_line_at_or_after(waiting.start_beats if waiting else beat)
                return waiting if waiting and _are_one(start_beats, waiting.start_beats) else BeatSpan(start_beats)
            case _:
                return None

    def span_on_request(self, settings: Settings, beat: float, phrase: Phrase) -> BeatSpan:
        """From now on; where turns are taken, no longer than the present one."""
        self._is_silenced = False
        beat += self._early_beats(settings)
        if _mode(settings).occasion == "always":
            return BeatSpan(beat)
        until_beats = beat + self.length_beats(settings, phrase)
        turn = self.turn(settings, beat)
        if turn is not None:
            until_beats = turn.end_beats if turn.side == "partner" else min(until_beats, turn.end_beats)
        return BeatSpan(beat, until_beats)

    def span_after_change(self, settings: Settings, beat: float, span: BeatSpan, phrase: Phrase) -> BeatSpan | None:
        """How long an answer that is under way may go on where modes or turns are others now; None where it must end."""
        match _mode(settings).occasion:
            case "always":
                return BeatSpan(span.start_beats)
            case "turn":
                turn = self.turn(settings, beat)
                return BeatSpan(span.start_beats, turn.end_beats) if turn and turn.side == "partner" else None
            case "rest" | "asked":
                ends = math.isinf(span.until_beats)
                return BeatSpan(span.start_beats, beat + self.length_beats(settings, phrase)) if ends else span

    def length_beats(self, settings: Settings, phrase: Phrase) -> float:
        """How long an answer is to be: as asked for, or as the phrase, to the next whole beat or bar."""
        asked_beats = settings.answer_length
        if asked_beats:
            return max(asked_beats, SHORTEST_ASKED_BEATS)
        if not phrase.notes:
            return UNASKED_BEATS
        unit_beats = self.timeline.meter.beats_per_bar if settings.start == "bar" else 1.0
        units = math.ceil((phrase.length_beats - LATE_HANDS_BEATS) / unit_beats)
        return min(max(units * unit_beats, SHORTEST_ANSWER_BEATS), LONGEST_ANSWER_BEATS)

    def should_yield(self, settings: Settings, since_beats: float) -> bool:
        """Whether a key that goes down so long after an answer began ends it."""
        occasion = _mode(settings).occasion
        if occasion == "always" or settings.over == "overlap":
            return False
        return occasion != "turn" or since_beats > LATE_HANDS_BEATS

    def tempo_detection_beat(self, settings: Settings, phrase: Phrase) -> float | None:
        """The beat in a rest at which to feel what tempo the phrase was in; None where that does not matter."""
        silent_since = phrase.silent_since_beats
        if settings.tempo_from == "control" or self.transport != "free" or _mode(settings).occasion != "rest":
            return None
        return None if silent_since is None else silent_since + settings.answer_after * FELT_AFTER_SHARE

    def on_player_note(self) -> None:
        """The player plays."""
        self._is_silenced = False

    def on_answer_begun(self, span: BeatSpan, settings: Settings) -> None:
        """The partner plays within `span`: one answer a turn."""
        if _mode(settings).occasion == "turn":
            self._passed_beats = span.until_beats

    def on_answer_ended(self, beat: float) -> None:
        """The partner has played, or was interrupted."""
        self._ended_beats = beat

    def on_stop(self) -> None:
        """The partner was told to stop; bars that nobody else counts begin with the player's next note."""
        self._is_silenced = True
        self._counts_bars = False

    def restart_turns(self) -> None:
        """Turns are others now, so none has been played."""
        self._passed_beats = -math.inf

    def count_in(self, settings: Settings, beat: float, *, by_player: bool) -> bool:
        """Without anybody's clock the player's first note begins the first bar, or the partner does, after a bar that is counted.

        Whether the downbeat has moved.
        """
        wanted = by_player or (settings.begins == "partner" and not self._is_silenced)
        if self.transport != "free" or _mode(settings).occasion != "turn" or self._counts_bars or not wanted:
            return False
        self._counts_bars = True
        self.restart_turns()
        if settings.begins == "partner":
            beat = self.timeline.beat_line_at_or_after(beat) + self.timeline.meter.beats_per_bar
        self.timeline = self.timeline.with_downbeat(beat)
        return True

    def _early_beats(self, settings: Settings) -> float:
        """How much before its beat all is played: an answer cannot begin sooner than so long after it is asked for."""
        return max(-settings.offset_ms, 0.0) / 1000 * self.timeline.tempo_bpm / 60

    @property
    def _has_bars(self) -> bool:
        """Whether it is known where the bars lie, and they go by."""
        return self.transport == "playing" or (self.transport == "free" and self._counts_bars)

    def _in_turn(self, settings: Settings, beat: float) -> BeatSpan:
        """The partner's next turn, or what is left of the present one: a song may go on in the middle of it."""
        turns = _turns(settings)
        present = turns.at(beat, self.timeline)
        joins_beats = self.timeline.beat_line_at_or_after(beat)
        is_open = present.side == "partner" and self._passed_beats <= present.start_beats
        if (
            is_open
            and present.end_beats - joins_beats >= LEAST_LEFT_BEATS
            and beat - present.start_beats > LATE_START_BEATS
        ):
            return BeatSpan(joins_beats, present.end_beats)
        turn = turns.next_of_partner(max(beat - LATE_START_BEATS, self._passed_beats), self.timeline)
        return BeatSpan(max(turn.start_beats, beat), turn.end_beats)

    def _after_rest(self, settings: Settings, beat: float, phrase: Phrase) -> BeatSpan | None:
        silent_since = phrase.silent_since_beats
        if silent_since is None:
            return None
        due_beats = silent_since + max(settings.answer_after, self._early_beats(settings))
        if (
            math.isinf(due_beats) or due_beats < self._ended_beats
        ):  # or played under the last answer, and over before it
            return None
        # Where the wait was made shorter than the silence already is, the answer is due now, not in the past.
        due_beats = max(due_beats, beat)
        match settings.start:
            case "beat":
                due_beats = self.timeline.beat_line_at_or_after(due_beats)
            case "bar":
                due_beats = self.timeline.bar_line_at_or_after(due_beats)
            case "now":
                pass
        return BeatSpan(due_beats, due_beats + self.length_beats(settings, phrase))


def _are_one(beat: float, other: float) -> bool:
    return abs(beat - other) <= LINE_TOLERANCE_BEATS


def _mode(settings: Settings) -> Mode:
    return MODES[settings.mode]


def _turns(settings: Settings) -> TurnSchedule:
    return TurnSchedule(settings.turn_bars, settings.begins)
