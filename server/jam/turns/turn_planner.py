"""Plans when the jam plays and for how long: by mode, bars, song and past turns; knows no note and no model.

The partner is the side of the jam that answers the player. All beats are quarter notes on `TurnPlanner.timeline`.
"""

import math
from dataclasses import dataclass

from bridge.timing.clock_messages import Transport
from bridge.timing.timeline import LINE_TOLERANCE_BEATS, Timeline
from model.analysis.bars import Bars
from server.controls.control_table import Settings
from server.jam.listening.phrase import Phrase
from server.jam.turns.modes import OCCASIONS, Occasion, Turn, TurnSchedule

# The length of an answer to nothing: `respond` before anything was played.
UNPROMPTED_ANSWER_BEATS = 8.0
# An answer is as long as the phrase, but no shorter than a gesture and no longer than eight bars of four.
SHORTEST_ANSWER_BEATS, LONGEST_ANSWER_BEATS = 2.0, 32.0
# The shortest answer that can be requested still has room for a note.
SHORTEST_ASKED_BEATS = 0.25
# Players release keys a little late: a phrase that ends at most this long after a beat is not a beat longer, and a key
# that goes down at most this long after the start of the partner's turn does not interrupt it.
LATE_HANDS_BEATS = 0.25
# How far into the wait for an answer the tempo is detected: the rest must be long enough for the phrase to be over,
# and there must be time left to compose.
TEMPO_DETECTION_SHARE = 0.5
# If the partner learns of its turn at most this long after the turn began, it still plays it from its beginning.
LATE_START_BEATS = 0.25
# The remainder of a turn is worth playing in if it is as long as this.
SHORTEST_REMAINDER_BEATS = 2.0


@dataclass(frozen=True, slots=True)
class BeatSpan:
    """From when to when an answer plays; `until_beats` is infinite where it plays until something stops it."""

    start_beats: float
    until_beats: float = math.inf

    @property
    def beats(self) -> float:
        """The length."""
        return self.until_beats - self.start_beats


@dataclass(frozen=True, slots=True)
class TimelineRequest:
    """A request to the owner of the timeline: a bar begins at `downbeat`, optionally in a new tempo.

    `starts_turns` is true where that bar is the first of the turns.
    """

    downbeat: float
    tempo_bpm: float | None = None
    starts_turns: bool = False


