"""Finds control changes and program changes in MIDI bytes, without building messages. Knows no ports and no controls."""

from dataclasses import dataclass

_CONTROL_CHANGE, _PROGRAM_CHANGE = 0xB, 0xC
LAST_CC = 119
"""Higher controller numbers are channel mode messages (MIDI 1.0): they silence a synth, or change its mode."""


@dataclass(frozen=True, slots=True)
class CcMove:
    """A knob, fader or pedal moved to this value, 0 to 127. Channels count from 0."""

    cc: int
    value: int
    channel: int


@dataclass(frozen=True, slots=True)
class ProgramSelected:
    """A program was chosen, 0 to 127."""

    program: int
    channel: int


def parse_controller_move(data: bytes) -> CcMove | ProgramSelected | None:
    """The control change or program change in `data`, or None. Cheap enough to call for every incoming message."""
    if len(data) == 3 and data[0] >> 4 == _CONTROL_CHANGE and data[1] <= LAST_CC and data[2] <= 127:
        return CcMove(data[1], data[2], data[0] & 0xF)
    if len(data) == 2 and data[0] >> 4 == _PROGRAM_CHANGE and data[1] <= 127:
        return ProgramSelected(data[1], data[0] & 0xF)
    return None
