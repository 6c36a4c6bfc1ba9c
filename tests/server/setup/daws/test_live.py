import json

from py2max.m4l import unpack_amxd

from server.controls.control_table import control_named
from server.setup.daws.live import CONTROLS, DEVICE, live_files
from server.setup.partner import Partner

Box = dict[str, object]


def boxes_and_cords(partner: Partner) -> tuple[dict[str, Box], set[tuple[str, int, str]]]:
    """The device decoded again: its objects by id, and its cords as source, outlet and target."""
    content, kind = unpack_amxd(live_files(partner)[DEVICE])
    assert kind == "midi_effect"
    patcher = json.loads(content)["patcher"]
    boxes = {entry["box"]["id"]: entry["box"] for entry in patcher["boxes"]}
    cords = {
        (line["patchline"]["source"][0], line["patchline"]["source"][1], line["patchline"]["destination"][0])
        for line in patcher["lines"]
    }
    return boxes, cords


def reached(start: str, outlet: int | None, cords: set[tuple[str, int, str]]) -> set[str]:
    """All objects behind an outlet, or behind all outlets."""
    found = {target for source, from_outlet, target in cords if source == start and outlet in {None, from_outlet}}
    return found.union(*(reached(target, None, cords) for target in found))


def test_every_control_is_a_parameter_that_live_can_automate(partner: Partner) -> None:
    boxes, _ = boxes_and_cords(partner)
    parameters = {str(box["varname"]): box for box in boxes.values() if box.get("parameter_enable")}
    assert set(parameters) == set(CONTROLS)
    value = parameters["temperature"]["saved_attribute_attributes"]["valueof"]  # type: ignore[index]
    row = control_named("temperature")
    assert (value["parameter_mmin"], value["parameter_mmax"], value["parameter_initial"]) == (row.low, row.high, [1.0])
    modes = parameters["mode"]["saved_attribute_attributes"]["valueof"]  # type: ignore[index]
    assert modes["parameter_enum"] == list(control_named("mode").choices)


def test_every_control_reaches_the_partner_under_its_address(partner: Partner) -> None:
    boxes, cords = boxes_and_cords(partner)
    for box in [box for box in boxes.values() if box.get("parameter_enable")]:
        outlet = 1 if box["maxclass"] == "live.menu" else 0
        texts = {boxes[target].get("text") for target in reached(str(box["id"]), outlet, cords)}
        assert f"prepend /fours/{box['varname']}" in texts
        assert f"udpsend 127.0.0.1 {partner.osc_port}" in texts


def test_what_the_partner_reports_moves_the_widget_and_is_not_sent_again(partner: Partner) -> None:
    boxes, cords = boxes_and_cords(partner)
    (route,) = [box for box in boxes.values() if str(box.get("text", "")).startswith("route ")]
    addresses = str(route["text"]).split()[1:]
    for outlet, address in enumerate(addresses):
        name = address.removeprefix("/fours/")
        behind = [target for source, from_outlet, target in cords if source == route["id"] and from_outlet == outlet]
        if name in {"respond", "panic"}:
            assert behind == []
            continue
        texts = [str(boxes[each].get("text", "")) for each in reached(str(route["id"]), outlet, cords)]
        assert [text for text in texts if text.startswith("prepend set")]


def test_notes_go_through_the_device_unchanged(partner: Partner) -> None:
    boxes, cords = boxes_and_cords(partner)
    by_text = {str(box.get("text")): identity for identity, box in boxes.items()}
    assert (by_text["midiin"], 0, by_text["midiout"]) in cords


def test_equal_settings_give_equal_bytes(partner: Partner) -> None:
    assert live_files(partner) == live_files(partner)
