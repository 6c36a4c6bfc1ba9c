"""`fours learn`: waits until a knob moves, and writes into the configuration which control that knob moves.

It opens a MIDI input and nothing else; knows no jam.
"""

from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

from bridge.midi.controller_moves import CcMove, parse_controller_move
from bridge.midi.ports import MidiSystem
from server.config.config import Config
from server.config.toml_editor import write_key
from server.controls.cc_bindings import CC_SECTION, CcBinding
from server.remote.learnable_moves import LearnableMoves

Say = Callable[[str], None]


def learn(
    control: str, config: Config, system: MidiSystem, say: Say, *, path: Path | None, any_channel: bool = False
) -> CcBinding:
    """Binds the control to the next knob that moves, and writes the binding to `path`, or only prints it if that is None.

    With `any_channel` the binding holds on every channel, else only on the channel on which the knob moved. Blocks until a
    knob moves. Raises BadValue if no knob can move this control, if the knob moves another one already, or if it sends no CC of
    its own; and the errors of opening a port and of writing the configuration.
    """
    check_learnable(control)
    moves: SimpleQueue[CcMove] = SimpleQueue()

    def receive(data: bytes, _at_s: float) -> None:
        move = parse_controller_move(data)
        if isinstance(move, CcMove):
            moves.put(move)

    with system.open_input(config.midi.input or None, receive) as port:
        say(f"Listening on {port.name}. Move the knob for {control}; Ctrl-C gives up.")
        learnable_moves = LearnableMoves()
        while not learnable_moves.is_learnable(move := moves.get()):
            pass
    binding = config.midi.bindings.binding_to_learn(control, move, any_channel=any_channel)
    if path is not None:
        write_binding(path, control, binding)
    say(f"{control} = {binding.as_toml}")
    say(f"Written to {path}, under [{CC_SECTION}]." if path else f"Put this into config.toml, under [{CC_SECTION}].")
    return binding


def check_learnable(control: str) -> None:
    """Raises BadValue if there is no control of that name, or none that a knob can move."""
    CcBinding.read(control, 0)


def write_binding(path: Path, control: str, binding: CcBinding) -> None:
    """Writes a binding into a configuration file, which need not exist. Raises ConfigError if it cannot be written."""
    write_key(path, CC_SECTION, control, binding.as_toml)
