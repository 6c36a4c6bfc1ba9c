import pytest

from model.errors import PackError
from server.controls.control_store import ORIGIN_MUSIC, AcceptedChange, ControlStore, FailedChange
from server.controls.control_table import CONTROLS, Settings, Value
from server.errors import BadValue


class RecordingReceiverWithPacks:
    """A receiver that records its calls, and a pack loader that finds every pack except `lost`."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Value | str]] = []

    def change(self, control: str, value: Value) -> None:
        self.calls.append((control, value))

    def act(self, action: str) -> None:
        self.calls.append(("act", action))

    def load_pack(self, settings: Settings) -> None:
        if settings.pack == "lost":
            raise PackError("there is no pack named lost")
        self.calls.append(("load", settings.pack))


@pytest.fixture
def receiver() -> RecordingReceiverWithPacks:
    return RecordingReceiverWithPacks()


@pytest.fixture
def store(receiver: RecordingReceiverWithPacks) -> ControlStore:
    return ControlStore(Settings(), receiver, {"pack": receiver.load_pack})


def test_it_starts_with_the_given_settings(receiver: RecordingReceiverWithPacks) -> None:
    store = ControlStore(Settings(tempo=90.0, approach="pitch"), receiver, {"pack": receiver.load_pack})
    assert store.value("tempo") == 90.0
    assert store.value("approach") == "pitch"
    assert receiver.calls == []


def test_a_value_is_parsed_stored_and_passed_on(store: ControlStore, receiver: RecordingReceiverWithPacks) -> None:
    assert store.set("temperature", "0,5") == 0.5
    assert store.set("approach", 0.0) == "pitch"
    assert store.value("temperature") == 0.5
    assert store.value("approach") == "pitch"
    assert receiver.calls == [("temperature", 0.5), ("approach", "pitch")]


def test_values_has_every_control_that_holds_one(store: ControlStore) -> None:
    store.set("tempo", 90)
    defaults = {row.name: row.default for row in CONTROLS if row.kind != "action"}
    assert store.values() == defaults | {"tempo": 90.0}


@pytest.mark.parametrize(("name", "raw"), [("temperature", 9.0), ("approach", "x"), ("tmpo", 90.0), ("stop", "x")])
def test_a_refused_value_changes_nothing(
    store: ControlStore, receiver: RecordingReceiverWithPacks, name: str, raw: str | float
) -> None:
    before = store.values()
    with pytest.raises(BadValue):
        store.set(name, raw)
    assert store.values() == before
    assert receiver.calls == []


def test_an_action_is_done_at_one_and_not_at_zero(store: ControlStore, receiver: RecordingReceiverWithPacks) -> None:
    assert store.set("respond", 1.0) == 1.0
    assert store.set("respond", 0.0) == 0.0
    assert receiver.calls == [("act", "respond")]


def test_an_action_has_no_value(store: ControlStore) -> None:
    assert store.value("panic") is None
    assert "panic" not in store.values()


def test_an_unknown_control_has_no_value(store: ControlStore) -> None:
    with pytest.raises(BadValue, match="did you mean tempo"):
        store.value("tempi")


def test_a_pack_is_loaded_before_the_change_is_passed_on(
    store: ControlStore, receiver: RecordingReceiverWithPacks
) -> None:
    assert store.set("pack", "rock") == "rock"
    assert receiver.calls == [("load", "rock"), ("pack", "rock")]


def test_a_pack_that_cannot_be_loaded_changes_nothing(
    store: ControlStore, receiver: RecordingReceiverWithPacks
) -> None:
    with pytest.raises(PackError):
        store.set("pack", "lost")
    assert store.value("pack") == Settings().pack
    assert receiver.calls == []


class TestListeners:
    @pytest.fixture
    def changes(self, store: ControlStore) -> list[AcceptedChange]:
        changes: list[AcceptedChange] = []
        store.add_listener(changes.append)
        return changes

    def test_all_get_each_change_with_the_parsed_value_and_its_origin(
        self, store: ControlStore, changes: list[AcceptedChange]
    ) -> None:
        second_changes: list[AcceptedChange] = []
        store.add_listener(second_changes.append)
        store.set("temperature", "0,5", "a phone")
        store.set("approach", 0.0)
        assert (
            changes
            == second_changes
            == [AcceptedChange("temperature", 0.5, "a phone"), AcceptedChange("approach", "pitch", "")]
        )

    def test_they_get_an_action_but_not_the_release_of_its_button(
        self, store: ControlStore, changes: list[AcceptedChange]
    ) -> None:
        store.set("respond", 1.0, "a phone")
        store.set("respond", 0.0, "a phone")
        assert changes == [AcceptedChange("respond", 1.0, "a phone")]

    def test_they_get_changes_that_the_receiver_made(
        self, store: ControlStore, receiver: RecordingReceiverWithPacks, changes: list[AcceptedChange]
    ) -> None:
        store.record_change("tempo", 96.0)
        assert store.value("tempo") == 96.0
        assert changes == [AcceptedChange("tempo", 96.0, ORIGIN_MUSIC)]
        assert receiver.calls == []

    def test_they_get_no_refused_changes(self, store: ControlStore, changes: list[AcceptedChange]) -> None:
        for name, raw in (("temperature", 9.0), ("pack", "lost"), ("tmpo", 90.0)):
            with pytest.raises((BadValue, PackError)):
                store.set(name, raw)
        assert changes == []

    def test_the_store_has_the_new_value_when_they_are_called(self, store: ControlStore) -> None:
        seen_values: list[Value | None] = []
        store.add_listener(lambda change: seen_values.append(store.value(change.control)))
        store.set("tempo", 90.0)
        assert seen_values == [90.0]

    def test_a_removed_listener_gets_no_more_changes(self, store: ControlStore, changes: list[AcceptedChange]) -> None:
        removed_changes: list[AcceptedChange] = []
        remove_listener = store.add_listener(removed_changes.append)
        remove_listener()
        remove_listener()
        store.set("tempo", 90.0)
        assert (len(changes), removed_changes) == (1, [])

    def test_one_that_fails_does_not_keep_changes_from_the_others(
        self, store: ControlStore, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(change: AcceptedChange) -> None:
            raise ZeroDivisionError(change.control)

        received: list[AcceptedChange] = []
        store.add_listener(fail)
        store.add_listener(received.append)
        assert store.set("tempo", 90.0) == 90.0
        assert len(received) == 1
        assert store.faults.counts == {"ZeroDivisionError": 1}
        assert len(caplog.records) == 1


class TestAChangeThatFailsLater:
    """A pack that was accepted may turn out to be damaged once it is loaded."""

    def test_the_control_goes_back_and_the_failure_is_reported_with_its_origin(
        self, store: ControlStore, receiver: RecordingReceiverWithPacks
    ) -> None:
        failures: list[FailedChange] = []
        changes: list[AcceptedChange] = []
        store.set("pack", "damaged", "panel 3")
        store.add_failure_listener(failures.append)
        store.add_listener(changes.append)
        store.take_back("pack", "damaged", "songbook", "pack damaged is cut off")
        assert store.value("pack") == "songbook"
        assert receiver.calls[-1] == ("pack", "songbook")
        assert changes == [AcceptedChange("pack", "songbook", ORIGIN_MUSIC)]
        assert failures == [FailedChange("pack", "pack damaged is cut off", "panel 3")]

    def test_a_control_that_was_changed_again_stays(self, store: ControlStore) -> None:
        failures: list[FailedChange] = []
        remove_listener = store.add_failure_listener(failures.append)
        store.set("pack", "damaged")
        store.set("pack", "rock")
        store.take_back("pack", "damaged", "songbook", "pack damaged is cut off")
        assert store.value("pack") == "rock"
        assert len(failures) == 1
        remove_listener()
        store.take_back("pack", "damaged", "songbook", "pack damaged is cut off")
        assert len(failures) == 1
