import pytest

from bridge.errors import PortNotFound
from bridge.midi.memory_ports import MemorySystem
from bridge.midi.ports import PortInfo, list_all_ports, match_port

NAMES = ["Piano:Piano MIDI 1 20:0", "Piano 2:Piano 2 MIDI 1 24:0", "Trading Fours:Trading Fours In 128:0"]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        pytest.param("fours", 2, id="a part"),
        pytest.param("PIANO 2", 1, id="other capitals"),
        pytest.param("Piano:Piano MIDI 1 20:0", 0, id="the whole name"),
        pytest.param("piano:piano midi 1", 0, id="the whole name but ALSA's numbers"),
        pytest.param(" 24:0 ", 1, id="ALSA's numbers alone"),
    ],
)
def test_a_port_is_found_by_its_name_or_a_part_of_it(wanted: str, index: int) -> None:
    assert match_port(wanted, "input", NAMES) == index


def test_a_whole_name_wins_over_a_longer_one_that_contains_it() -> None:
    assert match_port("loop", "output", ["loop 2", "loop"]) == 1


def test_a_part_that_fits_several_names_is_an_error_with_those_names() -> None:
    with pytest.raises(PortNotFound, match=r'more than one MIDI output port: "Piano:.+", "Piano 2:.+"[.] Give more'):
        match_port("piano", "output", NAMES)


def test_two_ports_of_one_name_are_an_error() -> None:
    with pytest.raises(PortNotFound, match="more than one"):
        match_port("synth", "output", ["Synth", "Synth"])


@pytest.mark.parametrize("wanted", ["organ", "", "  "])
def test_a_name_that_fits_none_is_an_error_with_all_names(wanted: str) -> None:
    with pytest.raises(PortNotFound, match="There are: "):
        match_port(wanted, "input", NAMES)


def test_the_list_has_inputs_then_outputs() -> None:
    system = MemorySystem(inputs=["Keys"], outputs=["Synth", "Drums"])
    assert list_all_ports(system) == (
        PortInfo("input", "Keys", "memory"),
        PortInfo("output", "Synth", "memory"),
        PortInfo("output", "Drums", "memory"),
    )