class TurnPlanner:
    """Whose turn it is, and when the partner plays next."""

    def __init__(self, timeline: Timeline, *, counts_bars: bool = False) -> None:
        """`counts_bars`: the bars of the timeline are those of the music, though no clock leads."""
        self.timeline = timeline
        self.timeline_request: TimelineRequest | None = None
        """The change of the timeline that is requested; None again once it has been passed on to the timeline's owner."""
        self._transport: Transport = "free"
        self._counts_bars = counts_bars  # where no song is followed: whether the first bar is known
        self._turn_taken_until_beats = -math.inf  # until then the partner has played its turn, or given it up
        self._last_answer_end_beats = -math.inf
        self._is_silenced = False  # until the player plays again
        self.is_muted = False
        """Whether nobody can hear the partner, so that it plans nothing; the bars and the turns go on."""

    @property
    def transport(self) -> Transport:
        """Whether the song that is followed plays or stands still; `free` where no song is followed."""
        return self._transport

    @transport.setter
    def transport(self, transport: Transport) -> None:
        # Where a clock is lost while its song plays, the bars go on as it counted them.
        self._counts_bars |= self._transport == "playing" and transport == "free"
        self._transport = transport

    def bars_from(self, first_beat: float) -> Bars:
        """The bars; where it is not known where they begin, a phrase or an answer that begins at `first_beat` begins one.

        So the rhythm of a phrase comes back at the same place of an answer, whenever that begins.
        """
        return Bars(self.timeline.downbeat if self._has_bars else first_beat, self.timeline.meter.beats_per_bar)

    def turn(self, settings: Settings, beat: float) -> Turn | None:
        """The turn that contains a beat; None in a mode without turns, or where no bars go by."""
        if _occasion(settings) != "turn" or not self._has_bars:
            return None
        return _turns(settings).at(beat, self.timeline)

    def next_span(self, settings: Settings, beat: float, phrase: Phrase, waiting: BeatSpan | None) -> BeatSpan | None:
        """When the partner plays next if nothing else happens; None where that is not known yet.

        `waiting` is the span planned so far, if there is one.
        """
        if self.is_muted:
            return None
        match _occasion(settings):
            case "rest":
                return self._after_rest(settings, beat, phrase)
            case "turn" if self._has_bars:
                return self._in_turn(settings, beat)
            case "always" if not self._is_silenced and self.transport != "stopped" and beat > -math.inf:
                # An answer that already waits for its beat keeps that beat, unless the beat lines have moved.
                start_beats = self.timeline.beat_line_at_or_after(waiting.start_beats if waiting else beat)
                return waiting if waiting and _is_same(start_beats, waiting.start_beats) else BeatSpan(start_beats)
            case _:
                return None

    def span_on_request(self, settings: Settings, beat: float, phrase: Phrase) -> BeatSpan:
        """When the partner plays on a request at `beat`: at once, and in a mode with turns no longer than this turn."""
        self._is_silenced = False
        beat += self._early_beats(settings)
        if _occasion(settings) == "always":
            return BeatSpan(beat)
        until_beats = beat + self.length_beats(settings, phrase)
        turn = self.turn(settings, beat)
        if turn is not None:
            until_beats = turn.end_beats if turn.side == "partner" else min(until_beats, turn.end_beats)
        return BeatSpan(beat, until_beats)

    def span_after_change(self, settings: Settings, beat: float, span: BeatSpan, phrase: Phrase) -> BeatSpan | None:
        """The span of an answer that is playing when the mode or the turns change; None where it must end now."""
        match _occasion(settings):
            case "always":
                return BeatSpan(span.start_beats)
            case "turn":
                turn = self.turn(settings, beat)
                return BeatSpan(span.start_beats, turn.end_beats) if turn and turn.side == "partner" else None
            case "rest" | "request":
                is_endless = math.isinf(span.until_beats)
                return BeatSpan(span.start_beats, beat + self.length_beats(settings, phrase)) if is_endless else span

    def length_beats(self, settings: Settings, phrase: Phrase) -> float:
        """The length of an answer: that of the control, or that of the phrase up to the next whole beat or bar."""
        asked_beats = settings.answer_length
        if asked_beats:
            return max(asked_beats, SHORTEST_ASKED_BEATS)
        if not phrase.notes:
            return UNPROMPTED_ANSWER_BEATS
        unit_beats = self.timeline.meter.beats_per_bar if settings.start == "bar" else 1.0
        units = math.ceil((phrase.length_beats - LATE_HANDS_BEATS) / unit_beats)
        return min(max(units * unit_beats, SHORTEST_ANSWER_BEATS), LONGEST_ANSWER_BEATS)

    def should_yield(self, settings: Settings, since_beats: float) -> bool:
        """Whether a key that goes down this many beats after an answer began ends the answer."""
        occasion = _occasion(settings)
        if occasion == "always" or settings.over == "overlap":
            return False
        return occasion != "turn" or since_beats > LATE_HANDS_BEATS

    def goes_on_with_phrase(self, settings: Settings, since_beats: float) -> bool:
        """Whether a key that goes down this many beats after an answer began belongs to the phrase that is answered.

        So does a key that went down before the answer was due and is read late: the player has not rested yet.
        """
        return _occasion(settings) == "rest" and since_beats < 0.0

    def tempo_detection_beat(self, settings: Settings, phrase: Phrase) -> float | None:
        """The beat in a rest at which to detect the phrase's tempo; None where that tempo is not wanted."""
        silent_since = phrase.silent_since_beats
        if settings.tempo_from != "phrase" or self.transport != "free" or _occasion(settings) != "rest":
            return None
        if silent_since is None or math.isinf(settings.answer_after):
            return None
        return silent_since + settings.answer_after * TEMPO_DETECTION_SHARE

    def on_player_note(self) -> None:
        """Records that the player plays."""
        self._is_silenced = False

    def on_answer_begun(self, span: BeatSpan, settings: Settings) -> None:
        """Records that the partner plays within `span`: one answer per turn."""
        if _occasion(settings) == "turn":
            self._turn_taken_until_beats = span.until_beats

    def on_answer_ended(self, beat: float) -> None:
        """Records that the partner has finished, or was interrupted."""
        self._last_answer_end_beats = beat

    def on_stop(self) -> None:
        """Keeps the partner silent until the player plays.

        Where no clock counts the bars, the player's next note begins the first one again.
        """
        self._is_silenced = True
        self._counts_bars = False

    def restart_turns(self) -> None:
        """Records that the turns have changed, so that the partner has played none of them."""
        self._turn_taken_until_beats = -math.inf

    def count_in(self, settings: Settings, beat: float, *, by_player: bool) -> bool:
        """Sets and requests the first bar of the turns where no clock gives one; returns whether the downbeat has moved.

        The player's first note, `by_player`, begins that bar; where the partner begins, it does so after one bar that
        is counted in.
        """
        wanted = by_player or (settings.begins == "partner" and not self._is_silenced)
        if self.transport != "free" or _occasion(settings) != "turn" or self._counts_bars or not wanted:
            return False
        if settings.begins == "partner":
            beat = self.timeline.beat_line_at_or_after(beat) + self.timeline.meter.beats_per_bar
        self.begin_bars(beat)
        return True

    def begin_bars(self, downbeat: float) -> None:
        """The first bar of the turns begins at this beat; requests it too."""
        self._counts_bars = True
        self.restart_turns()
        self.timeline = self.timeline.with_downbeat(downbeat)
        self.timeline_request = TimelineRequest(downbeat, starts_turns=True)

    def _early_beats(self, settings: Settings) -> float:
        """How far before its beat a negative offset plays a note: an answer cannot begin sooner than this after a request."""
        return max(-settings.offset_ms, 0.0) / 1000 * self.timeline.tempo_bpm / 60

    @property
    def _has_bars(self) -> bool:
        """Whether the place of the bars is known, and they go by."""
        return self.transport == "playing" or (self.transport == "free" and self._counts_bars)

    def _in_turn(self, settings: Settings, beat: float) -> BeatSpan:
        """The partner's next turn, or the remainder of the present one: a song may go on in the middle of a turn."""
        turns = _turns(settings)
        present = turns.at(beat, self.timeline)
        joins_beats = self.timeline.beat_line_at_or_after(beat)
        is_open = present.side == "partner" and self._turn_taken_until_beats <= present.start_beats
        if (
            is_open
            and present.end_beats - joins_beats >= SHORTEST_REMAINDER_BEATS
            and beat - present.start_beats > LATE_START_BEATS
        ):
            return BeatSpan(joins_beats, present.end_beats)
        turn = turns.next_of_partner(max(beat - LATE_START_BEATS, self._turn_taken_until_beats), self.timeline)
        return BeatSpan(max(turn.start_beats, beat), turn.end_beats)

    def _after_rest(self, settings: Settings, beat: float, phrase: Phrase) -> BeatSpan | None:
        silent_since = phrase.silent_since_beats
        if silent_since is None:
            return None
        start_beats = silent_since + max(settings.answer_after, self._early_beats(settings))
        # A phrase that was played during the last answer, and was over before it ended, is not answered.
        if math.isinf(start_beats) or start_beats < self._last_answer_end_beats:
            return None
        # Where the wait was made shorter than the silence already is, the answer begins now, not in the past.
        start_beats = max(start_beats, beat)
        match settings.start:
            case "beat":
                start_beats = self.timeline.beat_line_at_or_after(start_beats)
            case "bar":
                start_beats = self.timeline.bar_line_at_or_after(start_beats)
            case "now":
                pass
        return BeatSpan(start_beats, start_beats + self.length_beats(settings, phrase))


def _is_same(beat: float, other: float) -> bool:
    return abs(beat - other) <= LINE_TOLERANCE_BEATS


def _occasion(settings: Settings) -> Occasion:
    return OCCASIONS[settings.mode]


def _turns(settings: Settings) -> TurnSchedule:
    return TurnSchedule(settings.turn_bars, settings.begins)
