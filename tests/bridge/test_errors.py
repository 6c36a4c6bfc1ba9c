from bridge import errors
from bridge.errors import BridgeError, PortNotFound, did_you_mean

PORTS = ["Piano:Piano MIDI 1 20:0", "Trading Fours:Trading Fours In 128:0"]


def test_a_missing_port_names_what_is_there_and_what_is_near() -> None:
    assert str(PortNotFound.missing("pinao", "input", PORTS)) == (
        'No MIDI input port fits "pinao". Did you mean "Piano:Piano MIDI 1 20:0"? '
        'There are: "Piano:Piano MIDI 1 20:0", "Trading Fours:Trading Fours In 128:0".'
    )


def test_a_missing_port_says_so_when_there_are_none() -> None:
    assert "there are none" in str(PortNotFound.missing("piano", "output", []))


def test_an_ambiguous_port_names_all_that_fit() -> None:
    said = str(PortNotFound.ambiguous("midi", "output", ["MIDI 1", "MIDI 2"]))
    assert said == '"midi" fits more than one MIDI output port: "MIDI 1", "MIDI 2". Give more of the name.'


def test_nothing_is_suggested_where_nothing_is_near() -> None:
    assert not did_you_mean("xylophone", PORTS)


def test_every_error_is_in_one_tree_that_the_docstring_draws() -> None:
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, BridgeError)}
    assert errors.__doc__ is not None
    drawn = {line.strip("├└─ ").split()[0] for line in errors.__doc__.splitlines() if line.startswith(("├", "└"))}
    assert kinds == drawn | {"BridgeError"}
