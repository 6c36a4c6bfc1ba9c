from collections.abc import Callable

import pytest

from bridge.midi.controller_moves import CcMove
from bridge.midi.messages import ControlChange, Message, NoteOn, OtherMessage, encode, parse
from model.errors import PackError
from server.config.config import ProgramChange
from server.controls.cc_bindings import CcBinding, CcBindings
from server.controls.control_store import AcceptedChange, ControlStore
from server.controls.control_table import Settings, Value
from server.errors import BadValue
from server.remote.cc_input import ECHO_S, CcInput

BOUND = CcBindings.read(
    {"temperature": 21, "approach": 22, "respond": 64, "stop": {"cc": 67, "channel": 2}, "transpose": 23}
)
PACKS = ("rock", "songbook", "lost")


class CcInputHarness:
    """CC input with a control store behind it; `run_loop` does what was scheduled on the loop."""

    def __init__(self, program_change: ProgramChange = "off") -> None:
        self.calls: list[str] = []
        self.changes: list[AcceptedChange] = []
        self.forwarded: list[Message] = []
        self.moved_controls: list[str] = []
        self.refused: list[BadValue] = []
        self.scheduled: list[Callable[[], None]] = []
        self.controls = ControlStore(Settings(), self, {"pack": self._load_pack})
        self.controls.add_listener(self.changes.append)
        self.cc_input = CcInput(
            BOUND,
            program_change,
            PACKS,
            self.controls,
            lambda data, _at_s: self.forwarded.append(parse(data)),
            self.scheduled.append,
        )
        self.cc_input.on_control_moved = self.moved_controls.append

    def change(self, control: str, value: Value) -> None:
        self.calls.append(f"{control} {value}")

    def act(self, action: str) -> None:
        self.calls.append(action)

    def receive(self, *messages: Message, at_s: float = 0.0) -> None:
        for message in messages:
            self.cc_input.receive_midi(encode(message), at_s)

    def run_loop(self) -> None:
        scheduled, self.scheduled[:] = self.scheduled[:], []
        for call in scheduled:
            call()

    def _load_pack(self, settings: Settings) -> None:
        if settings.pack == "lost":
            raise PackError("there is no pack named lost")


@pytest.fixture
def harness() -> CcInputHarness:
    return CcInputHarness()


class TestBoundKnob:
    def test_moves_its_control_and_is_not_forwarded(self, harness: CcInputHarness) -> None:
        harness.receive(ControlChange(21, 127), ControlChange(22, 0))
        harness.run_loop()
        assert harness.calls == ["temperature 2.0", "approach pitch"]
        assert harness.changes[0] == AcceptedChange("temperature", 2.0, "midi")
        assert harness.moved_controls == ["temperature", "approach"]
        assert harness.forwarded == []

    def test_moves_its_control_on_any_channel(self, harness: CcInputHarness) -> None:
        harness.receive(ControlChange(21, 0, 9))
        harness.run_loop()
        assert harness.calls == ["temperature 0.1"]

    def test_of_a_burst_only_the_latest_value_is_set_and_the_loop_is_called_once(self, harness: CcInputHarness) -> None:
        harness.receive(*(ControlChange(21, value % 128) for value in range(500)))
        assert len(harness.scheduled) == 1
        harness.run_loop()
        assert len(harness.calls) == 1
        harness.receive(ControlChange(21, 0))
        assert len(harness.scheduled) == 1

    def test_at_the_position_of_its_control_changes_nothing(self, harness: CcInputHarness) -> None:
        harness.receive(ControlChange(21, 60))
        harness.run_loop()
        assert (harness.calls, harness.moved_controls) == ([], [])
        assert harness.controls.value("temperature") == 1.0

    def test_stops_at_each_whole_number(self, harness: CcInputHarness) -> None:
        harness.receive(ControlChange(23, 64))
        harness.run_loop()
        assert harness.calls == []
        harness.receive(ControlChange(23, 66))
        harness.run_loop()
        assert harness.calls == ["transpose 2"]


