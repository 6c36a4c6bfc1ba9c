"""The sustain pedal of answers: pressed and lifted about as often as the player does; knows no clock.

It is pressed only while an answer plays, and the code that ends the answer lifts it (`lift`).
"""

from collections.abc import Sequence

from bridge.midi.messages import SUSTAIN_PEDAL, ControlChange

PEDAL_FULLY_DOWN = 127
# A player pedals where the pedal is down for so much of the phrase: not one who touched it by mistake.
LEAST_PEDAL_SHARE = 0.3
# How often a pedal is changed, in beats; people change it with the chords.
PERIODS_BEATS = (1.0, 2.0, 4.0, 8.0)


def pedal_period_beats(spans: Sequence[tuple[float, float]], phrase_beats: float) -> float | None:
    """How often to change the pedal, from the times for which the player held it; None for a player who does not pedal.

    A pedal that was never lifted is in no span, so it does not count.
    """
    held_beats = [lifted - pressed for pressed, lifted in spans]
    if not held_beats or sum(held_beats) < LEAST_PEDAL_SHARE * phrase_beats:
        return None
    usual = sorted(held_beats)[len(held_beats) // 2]
    return min(PERIODS_BEATS, key=lambda period: abs(period - usual))


class AnswerPedal:
    """Whether the answer's pedal is down, on which channel, and when it is changed next."""

    def __init__(self) -> None:
        self._channel: int | None = None
        self._change_beats = 0.0

    def changes_at(
        self, onset_beats: float, period_beats: float | None, channel: int
    ) -> tuple[list[ControlChange], list[ControlChange]]:
        """What to send just before a note that begins now, and just after it: the pedal is lifted before, and pressed after.

        Without a period, nothing is pressed; a pedal that is down is lifted.
        """
        if self._channel == channel and period_beats is not None and onset_beats < self._change_beats:
            return [], []
        lifted = self.lift()
        if period_beats is None:
            return lifted, []
        self._channel, self._change_beats = channel, onset_beats + period_beats
        return lifted, [ControlChange(SUSTAIN_PEDAL, PEDAL_FULLY_DOWN, channel)]

    def lift(self) -> list[ControlChange]:
        """The message that lifts the pedal, where it is down."""
        channel, self._channel = self._channel, None
        return [] if channel is None else [ControlChange(SUSTAIN_PEDAL, 0, channel)]
