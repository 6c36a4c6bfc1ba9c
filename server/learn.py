"""`fours learn`: waits for a knob to move and writes into the configuration which control it moves from then on.

Opens an input and nothing else; knows no jam.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

from bridge.controllers import CcMove, moved
from bridge.ports import MidiSystem
from server.binding import Binding
from server.config import CONFIG_FILE, Config
from server.config_file import write_key
from server.errors import BadValue

CC_SECTION = "midi.cc"

Say = Callable[[str], None]


def learn(
    control: str, config: Config, system: MidiSystem, say: Say, *, path: Path | None, any_channel: bool = False
) -> Binding:
    """The binding of a control to the next knob that moves, written to `path`; with None it is only said.

    Raises BadValue where the control takes none, and what opening a port and writing a file raise.
    """
    Binding.read(control, 0)
    moves: SimpleQueue[CcMove] = SimpleQueue()

    def hear(data: bytes, _at_s: float) -> None:
        move = moved(data)
        if isinstance(move, CcMove):
            moves.put(move)

    with system.open_input(config.midi.input or None, hear) as port:
        say(f"Listening on {port.name}. Move the knob for {control}; Ctrl-C gives up.")
        move = moves.get()
    binding = Binding(move.cc, move.channel + 1)
    if any_channel:
        binding = replace(binding, channel=None)
    owner = next((name for name, other in config.midi.bindings.by_control.items() if other == binding), control)
    if owner != control:
        raise BadValue(f"{binding} moves {owner} already; take that line out of {path or CONFIG_FILE} first")
    if path is not None:
        write_key(path, CC_SECTION, control, binding.written)
    say(f"{control} = {binding.written}")
    say(f"Written to {path}, under [{CC_SECTION}]." if path else f"Put this into config.toml, under [{CC_SECTION}].")
    return binding
