import pytest

from model.errors import PackError
from server.controls.control_store import ORIGIN_MUSIC, AcceptedChange, ControlStore
from server.controls.control_table import CONTROLS, Settings, Value
from server.errors import BadValue


class Notebook:
    """A performer who writes down what it is told, and packs that are all there but `lost`."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Value | str]] = []

    def change(self, control: str, value: Value) -> None:
        self.told.append((control, value))

    def act(self, action: str) -> None:
        self.told.append(("act", action))

    def load_pack(self, settings: Settings) -> None:
        if settings.pack == "lost":
            raise PackError("there is no pack settings.packd lost")
        self.told.append(("load", settings.pack))


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
def desk(notebook: Notebook) -> ControlStore:
    return ControlStore(Settings(), notebook, {"pack": notebook.load_pack})


def test_it_begins_with_the_settings_it_is_given(notebook: Notebook) -> None:
    desk = ControlStore(Settings(tempo=90.0, approach="pitch"), notebook, {"pack": notebook.load_pack})
    assert desk.value("tempo") == 90.0
    assert desk.value("approach") == "pitch"
    assert notebook.told == []


def test_what_is_set_is_read_by_its_row_remembered_and_passed_on(desk: ControlStore, notebook: Notebook) -> None:
    assert desk.set("temperature", "0,5") == 0.5
    assert desk.set("approach", 0.0) == "pitch"
    assert desk.value("temperature") == 0.5
    assert desk.value("approach") == "pitch"
    assert notebook.told == [("temperature", 0.5), ("approach", "pitch")]


def test_every_control_that_keeps_a_value_tells_it(desk: ControlStore) -> None:
    desk.set("tempo", 90)
    defaults = {row.name: row.default for row in CONTROLS if row.kind != "action"}
    assert desk.values() == defaults | {"tempo": 90.0}


@pytest.mark.parametrize(("name", "raw"), [("temperature", 9.0), ("approach", "x"), ("tmpo", 90.0), ("stop", "x")])
def test_what_is_refused_changes_nothing(desk: ControlStore, notebook: Notebook, name: str, raw: str | float) -> None:
    before = desk.values()
    with pytest.raises(BadValue):
        desk.set(name, raw)
    assert desk.values() == before
    assert notebook.told == []


def test_an_action_is_done_at_one_and_not_at_nought(desk: ControlStore, notebook: Notebook) -> None:
    assert desk.set("respond", 1.0) == 1.0
    assert desk.set("respond", 0.0) == 0.0
    assert notebook.told == [("act", "respond")]


def test_an_action_has_no_value_to_tell(desk: ControlStore) -> None:
    assert desk.value("panic") is None
    assert "panic" not in desk.values()


def test_a_value_of_no_control_cannot_be_told(desk: ControlStore) -> None:
    with pytest.raises(BadValue, match="did you mean tempo"):
        desk.value("tempi")


def test_a_pack_is_loaded_before_it_is_told_of(desk: ControlStore, notebook: Notebook) -> None:
    assert desk.set("pack", "rock") == "rock"
    assert notebook.told == [("load", "rock"), ("pack", "rock")]


def test_a_pack_that_cannot_be_loaded_changes_nothing(desk: ControlStore, notebook: Notebook) -> None:
    with pytest.raises(PackError):
        desk.set("pack", "lost")
    assert desk.value("pack") == Settings().pack
    assert notebook.told == []


class TestListeners:
    @pytest.fixture
    def told(self, desk: ControlStore) -> list[AcceptedChange]:
        changes: list[AcceptedChange] = []
        desk.add_listener(changes.append)
        return changes

    def test_all_hear_of_each_change_as_it_was_read_and_whose_it_is(
        self, desk: ControlStore, told: list[AcceptedChange]
    ) -> None:
        also: list[AcceptedChange] = []
        desk.add_listener(also.append)
        desk.set("temperature", "0,5", "a phone")
        desk.set("approach", 0.0)
        assert told == also == [AcceptedChange("temperature", 0.5, "a phone"), AcceptedChange("approach", "pitch", "")]

    def test_they_hear_of_an_action_that_is_done_and_not_of_its_button_coming_up(
        self, desk: ControlStore, told: list[AcceptedChange]
    ) -> None:
        desk.set("respond", 1.0, "a phone")
        desk.set("respond", 0.0, "a phone")
        assert told == [AcceptedChange("respond", 1.0, "a phone")]

    def test_they_hear_of_what_the_music_changed(
        self, desk: ControlStore, notebook: Notebook, told: list[AcceptedChange]
    ) -> None:
        desk.record_change("tempo", 96.0)
        assert desk.value("tempo") == 96.0
        assert told == [AcceptedChange("tempo", 96.0, ORIGIN_MUSIC)]
        assert notebook.told == []

    def test_they_hear_nothing_of_what_is_refused(self, desk: ControlStore, told: list[AcceptedChange]) -> None:
        for name, raw in (("temperature", 9.0), ("pack", "lost"), ("tmpo", 90.0)):
            with pytest.raises((BadValue, PackError)):
                desk.set(name, raw)
        assert told == []

    def test_they_know_the_new_value_when_they_ask(self, desk: ControlStore) -> None:
        asked: list[Value | None] = []
        desk.add_listener(lambda change: asked.append(desk.value(change.control)))
        desk.set("tempo", 90.0)
        assert asked == [90.0]

    def test_whoever_has_left_hears_no_more(self, desk: ControlStore, told: list[AcceptedChange]) -> None:
        more: list[AcceptedChange] = []
        leave = desk.add_listener(more.append)
        leave()
        leave()
        desk.set("tempo", 90.0)
        assert (len(told), more) == (1, [])

    def test_one_that_fails_keeps_no_other_from_hearing(
        self, desk: ControlStore, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(change: AcceptedChange) -> None:
            raise ZeroDivisionError(change.control)

        heard: list[AcceptedChange] = []
        desk.add_listener(fail)
        desk.add_listener(heard.append)
        assert desk.set("tempo", 90.0) == 90.0
        assert len(heard) == 1
        assert desk.faults.counts == {"ZeroDivisionError": 1}
        assert len(caplog.records) == 1
