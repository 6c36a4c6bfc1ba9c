from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import PortLost
from bridge.midi.messages import ControlChange, Message, NoteOff, NoteOn, OtherMessage
from server.music.ledger import CHECK_EVERY_S, FRESH_S, REPEAT_AFTER_S, Ledger

RELEASED: list[Message] = [ControlChange(64, 0), ControlChange(123, 0)]  # the pedal, then all notes, of channel 1


class FailingPort:
    """Records what is sent; fails for `bad_pitches`, and for every message while it is lost."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.is_lost = False
        self.bad_pitches: set[int] = set()

    def send(self, message: Message) -> None:
        if self.is_lost or (isinstance(message, NoteOn | NoteOff) and message.pitch in self.bad_pitches):
            raise PortLost("the port is gone")
        self.sent.append(message)


@pytest.fixture
def port() -> FailingPort:
    return FailingPort()


@pytest.fixture
def ledger(port: FailingPort) -> Ledger:
    return Ledger(port.send)


def sounding_count(ledger: Ledger) -> int:
    """How many notes sound."""
    return len(ledger.pending_note_offs)


def test_notes_pass_in_order(ledger: Ledger, port: FailingPort) -> None:
    ledger.post(NoteOn(60, 90))
    assert sounding_count(ledger) == 1
    ledger.post(NoteOff(60))
    assert sounding_count(ledger) == 0
    assert port.sent == [NoteOn(60, 90), NoteOff(60)]


def test_a_note_off_without_a_note_on_is_not_sent(ledger: Ledger, port: FailingPort) -> None:
    ledger.post(NoteOff(60))
    ledger.post(NoteOn(60, 90))
    ledger.post(NoteOff(60))
    ledger.post(NoteOff(60))
    assert port.sent == [NoteOn(60, 90), NoteOff(60)]


def test_a_note_that_begins_while_it_sounds_is_ended_first(ledger: Ledger, port: FailingPort) -> None:
    ledger.post(NoteOn(60, 90))
    ledger.post(NoteOn(60, 50))
    assert port.sent == [NoteOn(60, 90), NoteOff(60), NoteOn(60, 50)]
    assert sounding_count(ledger) == 1


def test_channels_do_not_end_each_others_notes(ledger: Ledger, port: FailingPort) -> None:
    ledger.post(NoteOn(60, 90, channel=0))
    ledger.post(NoteOn(60, 90, channel=1))
    ledger.post(NoteOff(60, channel=2))
    ledger.post(NoteOff(60, channel=1))
    assert port.sent[2:] == [NoteOff(60, channel=1)]
    assert sounding_count(ledger) == 1


def test_messages_that_are_not_notes_pass_unchanged(ledger: Ledger, port: FailingPort) -> None:
    others: list[Message] = [ControlChange(123, 0, 5), OtherMessage(b"\xc0\x05")]
    for message in others:
        ledger.post(message)
    assert port.sent == others


def test_release_all_ends_every_note_once(ledger: Ledger, port: FailingPort) -> None:
    for pitch, channel in ((64, 0), (60, 3), (60, 0)):
        ledger.post(NoteOn(pitch, 90, channel))
    ledger.release_all()
    ledger.release_all()
    assert port.sent[3:6] == [NoteOff(60), NoteOff(64), NoteOff(60, channel=3)]
    assert port.sent[6:] == [*RELEASED, ControlChange(64, 0, 3), ControlChange(123, 0, 3)]
    assert sounding_count(ledger) == 0


def test_release_all_lifts_a_pedal_that_was_pressed_even_where_no_note_sounded(
    ledger: Ledger, port: FailingPort
) -> None:
    ledger.post(ControlChange(64, 127, 3))
    assert ControlChange(64, 0, 3) in ledger.releases
    ledger.release_all()
    assert ControlChange(64, 0, 3) in port.sent
    assert ledger.releases == ()


def test_a_note_whose_sending_failed_counts_as_sounding_as_it_may_have_been_played(
    ledger: Ledger, port: FailingPort
) -> None:
    port.is_lost = True
    with pytest.raises(PortLost):
        ledger.post(NoteOn(60, 90))
    port.is_lost = False
    ledger.release_all()
    assert port.sent == [NoteOff(60), *RELEASED]


def test_a_note_off_that_failed_is_sent_again_when_the_port_is_back(ledger: Ledger, port: FailingPort) -> None:
    ledger.post(NoteOn(60, 90))
    port.is_lost = True
    with pytest.raises(PortLost):
        ledger.post(NoteOff(60))
    assert sounding_count(ledger) == 1
    port.is_lost = False
    ledger.release_all()
    assert port.sent == [NoteOn(60, 90), NoteOff(60), *RELEASED]


def test_a_note_that_cannot_be_ended_does_not_keep_the_others_sounding(ledger: Ledger, port: FailingPort) -> None:
    for pitch in (60, 64, 67):
        ledger.post(NoteOn(pitch, 90))
    port.bad_pitches = {60}
    with pytest.raises(PortLost):
        ledger.release_all()
    assert port.sent[3:] == [NoteOff(64), NoteOff(67), *RELEASED]
    assert sounding_count(ledger) == 1


class TestRepeats:
    def test_a_note_off_is_repeated_once(self, ledger: Ledger, port: FailingPort) -> None:
        ledger.post(NoteOn(60, 90), 1.0)
        ledger.post(NoteOff(60), 2.0)
        assert ledger.next_repeat_s == 2.0 + REPEAT_AFTER_S
        for at_s in (2.0, 2.0 + REPEAT_AFTER_S, 9.0):
            ledger.repeat_due(at_s)
        assert port.sent == [NoteOn(60, 90), NoteOff(60), NoteOff(60)]
        assert ledger.next_repeat_s is None

    def test_a_note_that_sounds_again_is_not_ended_by_a_repeat(self, ledger: Ledger, port: FailingPort) -> None:
        for message, at_s in ((NoteOn(60, 90), 1.0), (NoteOff(60), 2.0), (NoteOn(60, 90), 2.05)):
            ledger.post(message, at_s)
        ledger.repeat_due(9.0)
        assert port.sent == [NoteOn(60, 90), NoteOff(60), NoteOn(60, 90)]

    def test_after_a_release_of_all_a_note_that_sounds_again_goes_on(self, ledger: Ledger, port: FailingPort) -> None:
        for pitch in (60, 64):
            ledger.post(NoteOn(pitch, 90), 1.0)
        ledger.release_all(2.0)
        ledger.post(NoteOn(64, 90), 2.05)
        before = len(port.sent)
        ledger.repeat_due(2.0 + REPEAT_AFTER_S)
        assert port.sent[before:] == [NoteOff(60), ControlChange(64, 0)]

    def test_what_the_player_holds_is_not_ended(self, ledger: Ledger, port: FailingPort) -> None:
        for pitch in (60, 64):
            ledger.post(NoteOn(pitch, 90), 1.0)
        ledger.release_all(2.0)
        before = len(port.sent)
        ledger.repeat_due(9.0, {64}, holds_pedal=True)
        assert port.sent[before:] == [NoteOff(60)]

    def test_a_pedal_that_was_lifted_is_lifted_once_more(self, ledger: Ledger, port: FailingPort) -> None:
        ledger.post(ControlChange(64, 127, 3), 1.0)
        ledger.post(ControlChange(64, 0, 3), 2.0)
        for at_s in (2.0, 2.0 + REPEAT_AFTER_S, 9.0):
            ledger.repeat_due(at_s)
        assert port.sent == [ControlChange(64, 127, 3), ControlChange(64, 0, 3), ControlChange(64, 0, 3)]

    def test_a_pedal_that_is_down_again_or_that_the_player_holds_is_not_lifted(
        self, ledger: Ledger, port: FailingPort
    ) -> None:
        for channel in (0, 1):
            ledger.post(ControlChange(64, 127, channel), 1.0)
            ledger.post(ControlChange(64, 0, channel), 2.0)
        ledger.post(ControlChange(64, 127, 0), 2.05)
        before = len(port.sent)
        ledger.repeat_due(9.0, holds_pedal=True)
        assert port.sent[before:] == []

    def test_a_lost_port_ends_no_loop(self, ledger: Ledger, port: FailingPort) -> None:
        ledger.post(NoteOn(60, 90), 1.0)
        ledger.post(NoteOff(60), 2.0)
        port.is_lost = True
        with pytest.raises(PortLost):
            ledger.repeat_due(9.0)
        assert ledger.next_repeat_s is None


class TestOverruns:
    """While the port reports that messages may be lost, one repeat is not enough."""

    @pytest.fixture
    def overruns(self) -> list[int]:
        """One number, the port's count."""
        return [7]

    @pytest.fixture
    def ledger(self, port: FailingPort, overruns: list[int]) -> Ledger:
        return Ledger(port.send, lambda: overruns[0])

    def sent_by_looks(self, ledger: Ledger, port: FailingPort, *looks_s: float) -> list[list[Message]]:
        """What is sent at each of these seconds."""
        sent = []
        for at_s in looks_s:
            before = len(port.sent)
            ledger.repeat_due(at_s)
            sent.append(port.sent[before:])
        return sent

    def test_a_note_off_is_sent_again_within_half_a_second_and_once_more_after_the_last_overrun(
        self, ledger: Ledger, port: FailingPort, overruns: list[int]
    ) -> None:
        ledger.post(NoteOn(60, 90), 1.0)
        ledger.post(NoteOff(60), 2.0)
        overruns[0] += 1
        assert ledger.is_doubtful(2.0)
        off: list[Message] = [NoteOff(60)]
        assert self.sent_by_looks(ledger, port, 2.1, 2.4, 2.8, 3.2, 9.0) == [off, off, off, [], []]
        assert not ledger.is_doubtful(9.0)

    def test_without_an_overrun_since_it_was_sent_it_is_not_sent_a_third_time(
        self, ledger: Ledger, port: FailingPort, overruns: list[int]
    ) -> None:
        overruns[0] += 5
        ledger.post(NoteOn(60, 90), 1.0)
        ledger.post(NoteOff(60), 2.0)
        assert self.sent_by_looks(ledger, port, 2.1, 2.4, 2.8, 9.0) == [[NoteOff(60)], [], [], []]

    def test_an_overrun_that_was_reported_before_it_was_sent_may_have_swallowed_it(
        self, ledger: Ledger, port: FailingPort, overruns: list[int]
    ) -> None:
        """A program may stand still, for many cycles, since the moment at which the first of them was reported."""
        ledger.post(NoteOn(60, 90), 1.0)
        overruns[0] += 1
        ledger.post(NoteOff(60), 2.0)
        off: list[Message] = [NoteOff(60)]
        assert self.sent_by_looks(ledger, port, 2.1, 2.4, 2.8, 9.0) == [off, off, off, []]

    def test_what_the_player_held_is_ended_when_the_player_lets_go(
        self, ledger: Ledger, port: FailingPort, overruns: list[int]
    ) -> None:
        for pitch in (60, 64):
            ledger.post(NoteOn(pitch, 90), 1.0)
        ledger.release_all(2.0)
        overruns[0] += 1
        for at_s in (2.1, 2.5, 2.9, 3.3, 8.0):
            ledger.repeat_due(at_s, {64}, holds_pedal=True)
        assert ledger.next_repeat_s == pytest.approx(8.0 + CHECK_EVERY_S)
        before = len(port.sent)
        ledger.repeat_due(9.0)
        assert port.sent[before:] == [NoteOff(64), *RELEASED]
        assert ledger.next_repeat_s is None

    def test_while_overruns_go_on_it_is_sent_for_three_seconds(
        self, ledger: Ledger, port: FailingPort, overruns: list[int]
    ) -> None:
        ledger.post(NoteOn(60, 90), 1.0)
        ledger.post(NoteOff(60), 2.0)
        sent_s = []
        while (at_s := ledger.next_repeat_s) is not None:
            overruns[0] += 1
            before = len(port.sent)
            ledger.repeat_due(at_s)
            sent_s += [round(at_s, 6)] * (len(port.sent) - before)
        assert sent_s[:6] == [2.1, 2.4, 2.8, 3.2, 3.6, 4.0]
        assert sent_s[-1] <= 2.0 + FRESH_S + CHECK_EVERY_S

    def test_a_note_that_sounds_again_or_that_the_player_holds_goes_on(
        self, ledger: Ledger, port: FailingPort, overruns: list[int]
    ) -> None:
        for pitch in (60, 62, 64):
            ledger.post(NoteOn(pitch, 90), 1.0)
            ledger.post(NoteOff(pitch), 2.0)
        ledger.repeat_due(2.1)
        ledger.post(NoteOn(60, 90), 2.2)
        overruns[0] += 1
        before = len(port.sent)
        ledger.repeat_due(2.4, {64})
        assert port.sent[before:] == [NoteOff(62)]

    def test_a_release_of_all_is_sent_again_with_its_pedals(
        self, ledger: Ledger, port: FailingPort, overruns: list[int]
    ) -> None:
        ledger.post(NoteOn(60, 90), 1.0)
        ledger.release_all(2.0)
        overruns[0] += 1
        ended = [NoteOff(60), *RELEASED]
        assert self.sent_by_looks(ledger, port, 2.1, 2.5, 2.9, 3.3) == [ended, ended, ended, []]

    def test_of_a_release_what_is_played_again_by_then_goes_on(
        self, ledger: Ledger, port: FailingPort, overruns: list[int]
    ) -> None:
        for channel in (0, 1):
            ledger.post(NoteOn(60, 90, channel), 1.0)
        ledger.release_all(2.0)
        ledger.repeat_due(2.1)
        ledger.post(ControlChange(64, 127), 2.2)
        ledger.post(NoteOn(60, 90), 2.2)
        overruns[0] += 1
        before = len(port.sent)
        ledger.repeat_due(2.5)
        assert port.sent[before:] == [NoteOff(60, 1), ControlChange(64, 0, 1), ControlChange(123, 0, 1)]

    def test_what_is_released_when_a_port_is_back_may_be_lost_as_two_programs_are_being_connected(
        self, ledger: Ledger, port: FailingPort
    ) -> None:
        ledger.post(NoteOn(60, 90), 1.0)
        ledger.post(NoteOff(60), 1.5)
        ledger.release_after_loss(2.0, {0})
        ended = [NoteOff(60), *RELEASED]
        assert self.sent_by_looks(ledger, port, 2.1, 2.5, 2.9, 3.3, 9.0) == [ended, ended, ended, [], []]

    def test_a_count_that_begins_anew_counts_as_an_overrun(
        self, ledger: Ledger, port: FailingPort, overruns: list[int]
    ) -> None:
        ledger.post(NoteOn(60, 90), 1.0)
        ledger.post(NoteOff(60), 2.0)
        overruns[0] = 0
        assert self.sent_by_looks(ledger, port, 2.1, 2.4) == [[NoteOff(60)], [NoteOff(60)]]

    def test_a_note_off_that_a_full_port_refused_is_sent_when_there_is_room(
        self, ledger: Ledger, port: FailingPort
    ) -> None:
        for pitch in (60, 64):
            ledger.post(NoteOn(pitch, 90), 1.0)
        port.bad_pitches = {60}
        with pytest.raises(PortLost):
            ledger.post(NoteOff(60), 2.0)
        with pytest.raises(PortLost):
            ledger.repeat_due(2.4)
        port.bad_pitches = set()
        assert self.sent_by_looks(ledger, port, 2.8, 2.9, 9.0) == [[NoteOff(60)], [NoteOff(60)], []]
        assert sounding_count(ledger) == 1


