"""Passes on that a MIDI port of a session is lost or back, and logs it. It opens no port."""

import logging
from functools import partial

from bridge.midi.ports import InputPort, OutputPort, Port
from server.music.music_thread import MusicThread
from server.remote.midi_controllers import MidiControllers

logger = logging.getLogger("fours.session")


def watch_ports(
    midi_input: InputPort, output: OutputPort, music_thread: MusicThread, controllers: MidiControllers
) -> None:
    """Tells the music thread and the controllers from now on, and at once of a port that is lost already.

    The ports' callbacks run in a thread of the MIDI system.
    """

    def on_change(port: Port, direction: str, *, is_lost: bool) -> None:
        if port is output:
            music_thread.on_output_changed(is_lost=is_lost)
            if not is_lost:
                controllers.on_output_found()
        else:
            music_thread.on_input_changed(is_lost=is_lost)
        if is_lost:
            logger.warning('MIDI %s "%s" is lost; it is used again when it is back', direction, port.name)
        else:
            logger.warning('MIDI %s "%s" is back', direction, port.name)

    midi_input.watch_dates(music_thread.on_input_dates_shifted)
    for port, direction in ((midi_input, "input"), (output, "output")):
        port.watch(
            partial(on_change, port, direction, is_lost=True), partial(on_change, port, direction, is_lost=False)
        )
        if port.is_lost:
            on_change(port, direction, is_lost=True)
