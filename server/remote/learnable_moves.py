"""Which control changes come from a knob that can be learnt, while it is not known yet which knob will move; knows no control.

A keyboard also sends control changes that are parts of longer messages (MIDI 1.0): the bank before a program, and the number
of a parameter before its value. None of them is a knob, and what is bound to one would move with every preset.
"""

from bridge.midi.controller_moves import CcMove
from server.errors import BadValue

BANK_HIGH, BANK_LOW = 0, 32
NRPN_LOW, NRPN_HIGH, RPN_LOW, RPN_HIGH = 98, 99, 100, 101
DATA_HIGH, DATA_LOW, DATA_UP, DATA_DOWN = 6, 38, 96, 97

NUMBERS = frozenset({BANK_HIGH, BANK_LOW, NRPN_LOW, NRPN_HIGH, RPN_LOW, RPN_HIGH})
VALUES = frozenset({DATA_HIGH, DATA_LOW, DATA_UP, DATA_DOWN})
NULL = 127


class LearnableMoves:
    """Sees every control change of the inputs, and says of each whether its knob can be learnt."""

    def __init__(self) -> None:
        self._selected: dict[
            int, tuple[int, int]
        ] = {}  # by channel: the controller and value that selected a parameter last
        self._nrpn: dict[int, list[int]] = {}  # by channel: the high and the low part of the NRPN selected last

    def is_learnable(self, move: CcMove) -> bool:
        """Whether the move comes from a knob that sends a CC of its own.

        Raises BadValue where it comes from a knob that sends an NRPN, with its number.
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
        selecting, value = self._selected[channel]
        if selecting in {NRPN_HIGH, NRPN_LOW}:
            high, low = self._nrpn[channel]
            if high == low == NULL:
                return True
            raise BadValue(
                f"this knob sends NRPN {high * 128 + low} on channel {channel + 1}, and only a CC can be learnt; "
                "set the knob to send a CC"
            )
        # The value of a registered parameter, such as the range of pitch bend: no knob. After the null parameter nothing
        # is selected, and the same numbers are knobs again.
        return value == NULL
