from typing import cast

import pytest

from bridge.midi.jack.jack_connection import JackConnection, JackPort
from bridge.midi.jack.jack_pipes import PipedMessage
from bridge.midi.jack.jack_ports import JackInput

TICK = b"\xf8"


class TestMovesOfFrames:
    """Each message with its second, and with the second of frame 0 by which it was dated."""

    def moves_s(self, *messages: tuple[float, float]) -> list[float]:
        port = JackPort(cast("JackConnection", None), 1, "input", "in")
        moves_s: list[float] = []
        JackInput(port, lambda _data, _at_s: None).watch_dates(moves_s.append)
        for at_s, frame_zero_s in messages:
            port.on_message(PipedMessage(at_s, 1, TICK, frame_zero_s))
        return moves_s

    @pytest.mark.parametrize("by_s", [0.0005, -0.0097, 0.3, 1.218, -1.218])
    def test_a_standstill_of_any_length_in_which_the_server_is_not_lost_is_reported(self, by_s: float) -> None:
        assert self.moves_s((100.0, 7.0), (101.3, 7.0 + by_s)) == [pytest.approx(by_s)]

    def test_so_is_one_of_server_and_client_together(self) -> None:
        assert self.moves_s((100.0, 7.0), (130.0, 36.9)) == [pytest.approx(29.9)]

    def test_the_frames_of_another_server_are_a_new_count(self) -> None:
        # The first server started at second 7, the second one at second 101.
        assert self.moves_s((100.0, 7.0), (103.0, 101.0), (104.0, 101.001)) == [pytest.approx(0.001)]

    def test_small_moves_are_reported_together(self) -> None:
        messages = [(100.0 + number, 7.0 + 0.000009 * number) for number in range(4)]
        assert self.moves_s(*messages) == [pytest.approx(0.000027)]