OVERLOADED_S = 1.2
"""For so long messages may be lost."""


class OverloadedReceiver:
    """A synthesizer that knows no "all notes off", and does not get the messages at which `losses` is true; each loss is an overrun."""

    def __init__(self, losses: list[bool]) -> None:
        self.now_s = 0.0
        self.overruns = 0
        self.sounding: set[tuple[int, int]] = set()
        self.pedals: set[int] = set()
        self._losses = iter(losses)
        self.ledger = Ledger(self.send, lambda: self.overruns)

    def send(self, message: Message) -> None:
        if self.now_s < OVERLOADED_S and next(self._losses, False):
            self.overruns += 1
            return
        match message:
            case NoteOn(pitch, _, channel):
                self.sounding.add((pitch, channel))
            case NoteOff(pitch, channel):
                self.sounding.discard((pitch, channel))
            case ControlChange(64, value, channel):
                (self.pedals.add if value else self.pedals.discard)(channel)

    def let_pass(self, until_s: float) -> None:
        while (due_s := self.ledger.next_repeat_s) is not None and due_s <= until_s:
            self.now_s = max(self.now_s, due_s)
            self.ledger.repeat_due(self.now_s)
        self.now_s = until_s


@given(
    steps=st.lists(
        st.tuples(
            st.one_of(
                st.builds(NoteOn, st.integers(60, 63), st.just(80), st.integers(0, 1)),
                st.builds(NoteOff, st.integers(60, 63), st.integers(0, 1)),
                st.builds(ControlChange, st.just(64), st.sampled_from((0, 127)), st.integers(0, 1)),
            ),
            st.sampled_from((0.0, 0.25)),
        ),
        max_size=30,
    ),
    losses=st.lists(st.booleans(), max_size=120),
    ends_by_release=st.booleans(),
)
def test_whichever_messages_overruns_swallow_what_has_ended_is_silent_a_second_later(
    steps: list[tuple[NoteOn | NoteOff | ControlChange, float]], losses: list[bool], *, ends_by_release: bool
) -> None:
    receiver = OverloadedReceiver(losses)
    pedals: dict[int, int] = {}
    for message, seconds in steps:
        if receiver.now_s >= OVERLOADED_S:
            break
        receiver.ledger.post(message, receiver.now_s)
        if isinstance(message, ControlChange):
            pedals[message.channel] = message.value
        receiver.let_pass(receiver.now_s + seconds)
    if ends_by_release:
        receiver.ledger.release_all(receiver.now_s)
        pedals.clear()
    receiver.let_pass(max(receiver.now_s, OVERLOADED_S) + 1.0)
    assert receiver.sounding <= {(off.pitch, off.channel) for off in receiver.ledger.pending_note_offs}
    assert receiver.pedals <= {channel for channel, value in pedals.items() if value}


