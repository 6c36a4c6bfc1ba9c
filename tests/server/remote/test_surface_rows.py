import pytest

from bridge.osc.osc_packets import OscMessage
from bridge.surfaces.surface import lay_out
from bridge.timing.clock import ManualClock
from server.controls.control_store import ControlStore
from server.controls.control_table import BY_NAME, CONTROLS, Settings
from server.jam.readouts import READOUTS
from server.remote.osc_controls import OscControls
from server.remote.surface_rows import control_rows, status_lights
from tests.server.recording_receiver import RecordingReceiver

PACKS = ("rock", "song book")
SURFACE = lay_out(control_rows(Settings(), PACKS), status_lights())
ADDRESSES = sorted({widget.address for widget in SURFACE.widgets if widget.address})


@pytest.fixture(scope="module")
def osc_controls() -> OscControls:
    osc_controls = OscControls(ControlStore(Settings(), RecordingReceiver(), {}), ManualClock(), packs=PACKS)
    osc_controls.update_readouts({readout.name: 1 for readout in READOUTS})
    return osc_controls


def test_the_jam_knows_every_address_on_the_surface(osc_controls: OscControls) -> None:
    for address in ADDRESSES:
        for answer in osc_controls.handle(OscMessage(address), ("127.0.0.1", 9000)):
            assert answer.address == address, answer


def test_every_widget_that_can_be_touched_is_accepted(osc_controls: OscControls) -> None:
    for widget in SURFACE.widgets:
        if widget.kind in {"fader", "choice", "action"}:
            for answer in osc_controls.handle(OscMessage(widget.address, (1.0,)), ("127.0.0.1", 9000)):
                assert answer.address != "/fours/error", answer


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.name)
def test_every_control_is_on_the_surface(control: object) -> None:
    address = BY_NAME[getattr(control, "name", "")].address
    assert [other for other in ADDRESSES if other == address or other.startswith(f"{address}/")]


def test_a_row_shows_the_value_of_its_control() -> None:
    by_name = {row.name: row for row in control_rows(Settings(mode="fours", tempo=96.0, step=0.5), PACKS)}
    assert by_name["mode"].chosen_caption == "fours"
    assert by_name["tempo"].value_text == "96 bpm"
    assert by_name["step"].fader_position == 0.5
    assert [choice.address for choice in by_name["pack"].choices] == ["/fours/pack/rock", "/fours/pack/song_book"]


def test_the_keys_of_a_scale_are_one_line_that_begins_with_c_and_what_is_no_key_stands_above() -> None:
    (page,) = (page for page in SURFACE.pages if page.name == "key")
    lines: dict[float, list[str]] = {}
    for widget in page.widgets:
        lines.setdefault(widget.top, []).append(widget.text)
    above, *scales = lines.values()
    assert above[:3] == ["off", "auto", "live"]
    assert [line[0] for line in scales] == ["major", "minor", "dorian", "phrygian", "lydian", "mixolydian", "locrian"]
    assert {(len(line), line[1], line[-1]) for line in scales} == {(13, "C", "B")}


def test_the_text_of_a_button_fits_into_it() -> None:
    narrow = 0.55  # of its size, the width of a letter on average
    buttons = [widget for widget in SURFACE.widgets if widget.kind in {"choice", "action", "light"}]
    assert [widget.text for widget in buttons if narrow * widget.text_size * len(widget.text) > widget.width] == []
