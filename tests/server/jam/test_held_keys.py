"""Which keys and pedals keep a phrase open: by channel, by MIDI's mode messages, and for how long."""

import pytest

from bridge.midi.messages import ControlChange, Message, NoteOff, NoteOn
from model.notes import Note
from server.jam.listening.input_state import InputState
from tests.music import line
from tests.server.jams import JamHarness, on, onsets, plain_settings

PHRASE = line(48, 50, 52, 53)
PHRASE_END = 2.0
LIMIT_BEATS = 60.0  # 30 s at 120 bpm


@pytest.fixture
def harness() -> JamHarness:
    return JamHarness()


def pedal(value: int, channel: int = 0) -> ControlChange:
    return ControlChange(64, value, channel)


class TestModeMessages:
    def test_all_notes_off_leaves_the_pedal_down(self, harness: JamHarness) -> None:
        harness.receive(pedal(127), 0.0)
        for message, beat in ((NoteOn(60, 80), 0.0), (NoteOn(64, 80), 1.0), (NoteOff(60), 1.5)):
            harness.receive(message, beat)
        harness.receive(ControlChange(123, 0), PHRASE_END)
        assert harness.run_until(20.0) == []
        harness.receive(pedal(0), 20.0)
        assert harness.run_to_end()[0] == on(72, 21.0)

    def test_reset_all_controllers_releases_the_pedal_for_this_phrase_and_the_next(self, harness: JamHarness) -> None:
        harness.receive(pedal(127), 0.0)
        harness.play(PHRASE)
        harness.receive(ControlChange(121, 0), 4.0)
        assert onsets(harness.run_until(10.0))[0] == (72, 5.0)
        harness.play(line(48, 50, start_beats=20.0))
        assert onsets(harness.run_to_end())[0] == (72, 22.0)

    def test_reset_all_controllers_leaves_the_keys_down(self, harness: JamHarness) -> None:
        harness.receive(NoteOn(60, 80), 0.0)
        harness.receive(ControlChange(121, 0), 1.0)
        assert harness.run_until(20.0) == []

    def test_all_sound_off_ends_what_a_pedal_holds_too(self, harness: JamHarness) -> None:
        harness.receive(pedal(127), 0.0)
        harness.receive(NoteOn(60, 80), 0.0)
        harness.receive(ControlChange(120, 0), PHRASE_END)
        assert harness.run_to_end()[0] == on(72, 3.0)

    @pytest.mark.parametrize("controller", range(123, 128))
    def test_a_mode_message_releases_all_keys(self, harness: JamHarness, controller: int) -> None:
        harness.receive(NoteOn(60, 80), 0.0)
        harness.receive(NoteOn(64, 80), 0.0)
        harness.receive(ControlChange(controller, 0), PHRASE_END)
        assert harness.run_to_end()[0] == on(72, 3.0)

    def test_local_control_releases_no_key(self, harness: JamHarness) -> None:
        harness.receive(NoteOn(60, 80), 0.0)
        harness.receive(ControlChange(122, 0), PHRASE_END)
        assert harness.run_until(20.0) == []


class TestChannels:
    @pytest.mark.parametrize("held", [NoteOn(60, 80), pedal(127)], ids=lambda message: type(message).__name__)
    @pytest.mark.parametrize(
        "other",
        [NoteOff(60, 1), pedal(0, 1), *(ControlChange(controller, 0, 1) for controller in (120, 121, 123, 127))],
        ids=str,
    )
    def test_releasing_keys_on_one_channel_leaves_those_of_another_down(
        self, harness: JamHarness, held: Message, other: Message
    ) -> None:
        harness.receive(held, 0.0)
        harness.play(line(72, 74))
        harness.receive(other, 1.5)
        assert harness.run_until(20.0) == []
        harness.receive(NoteOff(60) if isinstance(held, NoteOn) else pedal(0), 20.0)
        assert harness.run_to_end()[0] == on(72, 21.0)

    def test_a_pitch_on_two_channels_is_two_keys(self, harness: JamHarness) -> None:
        for channel in (1, 2):
            harness.receive(NoteOn(60, 80, channel), 0.0)
        harness.receive(NoteOff(60, 2), 1.0)
        assert harness.run_until(20.0) == []
        harness.receive(NoteOff(60, 1), 20.0)
        assert harness.run_to_end()[0] == on(72, 21.0)

    def test_a_pitch_on_two_channels_has_a_length_on_each(self) -> None:
        state = InputState()
        for channel, beat in ((1, 0.0), (2, 1.0)):
            state.press(60, 80, beat, 0.0, channel)
        for channel, beat in ((2, 1.5), (1, 3.0)):
            state.handle_release(NoteOff(60, channel), beat)
        assert list(state.phrase.notes) == [Note(60, 0.0, 3.0, 80), Note(60, 1.0, 0.5, 80)]


