"""`fours learn`: waits for a knob to move and writes into the configuration which control it moves from then on.

Opens an input and nothing else; knows no jam.
"""

from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

from bridge.midi.controller_moves import CcMove, parse_controller_move
from bridge.midi.ports import MidiSystem
from server.config.config import Config
from server.config.toml_editor import write_key
from server.controls.cc_bindings import CC_SECTION, CcBinding

Say = Callable[[str], None]


def learn(
    control: str, config: Config, system: MidiSystem, say: Say, *, path: Path | None, any_channel: bool = False
) -> CcBinding:
    """The binding of a control to the next knob that moves, written to `path`; with None it is only said.

    Raises BadValue where the control takes none or the knob moves another, and what opening a port and writing a file
    raise.
    """
    CcBinding.read(control, 0)
    moves: SimpleQueue[CcMove] = SimpleQueue()

    def hear(data: bytes, _at_s: float) -> None:
        move = parse_controller_move(data)
        if isinstance(move, CcMove):
            moves.put(move)

    with system.open_input(config.midi.input or None, hear) as port:
        say(f"Listening on {port.name}. Move the knob for {control}; Ctrl-C gives up.")
        move = moves.get()
    binding = config.midi.bindings.learn(control, move, any_channel=any_channel)
    if path is not None:
        write_binding(path, control, binding)
    say(f"{control} = {binding.as_toml}")
    say(f"Written to {path}, under [{CC_SECTION}]." if path else f"Put this into config.toml, under [{CC_SECTION}].")
    return binding


def write_binding(path: Path, control: str, binding: CcBinding) -> None:
    """Into a configuration file, which need not be there. Raises ConfigError where it cannot be written."""
    write_key(path, CC_SECTION, control, binding.as_toml)