class TestOtherMessages:
    @pytest.mark.parametrize(
        "message",
        [
            NoteOn(60, 80),
            ControlChange(20, 64),
            ControlChange(67, 127, 0),
            ControlChange(123, 0),
            OtherMessage(b"\xc0\x01"),
        ],
    )
    def test_are_forwarded_at_once(self, harness: CcInputHarness, message: Message) -> None:
        harness.receive(message)
        assert harness.forwarded == [message]
        assert harness.scheduled == []

    def test_are_forwarded_even_if_they_are_no_midi(self) -> None:
        forwarded: list[tuple[bytes, float]] = []
        harness = CcInputHarness()
        cc_input = CcInput(
            BOUND,
            "pack",
            PACKS,
            harness.controls,
            lambda data, at_s: forwarded.append((data, at_s)),
            harness.scheduled.append,
        )
        for data in (b"", b"\xb0", b"\xb0\x15", b"\xb0\x15\xff", b"\x15\x20", b"\xc0", b"\xf8"):
            cc_input.receive_midi(data, 1.0)
        assert [data for data, _ in forwarded] == [
            b"",
            b"\xb0",
            b"\xb0\x15",
            b"\xb0\x15\xff",
            b"\x15\x20",
            b"\xc0",
            b"\xf8",
        ]


class TestPedal:
    def test_does_its_action_when_it_goes_down_and_not_when_it_comes_up(self, harness: CcInputHarness) -> None:
        for value in (127, 0, 127, 0):
            harness.receive(ControlChange(64, value))
            harness.run_loop()
        assert harness.calls == ["respond", "respond"]
        assert harness.forwarded == []

    def test_a_continuous_pedal_does_its_action_once(self, harness: CcInputHarness) -> None:
        harness.receive(*(ControlChange(64, value) for value in (10, 40, 63, 64, 90, 127, 90, 64, 30, 0)))
        harness.run_loop()
        assert harness.calls == ["respond"]

    def test_two_quick_taps_before_the_loop_runs_are_both_done(self, harness: CcInputHarness) -> None:
        harness.receive(ControlChange(64, 127), ControlChange(64, 0), ControlChange(64, 127), ControlChange(64, 0))
        harness.run_loop()
        assert harness.calls == ["respond", "respond"]

    def test_an_action_comes_after_the_moves_before_it_and_before_the_moves_after_it(
        self, harness: CcInputHarness
    ) -> None:
        harness.receive(ControlChange(21, 0), ControlChange(64, 127), ControlChange(21, 127))
        harness.run_loop()
        assert harness.calls == ["temperature 0.1", "respond", "temperature 2.0"]

    def test_bound_on_one_channel_is_forwarded_on_others(self, harness: CcInputHarness) -> None:
        harness.receive(ControlChange(67, 127, 1), ControlChange(67, 127, 0))
        harness.run_loop()
        assert harness.calls == ["stop"]
        assert harness.forwarded == [ControlChange(67, 127, 0)]

    def test_released_just_as_its_lamp_goes_out_works_at_its_next_press(self, harness: CcInputHarness) -> None:
        harness.receive(ControlChange(64, 127), at_s=1.0)
        harness.cc_input.on_value_sent(CcMove(64, 0, 0), 1.2)
        harness.receive(ControlChange(64, 0), at_s=1.2 + ECHO_S / 2)
        harness.receive(ControlChange(64, 127), at_s=1.5)
        harness.run_loop()
        assert harness.calls == ["respond", "respond"]