class TestMpe:
    """A keyboard with a channel for each finger is one instrument: messages on its first or last channel count for all."""

    def held_by_fingers(self, harness: JamHarness, manager: int, members: tuple[int, ...]) -> None:
        for controller, value in ((101, 0), (100, 6), (6, len(members))):
            harness.receive(ControlChange(controller, value, manager), 0.0)
        for channel, pitch in zip(members, (60, 64, 67), strict=True):
            harness.receive(NoteOn(pitch, 80, channel), 0.0)

    @pytest.mark.parametrize(("manager", "members"), [(0, (1, 2, 3)), (15, (12, 13, 14))])
    def test_all_notes_off_on_the_manager_channel_releases_every_finger(
        self, harness: JamHarness, manager: int, members: tuple[int, ...]
    ) -> None:
        self.held_by_fingers(harness, manager, members)
        harness.receive(ControlChange(123, 0, manager), 2.0)
        assert harness.run_to_end()[0] == on(72, 3.0)

    def test_all_notes_off_on_a_member_channel_releases_that_finger(self, harness: JamHarness) -> None:
        self.held_by_fingers(harness, 0, (1, 2, 3))
        harness.receive(ControlChange(123, 0, 2), 2.0)
        assert harness.run_until(20.0) == []

    def test_the_pedal_of_the_manager_channel_holds_what_the_fingers_played(self, harness: JamHarness) -> None:
        self.held_by_fingers(harness, 0, (1, 2, 3))
        harness.receive(pedal(127), 1.0)
        for channel, pitch in ((1, 60), (2, 64), (3, 67)):
            harness.receive(NoteOff(pitch, channel), 2.0)
        assert harness.run_until(20.0) == []
        harness.receive(pedal(0), 20.0)
        assert harness.run_to_end()[0] == on(72, 21.0)

    def test_a_zone_with_no_members_is_removed(self, harness: JamHarness) -> None:
        self.held_by_fingers(harness, 0, (1, 2, 3))
        harness.receive(ControlChange(6, 0, 0), 1.0)
        harness.receive(ControlChange(123, 0, 0), 2.0)
        assert harness.run_until(20.0) == []


class TestHeldPastTheLimit:
    """A keyboard that was unplugged never sends the release."""

    def test_a_key_held_past_the_limit_no_longer_delays_the_answer(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.receive(NoteOn(55, 80), 2.5)
        assert harness.run_until(2.5 + LIMIT_BEATS - 0.01) == []
        assert onsets(harness.run_to_end())[0] == (72, 2.5 + LIMIT_BEATS)

    def test_another_keyboard_is_answered_once_the_limit_has_passed(self, harness: JamHarness) -> None:
        harness.receive(NoteOn(55, 80), 0.0)
        harness.play(line(48, 50, start_beats=LIMIT_BEATS - 0.5))
        assert onsets(harness.run_to_end())[0] == (72, LIMIT_BEATS + 1.5)

    def test_a_pedal_counts_from_the_last_key_that_was_played_under_it(self, harness: JamHarness) -> None:
        harness.receive(pedal(127), 0.0)
        harness.play(line(48, 50, start_beats=50.0))
        assert harness.run_until(50.5 + LIMIT_BEATS - 0.01) == []
        assert onsets(harness.run_to_end())[0] == (72, 50.5 + LIMIT_BEATS)

    def test_the_answer_is_as_long_as_what_was_played(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.receive(NoteOn(55, 80), 2.5)
        begin_beats = 2.5 + LIMIT_BEATS
        assert [item.beat for item in harness.run_to_end()][-1] == begin_beats + 3.0

    def test_a_release_after_the_limit_changes_nothing(self, harness: JamHarness) -> None:
        harness.receive(NoteOn(55, 80), 0.0)
        harness.run_until(70.0)
        harness.receive(NoteOff(55), 70.0)
        assert harness.run_until(100.0) == []

    def test_the_limit_is_a_control_in_seconds(self) -> None:
        harness = JamHarness(settings=plain_settings(hold_limit_s=2.0, tempo=60.0))
        harness.receive(NoteOn(55, 80), 0.0)
        assert onsets(harness.run_to_end())[0] == (72, 2.0)

    @pytest.mark.parametrize("action", ["stop", "panic"])
    @pytest.mark.parametrize("held", [NoteOn(55, 80), pedal(127)], ids=lambda message: type(message).__name__)
    def test_stop_and_panic_release_held_keys_at_once(self, harness: JamHarness, action: str, held: Message) -> None:
        harness.receive(held, 0.0)
        harness.act(action, 1.0)
        harness.play(line(48, 50, 52, 53, start_beats=2.0))
        assert onsets(harness.run_to_end())[0] == (72, 5.0)

    def test_keys_held_on_a_lost_port_can_be_released(self, harness: JamHarness) -> None:
        for message in (NoteOn(55, 80, 3), NoteOn(55, 80, 4), pedal(127, 5)):
            harness.receive(message, 0.0)
        releases = harness.jam.input_releases
        assert set(releases) == {NoteOff(55, 3), NoteOff(55, 4), pedal(0, 5)}
        for release in releases:
            harness.receive(release, 2.0)
        assert onsets(harness.run_to_end())[0] == (72, 3.0)
        assert harness.jam.input_releases == ()