@given(lost=st.integers(0, 40))
def test_whichever_message_is_lost_nothing_sounds_after_a_release_and_its_repeat(lost: int) -> None:
    """The receiver knows no "all notes off", and misses one message."""
    arrived: list[Message] = []
    count = 0

    def send(message: Message) -> None:
        nonlocal count
        if count != lost:
            arrived.append(message)
        count += 1

    ledger = Ledger(send)
    for number in range(8):
        ledger.post(NoteOn(60 + number % 5, 90, number % 2), number / 8)
        if number % 3:
            ledger.post(NoteOff(60 + number % 5, number % 2), number / 8 + 0.01)
        ledger.repeat_due(number / 8 + 0.02)
    ledger.release_all(2.0)
    ledger.repeat_due(2.0 + REPEAT_AFTER_S)
    sounding: set[tuple[int, int]] = set()
    for message in arrived:
        if isinstance(message, NoteOn):
            sounding.add((message.pitch, message.channel))
        elif isinstance(message, NoteOff):
            sounding.discard((message.pitch, message.channel))
    assert not sounding


NOTES = st.one_of(
    st.builds(NoteOn, st.integers(60, 63), st.integers(1, 127), st.integers(0, 1)),
    st.builds(NoteOff, st.integers(60, 63), st.integers(0, 1)),
)


@given(posted=st.lists(st.tuples(NOTES, st.booleans())))
def test_every_note_is_ended_with_any_messages_and_any_failures_of_the_port(
    posted: list[tuple[NoteOn | NoteOff, bool]],
) -> None:
    port = FailingPort()
    ledger = Ledger(port.send)
    for message, is_lost in posted:
        port.is_lost = is_lost
        with suppress(PortLost):
            ledger.post(message)
    port.is_lost = False
    ledger.release_all()
    sounding: set[tuple[int, int]] = set()
    for sent in port.sent:
        match sent:
            case NoteOn(pitch, _, channel):
                assert (channel, pitch) not in sounding
                sounding.add((channel, pitch))
            case NoteOff(pitch, channel):
                sounding.discard((channel, pitch))
    assert not sounding
    assert sounding_count(ledger) == 0
