from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from bridge.errors import PortLost
from bridge.midi.messages import NoteOn, parse
from server.calibration.calibrate_command import (
    EAR_PITCH,
    INTERVAL_S,
    LEAD_IN_CLICKS,
    PROBE_PITCH,
    Calibration,
    CalibrationRequest,
)
from server.config.config import Config, load
from server.errors import CalibrationError
from tests.server.calibration.simulated_loop import SimulatedLoop, Way, after, nothing

OWN_PORT = "Trading Fours Out"


def calibration(system: SimulatedLoop, lines: list[str] | None = None, config: Config | None = None) -> Calibration:
    say = (lines if lines is not None else []).append
    return Calibration(config or Config(), system, system.clock, system.wait_until, say)


def request(path: Path | None = None, clicks: int = 16, wait_s: float = 5.0) -> CalibrationRequest:
    return CalibrationRequest(clicks, path, wait_s)


class TestThroughALoop:
    @pytest.mark.parametrize("lead_s", [0.0, 0.004])
    def test_the_delay_is_measured_said_and_kept_for_the_output(self, tmp_path: Path, lead_s: float) -> None:
        path, lines = tmp_path / "config.toml", list[str]()
        path.write_text("# mine\n[midi]\noutput = ''  # our own\n", encoding="utf-8")
        calibration(SimulatedLoop(after(0.0213), lead_s), lines).through_loop(request(path))
        assert path.read_text(encoding="utf-8") == (
            "# mine\n[midi]\noutput = ''  # our own\n\n[midi.offset_ms]\n\"Trading Fours Out\" = -21.3\n"
        )
        assert load(path).midi.offset_ms == {OWN_PORT: -21.3}
        assert lines == [
            "Clicks go out on Trading Fours Out, and must come back on Trading Fours In (memory).",
            "16 of 16 clicks came back 21.3 ms late (8 of 10 between 21.3 and 21.3 ms).",
            f'offset_ms = -21.3 is kept for "Trading Fours Out" in {path}, under [midi.offset_ms]; a jam starts with it there.',
            "Take the way back out again now, so that a jam does not hear its own notes.",
        ]

    def test_a_second_measurement_replaces_the_first_and_other_outputs_keep_theirs(self, tmp_path: Path) -> None:
        path = tmp_path / "config.toml"
        calibration(SimulatedLoop(after(0.02))).through_loop(request(path))
        synth = Config().with_values({"midi.output": "bass"})
        for delay_s in (0.03, 0.04):
            system = SimulatedLoop(after(delay_s), outputs=("Synth:Bass 20:0",))
            calibration(system, config=synth).through_loop(request(path))
        assert load(path).midi.offset_ms == {OWN_PORT: -20.0, "Synth:Bass": -40.0}

    def test_without_a_file_it_is_only_printed(self) -> None:
        lines: list[str] = []
        calibration(SimulatedLoop(after(0.02)), lines).through_loop(request())
        assert lines[-2] == 'Put this into config.toml, under [midi.offset_ms]: "Trading Fours Out" = -20.0'

    def test_an_offset_that_goes_before_it_is_pointed_out(self, tmp_path: Path) -> None:
        lines: list[str] = []
        config = Config().with_values({"controls.offset_ms": 5.0})
        calibration(SimulatedLoop(after(0.02)), lines, config).through_loop(request(tmp_path / "config.toml"))
        assert lines[-2].startswith("But controls.offset_ms of the configuration is not 0")

    def test_clicks_are_on_the_jams_channel_each_at_its_own_pitch_and_all_end(self) -> None:
        system = SimulatedLoop(after(0.02))
        calibration(system, config=Config().with_values({"controls.channel": 3})).through_loop(request(clicks=24))
        notes = [message for data, _ in system.opened_outputs[0].sent if isinstance(message := parse(data), NoteOn)]
        assert [note.pitch for note in notes] == [PROBE_PITCH, *range(48, 72)]
        assert {note.channel for note in notes} == {2}
        assert not system.sounding
        assert not system.opened_inputs[0].is_open
        assert not system.opened_outputs[0].is_open

    def test_it_waits_until_the_output_is_connected(self) -> None:
        system = SimulatedLoop(nothing)

        def connect(now_s: float) -> None:
            if now_s > 103.0:
                system._way = after(0.015)

        system.on_wait = connect
        assert calibration(system).through_loop(request()).offset_ms == -15.0

    def test_where_nothing_comes_back_it_gives_up_with_one_sentence_and_changes_nothing(self, tmp_path: Path) -> None:
        system = SimulatedLoop(nothing)
        with pytest.raises(CalibrationError, match=r"^No click came back within 5 s: connect the output to"):
            calibration(system).through_loop(request(tmp_path / "config.toml"))
        assert 105.0 <= system.clock.now_s() < 105.0 + 2 * INTERVAL_S
        assert not system.sounding
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize(
        ("way", "reason"),
        [
            (lambda data: [(0.0, data), (0.02, data)], "came back more than once"),
            (lambda data: [(0.02, data)] if data[1] < 58 else [], "which is too few"),
            (lambda data: [(0.005 * (data[1] - 36), data)], "differ too much"),
            (lambda data: [(0.02, bytes([data[0], min(data[1] + 40, 127), data[2]]))], "none at the pitch of a click"),
        ],
    )
    def test_a_loop_that_does_not_show_its_delay_changes_nothing(self, tmp_path: Path, way: Way, reason: str) -> None:
        path = tmp_path / "config.toml"
        path.write_text("[midi.offset_ms]\n", encoding="utf-8")
        with pytest.raises(CalibrationError, match=reason):
            calibration(SimulatedLoop(way)).through_loop(request(path))
        assert path.read_text(encoding="utf-8") == "[midi.offset_ms]\n"

    @pytest.mark.parametrize("error", [CalibrationError, KeyboardInterrupt])
    @pytest.mark.parametrize("waits", range(2, 12))
    def test_whatever_ends_it_and_whenever_no_click_is_left_sounding(
        self, error: type[BaseException], waits: int
    ) -> None:
        system = SimulatedLoop(after(0.02))
        left = iter(range(waits))

        def stop(_now_s: float) -> None:
            if next(left, None) is None:
                raise error

        system.on_wait = stop
        with pytest.raises(error):
            calibration(system).through_loop(request())
        assert not system.sounding

    def test_a_port_that_is_lost_ends_it_and_changes_nothing(self, tmp_path: Path) -> None:
        system = SimulatedLoop(after(0.02))

        def lose(now_s: float) -> None:
            if now_s > 102.0:
                system.opened_outputs[0].disconnect()

        system.on_wait = lose
        with pytest.raises(PortLost):
            calibration(system).through_loop(request(tmp_path / "config.toml"))
        assert not list(tmp_path.iterdir())


