"""Ableton Live's file: a Max for Live device with the partner's most wanted controls, over OSC, each as a parameter that Live can automate."""

import json
from pathlib import PurePosixPath

from server.controls.control import OSC_PREFIX, Control
from server.jam.readouts import READOUTS
from server.remote.osc_controls import SYNC
from server.setup.daws.max_patch import Json, MaxPatch
from server.setup.partner import NAME, Partner

DEVICE = PurePosixPath("Presets", "MIDI Effects", "Max MIDI Effect", f"{NAME}.amxd")
CONTROLS = ("temperature", "approach", "mode", "key", "respond", "panic")
STATE = "state"
DIAL, MENU, BUTTON = "live.dial", "live.menu", "live.button"
# Live's kinds of parameter.
FLOAT_PARAMETER, ENUM_PARAMETER = 0, 2
COLUMN, TOP, WIDTH = 90.0, 40.0, 80.0
# Max counts seconds from 1904. A fixed date: equal devices give equal bytes.
FIXED_DATE = 3_500_000_000


def live_files(partner: Partner) -> dict[PurePosixPath, bytes]:
    """The file below Live's User Library."""
    return {DEVICE: device_bytes(partner)}


def device_bytes(partner: Partner) -> bytes:
    """The content of the device's file, in Max's own layout of bytes."""
    from py2max.m4l import ensure_amxd_project_block, pack_amxd

    patch = ensure_amxd_project_block(device_patch(partner).as_dict(), "midi_effect", FIXED_DATE)
    file_name = f"{NAME}.maxpat"
    return bytes(pack_amxd(json.dumps(patch), device_type="midi_effect", patcher_filename=file_name, mtime=FIXED_DATE))


def device_patch(partner: Partner) -> MaxPatch:
    """MIDI goes through it unchanged; each control sends to the partner, and shows what the partner reports."""
    patch = MaxPatch()
    through, out = patch.add_object("midiin", 20, 500), patch.add_object("midiout", 20, 540, outlets=0)
    patch.connect(through, out)
    send = patch.add_object(f"udpsend {partner.osc_host} {partner.osc_port}", 20, 460, outlets=0)
    receive = patch.add_object(f"udpreceive {partner.reply_port}", 20, 200)
    rows = [control for name in CONTROLS for control in partner.controls if control.name == name]
    addresses = [row.address for row in rows] + [f"{OSC_PREFIX}/{STATE}"]
    route = patch.add_object(f"route {' '.join(addresses)}", 20, 240, outlets=len(addresses) + 1)
    patch.connect(receive, route)
    for column, row in enumerate(rows):
        widget = _widget(patch, row, partner, 10 + column * COLUMN)
        to_partner = patch.add_object(f"prepend {row.address}", 10 + column * 180.0, 420)
        patch.connect(to_partner, send)
        _wire(patch, row, widget, to_partner, (route, column), column)
    _show_state(patch, route, len(rows))
    # All values once the device is there.
    loaded = patch.add_object("loadbang", 400, 460)
    ask = patch.add("message", (400.0, 490.0, 100.0, 22.0), f"{OSC_PREFIX}/{SYNC}", inlets=2)
    patch.connect(loaded, ask)
    patch.connect(ask, send)
    return patch


def _widget(patch: MaxPatch, row: Control, partner: Partner, left: float) -> str:
    patch.add("live.comment", (left, TOP - 20, WIDTH, 18.0), row.name, outlets=0, in_device=True)
    kind = {"number": DIAL, "action": BUTTON}.get(row.kind, MENU)
    height = {DIAL: 48.0, MENU: 15.0, BUTTON: 15.0}[kind]
    value: dict[str, Json] = {"parameter_longname": row.name, "parameter_shortname": row.name}
    if kind == DIAL:
        value |= {"parameter_type": FLOAT_PARAMETER, "parameter_mmin": row.low, "parameter_mmax": row.high}
        value |= {
            "parameter_initial_enable": 1,
            "parameter_initial": [partner.values[row.name]],
            "parameter_unitstyle": 1,
        }
    elif kind == MENU:
        value |= {"parameter_type": ENUM_PARAMETER, "parameter_enum": list(row.choices)}
        index = row.choices.index(str(partner.values[row.name]))
        value |= {"parameter_initial_enable": 1, "parameter_initial": [index]}
    else:
        value |= {"parameter_type": ENUM_PARAMETER, "parameter_enum": ["off", "on"]}
    attributes: dict[str, Json] = {
        "parameter_enable": 1,
        "varname": row.name,
        "saved_attribute_attributes": {"valueof": value},
    }
    outlets = {DIAL: 2, MENU: 3, BUTTON: 1}[kind]
    return patch.add(kind, (left, TOP, WIDTH, height), outlets=outlets, in_device=True, attributes=attributes)


def _wire(patch: MaxPatch, row: Control, widget: str, to_partner: str, report: tuple[str, int], column: int) -> None:
    """From the widget to the partner and back; `set` moves a widget without sending it again."""
    left = 10 + column * 180.0
    if row.kind == "action":
        one = patch.add("message", (left, 380.0, 40.0, 22.0), "1", inlets=2)
        patch.connect(widget, one)
        patch.connect(one, to_partner)
        return
    # A menu gives its text at its second outlet.
    patch.connect(widget, to_partner, outlet=0 if row.kind == "number" else 1)
    back = patch.add_object("prepend set" if row.kind == "number" else "prepend setsymbol", left, 280)
    route, outlet = report
    if row.kind == "number":
        patch.connect(route, back, outlet=outlet)
    else:
        # A key such as "C minor" is two words to Max until it is one symbol.
        symbol = patch.add_object("tosymbol", left, 260)
        patch.connect(route, symbol, outlet=outlet)
        patch.connect(symbol, back)
    patch.connect(back, widget)


def _show_state(patch: MaxPatch, route: str, outlet: int) -> None:
    (state,) = [readout for readout in READOUTS if readout.name == STATE]
    shown = patch.add(
        "message", (10.0, 120.0, 200.0, 22.0), state.choices[0], inlets=2, in_device=True, attributes={"ignoreclick": 1}
    )
    back = patch.add_object("prepend set", 700, 280)
    patch.connect(route, back, outlet=outlet)
    patch.connect(back, shown)
