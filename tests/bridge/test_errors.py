from bridge import errors
from bridge.errors import SHOWN_CHARACTERS, BridgeError, PortNotFound, did_you_mean, shown

PORTS = ["Piano:Piano MIDI 1 20:0", "Trading Fours:Trading Fours In 128:0"]


def test_the_error_for_a_missing_port_names_all_ports_and_the_nearest() -> None:
    assert str(PortNotFound.missing("pinao", "input", PORTS)) == (
        'No MIDI input port fits "pinao". Did you mean "Piano:Piano MIDI 1 20:0"? '
        'There are: "Piano:Piano MIDI 1 20:0", "Trading Fours:Trading Fours In 128:0".'
    )


def test_the_error_for_a_missing_port_reports_that_there_are_no_ports() -> None:
    assert "there are none" in str(PortNotFound.missing("piano", "output", []))


def test_the_error_for_an_ambiguous_port_names_all_that_fit() -> None:
    text = str(PortNotFound.ambiguous("midi", "output", ["MIDI 1", "MIDI 2"]))
    assert text == '"midi" fits more than one MIDI output port: "MIDI 1", "MIDI 2". Give more of the name.'


def test_nothing_is_suggested_where_nothing_is_near() -> None:
    assert not did_you_mean("xylophone", PORTS)


def test_the_docstring_draws_the_whole_tree_of_errors() -> None:
    error_classes = {
        name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, BridgeError)
    }
    assert errors.__doc__ is not None
    lines = [line for line in errors.__doc__.splitlines() if line.startswith(("├", "└", "│"))]
    drawn = {line.strip("│├└─ ").split()[0] for line in lines}
    assert error_classes == drawn | {"BridgeError"}


def test_a_sentence_shows_a_value_in_no_more_characters_than_can_be_read() -> None:
    assert shown("a\0b") == r"'a\x00b'"
    assert shown("x" * 1_000_000) == f"'{'x' * (SHOWN_CHARACTERS - 1)}…"
    assert shown(10**5000) == "a number with too many digits"
