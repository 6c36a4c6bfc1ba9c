"""Decides which control changes come from a knob that MIDI learn can bind; knows no controls.

A keyboard also sends control changes that are parts of longer messages (MIDI 1.0): the bank before a program, and the number
of a parameter before its value. These are not knobs, and a control bound to one would move with every change of preset.
"""

from bridge.midi.controller_moves import CcMove
from server.errors import BadValue

BANK_HIGH, BANK_LOW = 0, 32
NRPN_LOW, NRPN_HIGH, RPN_LOW, RPN_HIGH = 98, 99, 100, 101
DATA_HIGH, DATA_LOW, DATA_UP, DATA_DOWN = 6, 38, 96, 97

NUMBERS = frozenset({BANK_HIGH, BANK_LOW, NRPN_LOW, NRPN_HIGH, RPN_LOW, RPN_HIGH})
VALUES = frozenset({DATA_HIGH, DATA_LOW, DATA_UP, DATA_DOWN})
NULL_PARAMETER = 127


class LearnableMoves:
    """Takes every control change of the inputs, in order, and decides whether its knob can be learnt."""

    def __init__(self) -> None:
        self._selected: dict[
            int, tuple[int, int]
        ] = {}  # by channel: the controller and value of the last parameter selection
        self._nrpn: dict[int, list[int]] = {}  # by channel: the high and low part of the last NRPN selection

    def is_learnable(self, move: CcMove) -> bool:
        """Whether the move comes from a knob that sends its own CC.

        Raises BadValue, with the NRPN's number, if it comes from a knob that sends an NRPN.
        """
        cc, channel = move.cc, move.channel
        if cc in NUMBERS:
            if cc not in {BANK_HIGH, BANK_LOW}:
                self._selected[channel] = (cc, move.value)
            if cc in {NRPN_HIGH, NRPN_LOW}:
                self._nrpn.setdefault(channel, [0, 0])[cc == NRPN_LOW] = move.value
            return False
        if cc not in VALUES or channel not in self._selected:
            return True
        selector, value = self._selected[channel]
        if selector in {NRPN_HIGH, NRPN_LOW}:
            high, low = self._nrpn[channel]
            if high == low == NULL_PARAMETER:
                return True
            raise BadValue(
                f"this knob sends NRPN {high * 128 + low} on channel {channel + 1}, and only a CC can be learnt; "
                "set the knob to send a CC"
            )
        # This is the value of a registered parameter, such as the pitch bend range, and not a knob. After the null parameter
        # no parameter is selected, and the same controller numbers are knobs again.
        return value == NULL_PARAMETER
