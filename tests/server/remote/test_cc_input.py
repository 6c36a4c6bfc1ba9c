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


class Rig:
    """Knobs with a desk behind them; the loop runs when it is told to."""

    def __init__(self, program_change: ProgramChange = "off") -> None:
        self.done: list[str] = []
        self.changes: list[AcceptedChange] = []
        self.onward: list[Message] = []
        self.moved: list[str] = []
        self.refused: list[BadValue] = []
        self.soon: list[Callable[[], None]] = []
        self.desk = ControlStore(Settings(), self, {"pack": self._load_pack})
        self.desk.add_listener(self.changes.append)
        self.knobs = CcInput(
            BOUND,
            program_change,
            PACKS,
            self.desk,
            lambda data, _at_s: self.onward.append(parse(data)),
            self.soon.append,
        )
        self.knobs.on_control_moved = self.moved.append

    def change(self, control: str, value: Value) -> None:
        self.done.append(f"{control} {value}")

    def act(self, action: str) -> None:
        self.done.append(action)

    def hear(self, *messages: Message, at_s: float = 0.0) -> None:
        for message in messages:
            self.knobs.receive_midi(encode(message), at_s)

    def loop(self) -> None:
        soon, self.soon[:] = self.soon[:], []
        for deed in soon:
            deed()

    def _load_pack(self, settings: Settings) -> None:
        if settings.pack == "lost":
            raise PackError("there is no pack named lost")


@pytest.fixture
def rig() -> Rig:
    return Rig()


class TestABoundKnob:
    def test_moves_its_control_and_nothing_of_it_reaches_the_player(self, rig: Rig) -> None:
        rig.hear(ControlChange(21, 127), ControlChange(22, 0))
        rig.loop()
        assert rig.done == ["temperature 2.0", "approach pitch"]
        assert rig.changes[0] == AcceptedChange("temperature", 2.0, "midi")
        assert rig.moved == ["temperature", "approach"]
        assert rig.onward == []

    def test_moves_it_on_any_channel(self, rig: Rig) -> None:
        rig.hear(ControlChange(21, 0, 9))
        rig.loop()
        assert rig.done == ["temperature 0.1"]

    def test_of_a_burst_only_the_latest_is_set_and_the_loop_is_called_once(self, rig: Rig) -> None:
        rig.hear(*(ControlChange(21, value % 128) for value in range(500)))
        assert len(rig.soon) == 1
        rig.loop()
        assert len(rig.done) == 1
        rig.hear(ControlChange(21, 0))
        assert len(rig.soon) == 1

    def test_that_is_where_its_control_is_changes_nothing(self, rig: Rig) -> None:
        rig.hear(ControlChange(21, 53))
        rig.loop()
        assert (rig.done, rig.moved) == ([], [])
        assert rig.desk.value("temperature") == 0.9

    def test_stops_at_each_whole_number(self, rig: Rig) -> None:
        rig.hear(ControlChange(23, 64))
        rig.loop()
        assert rig.done == []
        rig.hear(ControlChange(23, 66))
        rig.loop()
        assert rig.done == ["transpose 2"]


class TestAnythingElse:
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
    def test_goes_on_to_the_player_at_once(self, rig: Rig, message: Message) -> None:
        rig.hear(message)
        assert rig.onward == [message]
        assert rig.soon == []

    def test_even_what_is_no_midi_does(self) -> None:
        onward: list[tuple[bytes, float]] = []
        rig = Rig()
        knobs = CcInput(BOUND, "pack", PACKS, rig.desk, lambda data, at_s: onward.append((data, at_s)), rig.soon.append)
        for data in (b"", b"\xb0", b"\xb0\x15", b"\xb0\x15\xff", b"\x15\x20", b"\xc0", b"\xf8"):
            knobs.receive_midi(data, 1.0)
        assert [data for data, _ in onward] == [
            b"",
            b"\xb0",
            b"\xb0\x15",
            b"\xb0\x15\xff",
            b"\x15\x20",
            b"\xc0",
            b"\xf8",
        ]


class TestAPedal:
    def test_does_its_action_when_it_goes_down_and_not_when_it_comes_up(self, rig: Rig) -> None:
        for value in (127, 0, 127, 0):
            rig.hear(ControlChange(64, value))
            rig.loop()
        assert rig.done == ["respond", "respond"]
        assert rig.onward == []

    def test_that_tells_how_far_down_it_is_does_it_once(self, rig: Rig) -> None:
        rig.hear(*(ControlChange(64, value) for value in (10, 40, 63, 64, 90, 127, 90, 64, 30, 0)))
        rig.loop()
        assert rig.done == ["respond"]

    def test_that_is_tapped_within_one_turn_of_the_loop_is_not_missed(self, rig: Rig) -> None:
        rig.hear(ControlChange(64, 127), ControlChange(64, 0), ControlChange(64, 127), ControlChange(64, 0))
        rig.loop()
        assert rig.done == ["respond", "respond"]

    def test_finds_what_was_moved_before_it_as_it_was_moved(self, rig: Rig) -> None:
        rig.hear(ControlChange(21, 0), ControlChange(64, 127), ControlChange(21, 127))
        rig.loop()
        assert rig.done == ["temperature 0.1", "respond", "temperature 2.0"]

    def test_on_a_channel_of_its_own_is_a_pedal_on_others(self, rig: Rig) -> None:
        rig.hear(ControlChange(67, 127, 1), ControlChange(67, 127, 0))
        rig.loop()
        assert rig.done == ["stop"]
        assert rig.onward == [ControlChange(67, 127, 0)]