class TestProgramChange:
    def test_selects_a_pack(self) -> None:
        harness = CcInputHarness("pack")
        harness.receive(OtherMessage(b"\xc0\x00"))
        harness.run_loop()
        assert harness.calls == ["pack rock"]
        assert harness.forwarded == []

    def test_selects_an_approach(self) -> None:
        harness = CcInputHarness("approach")
        harness.receive(OtherMessage(b"\xc5\x00"))
        harness.run_loop()
        assert harness.calls == ["approach pitch"]

    @pytest.mark.parametrize(
        ("program", "sentence"),
        [
            (3, "program 4 is no pack; there are 3: rock, songbook, lost"),
            (2, "there is no pack named lost"),
        ],
    )
    def test_without_such_a_program_is_counted_and_changes_nothing(
        self, program: int, sentence: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        harness = CcInputHarness("pack")
        harness.receive(OtherMessage(bytes([0xC0, program])))
        harness.run_loop()
        assert (harness.calls, harness.changes) == ([], [])
        assert harness.cc_input.faults.counts.total() == 1
        assert sentence in caplog.text


class TestLearning:
    def test_binds_the_next_knob_that_moves_and_moves_the_control_with_it(self, harness: CcInputHarness) -> None:
        learnt: list[tuple[str, CcBinding]] = []
        harness.cc_input.start_learning(
            "tempo", lambda control, binding: learnt.append((control, binding)), harness.refused.append
        )
        harness.receive(NoteOn(60, 80), ControlChange(30, 0, 4))
        assert learnt == []
        harness.run_loop()
        assert learnt == [("tempo", CcBinding(30, 5))]
        assert harness.calls == ["tempo 20.0"]
        harness.receive(ControlChange(31, 0))
        assert harness.forwarded == [NoteOn(60, 80), ControlChange(31, 0)]

    @pytest.mark.parametrize("move", [ControlChange(67, 127, 1), ControlChange(64, 127, 3)])
    def test_refuses_a_knob_that_moves_another_control(self, harness: CcInputHarness, move: ControlChange) -> None:
        harness.cc_input.start_learning("tempo", lambda _control, _binding: None, harness.refused.append)
        harness.receive(move)
        harness.run_loop()
        assert harness.cc_input.bindings.by_control == BOUND.by_control
        assert "already; let" in str(harness.refused[0])
        assert harness.calls == [BOUND.control_moved_by(CcMove(move.controller, move.value, move.channel))]

    def test_a_knob_that_sends_an_nrpn_is_refused_with_a_sentence(self, harness: CcInputHarness) -> None:
        harness.cc_input.start_learning("swing", lambda _control, _binding: None, harness.refused.append)
        harness.receive(*(ControlChange(cc, value) for cc, value in ((99, 9), (98, 82), (6, 64), (38, 0))))
        harness.run_loop()
        assert [str(error).partition(",")[0] for error in harness.refused] == ["this knob sends NRPN 1234 on channel 1"]
        assert harness.cc_input.bindings.by_control == BOUND.by_control

    def test_waits_on_over_a_null_parameter_and_a_bank_select(self, harness: CcInputHarness) -> None:
        harness.cc_input.start_learning("swing", lambda _control, _binding: None, harness.refused.append)
        harness.receive(
            *(ControlChange(cc, value) for cc, value in ((101, 127), (100, 127), (0, 1), (32, 2), (30, 64)))
        )
        harness.run_loop()
        assert harness.cc_input.bindings.binding_of("swing") == CcBinding(30, 1)

    def test_replaces_the_knob_of_a_control(self, harness: CcInputHarness) -> None:
        harness.cc_input.start_learning("temperature", lambda _control, _binding: None, harness.refused.append)
        harness.receive(ControlChange(30, 0))
        assert harness.cc_input.bindings.binding_of("temperature") == CcBinding(30, 1)
        harness.receive(ControlChange(21, 0))
        assert harness.forwarded == [ControlChange(21, 0)]

    def test_ignores_the_echo_of_a_value_sent_to_a_motor(self, harness: CcInputHarness) -> None:
        harness.cc_input.start_learning("tempo", lambda _control, _binding: None, harness.refused.append)
        harness.cc_input.on_value_sent(CcMove(30, 90, 0), 1.0)
        harness.receive(ControlChange(30, 90), at_s=1.0)
        assert harness.cc_input.bindings.binding_of("tempo") is None
        harness.receive(ControlChange(30, 91), at_s=1.0)
        assert harness.cc_input.bindings.binding_of("tempo") == CcBinding(30, 1)

    def test_can_be_cancelled(self, harness: CcInputHarness) -> None:
        harness.cc_input.start_learning("tempo", lambda _control, _binding: None, harness.refused.append)
        harness.cc_input.cancel_learning()
        harness.receive(ControlChange(30, 0))
        assert harness.cc_input.bindings.binding_of("tempo") is None
        assert harness.forwarded == [ControlChange(30, 0)]

    @pytest.mark.parametrize(("control", "sentence"), [("pack", "takes no CC"), ("tmpo", "did you mean tempo")])
    def test_is_refused_for_a_control_that_takes_no_cc(
        self, harness: CcInputHarness, control: str, sentence: str
    ) -> None:
        with pytest.raises(BadValue, match=sentence):
            harness.cc_input.start_learning(control, lambda _control, _binding: None, harness.refused.append)


class TestEchoFromADaw:
    def test_a_value_that_comes_straight_back_moves_nothing(self, harness: CcInputHarness) -> None:
        harness.cc_input.on_value_sent(CcMove(21, 90, 0), 1.0)
        harness.receive(ControlChange(21, 90), at_s=1.0 + ECHO_S / 2)
        assert (harness.scheduled, harness.forwarded) == ([], [])

    def test_another_value_or_a_later_one_moves_the_control(self, harness: CcInputHarness) -> None:
        harness.cc_input.on_value_sent(CcMove(21, 90, 0), 1.0)
        harness.receive(ControlChange(21, 91), at_s=1.01)
        harness.run_loop()
        harness.receive(ControlChange(21, 90), at_s=1.0 + ECHO_S)
        harness.run_loop()
        assert len(harness.calls) == 2
