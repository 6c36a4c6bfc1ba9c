import pytest

from bridge.midi.controller_moves import CcMove, ProgramSelected, parse_controller_move
from bridge.midi.messages import ControlChange, OtherMessage, encode


@pytest.mark.parametrize("channel", [0, 15])
@pytest.mark.parametrize("cc", [0, 64, 119])
def test_a_control_change_is_a_move(cc: int, channel: int) -> None:
    assert parse_controller_move(encode(ControlChange(cc, 100, channel))) == CcMove(cc, 100, channel)


def test_a_program_change_is_a_selected_program() -> None:
    assert parse_controller_move(encode(OtherMessage(b"\xc3\x05"))) == ProgramSelected(5, 3)


@pytest.mark.parametrize(
    "data",
    [b"", b"\xb0", b"\xb0\x15", b"\xb0\x15\x80", b"\xb0\x7b\x00", b"\xc0\x80", b"\xc0", b"\x90\x3c\x40", b"\xf8"],
)
def test_incomplete_messages_channel_mode_messages_and_notes_are_no_moves(data: bytes) -> None:
    assert parse_controller_move(data) is None