class TestAProgramChange:
    def test_picks_a_pack(self) -> None:
        rig = Rig("pack")
        rig.hear(OtherMessage(b"\xc0\x00"))
        rig.loop()
        assert rig.done == ["pack rock"]
        assert rig.onward == []

    def test_picks_an_approach(self) -> None:
        rig = Rig("approach")
        rig.hear(OtherMessage(b"\xc5\x00"))
        rig.loop()
        assert rig.done == ["approach pitch"]

    @pytest.mark.parametrize(
        ("program", "said"),
        [
            (3, "program 4 is no pack; there are 3: rock, songbook, lost"),
            (2, "there is no pack named lost"),
        ],
    )
    def test_that_picks_what_is_not_there_is_counted_and_changes_nothing(
        self, program: int, said: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        rig = Rig("pack")
        rig.hear(OtherMessage(bytes([0xC0, program])))
        rig.loop()
        assert (rig.done, rig.changes) == ([], [])
        assert rig.knobs.faults.counts.total() == 1
        assert said in caplog.text


class TestLearning:
    def test_binds_the_next_knob_that_moves_and_moves_the_control_with_it(self, rig: Rig) -> None:
        learnt: list[tuple[str, CcBinding]] = []
        rig.knobs.start_learning(
            "tempo", lambda control, binding: learnt.append((control, binding)), rig.refused.append
        )
        rig.hear(NoteOn(60, 80), ControlChange(30, 0, 4))
        assert learnt == []
        rig.loop()
        assert learnt == [("tempo", CcBinding(30, 5))]
        assert rig.done == ["tempo 20.0"]
        rig.hear(ControlChange(31, 0))
        assert rig.onward == [NoteOn(60, 80), ControlChange(31, 0)]

    @pytest.mark.parametrize("move", [ControlChange(67, 127, 1), ControlChange(64, 127, 3)])
    def test_takes_no_knob_from_another_control_and_says_so(self, rig: Rig, move: ControlChange) -> None:
        rig.knobs.start_learning("tempo", lambda _control, _binding: None, rig.refused.append)
        rig.hear(move)
        rig.loop()
        assert rig.knobs.bindings.by_control == BOUND.by_control
        assert "already; let" in str(rig.refused[0])
        assert rig.done == [BOUND.control_moved_by(CcMove(move.controller, move.value, move.channel))]

    def test_a_control_may_be_moved_by_another_knob_from_then_on(self, rig: Rig) -> None:
        rig.knobs.start_learning("temperature", lambda _control, _binding: None, rig.refused.append)
        rig.hear(ControlChange(30, 0))
        assert rig.knobs.bindings.binding_of("temperature") == CcBinding(30, 1)
        rig.hear(ControlChange(21, 0))
        assert rig.onward == [ControlChange(21, 0)]

    def test_what_was_sent_to_a_motor_and_comes_back_is_no_knob(self, rig: Rig) -> None:
        rig.knobs.start_learning("tempo", lambda _control, _binding: None, rig.refused.append)
        rig.knobs.on_value_sent(CcMove(30, 90, 0), 1.0)
        rig.hear(ControlChange(30, 90), at_s=1.0)
        assert rig.knobs.bindings.binding_of("tempo") is None
        rig.hear(ControlChange(30, 91), at_s=1.0)
        assert rig.knobs.bindings.binding_of("tempo") == CcBinding(30, 1)

    def test_can_be_given_up(self, rig: Rig) -> None:
        rig.knobs.start_learning("tempo", lambda _control, _binding: None, rig.refused.append)
        rig.knobs.cancel_learning()
        rig.hear(ControlChange(30, 0))
        assert rig.knobs.bindings.binding_of("tempo") is None
        assert rig.onward == [ControlChange(30, 0)]

    @pytest.mark.parametrize(("control", "said"), [("pack", "takes no CC"), ("tmpo", "did you mean tempo")])
    def test_of_what_takes_no_knob_is_refused(self, rig: Rig, control: str, said: str) -> None:
        with pytest.raises(BadValue, match=said):
            rig.knobs.start_learning(control, lambda _control, _binding: None, rig.refused.append)


class TestALoopThroughADaw:
    def test_what_comes_straight_back_moves_nothing(self, rig: Rig) -> None:
        rig.knobs.on_value_sent(CcMove(21, 90, 0), 1.0)
        rig.hear(ControlChange(21, 90), at_s=1.0 + ECHO_S / 2)
        assert (rig.soon, rig.onward) == ([], [])

    def test_another_value_or_a_later_one_is_a_hands(self, rig: Rig) -> None:
        rig.knobs.on_value_sent(CcMove(21, 90, 0), 1.0)
        rig.hear(ControlChange(21, 91), at_s=1.01)
        rig.loop()
        rig.hear(ControlChange(21, 90), at_s=1.0 + ECHO_S)
        rig.loop()
        assert len(rig.done) == 2