class TestByEar:
    def tapping(self, system: SimulatedLoop, late_s: Callable[[int], float]) -> SimpleNamespace:
        """Somebody who taps with each click, so much later."""
        pressed_s: list[float] = []

        def listen(data: bytes) -> list[tuple[float, bytes]]:
            if isinstance(parse(data), NoteOn):
                pressed_s.append(system.opened_outputs[0].due_s[-1] + late_s(len(pressed_s)))
            return []

        system._way = listen
        return SimpleNamespace(pressed_s=pressed_s)

    def test_taps_with_the_clicks_give_the_offset_and_the_first_ones_do_not_count(self, tmp_path: Path) -> None:
        path, lines, system = tmp_path / "config.toml", list[str](), SimulatedLoop(nothing)
        taps = self.tapping(system, lambda number: 0.4 if number < LEAD_IN_CLICKS else 0.06)
        calibration(system, lines).by_ear(request(path), taps)
        assert load(path).midi.offset_ms == {OWN_PORT: -60.0}
        assert lines[1] == (
            "You tapped 60 ms after 16 of 16 clicks (8 of 10 between 60.0 and 60.0 ms). People tap up to 50 ms ahead of what they "
            "hear, so the true delay may be that much longer."
        )
        assert [data[1] for data, _ in system.opened_outputs[0].sent[::2]] == [EAR_PITCH] * (LEAD_IN_CLICKS + 16)
        assert not system.sounding
        assert not system.opened_inputs

    def test_where_nobody_taps_nothing_is_changed(self, tmp_path: Path) -> None:
        system = SimulatedLoop(nothing)
        with pytest.raises(CalibrationError, match="You tapped with only 0 of 16 clicks"):
            calibration(system).by_ear(request(tmp_path / "config.toml"), SimpleNamespace(pressed_s=[]))
        assert not list(tmp_path.iterdir())
