"""The DAWs and apps that `fours setup` knows: for each its folders, its files and what is left to click."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from model.extras import install_hint
from server.config.config import Config
from server.setup import daw_folders
from server.setup.daws.ardour import ardour_files
from server.setup.daws.bitwig import PROJECT, bitwig_files
from server.setup.daws.dawproject import dawproject_bytes
from server.setup.daws.live import live_files
from server.setup.daws.reaper import SCRIPT as REAPER_SCRIPT
from server.setup.daws.reaper import reaper_files
from server.setup.partner import FROM_TRACK, NAME, Partner

DawName = Literal["live", "reaper", "bitwig", "ardour", "dawproject", "ableton-link", "touchosc"]
Files = Mapping[PurePosixPath, bytes]
Steps = Callable[[Partner, Config], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Daw:
    """One row: `files` are below the DAW's folder; `steps` are at most five lines, in which FOLDER is where the files are.

    Both are made from the configuration, so that what is to be clicked has the ports that the jam has.
    """

    title: str
    folders: daw_folders.FindFolders
    files: Callable[[Partner, Config], Files]
    steps: Steps


def _touchosc_files(_partner: Partner, config: Config) -> Files:
    from server.remote.layout_command import layout_bytes

    name, content = layout_bytes("touchosc", config)
    return {PurePosixPath(name): content}


def _no_files(_partner: Partner, _config: Config) -> Files:
    return {}


START = "Start fours jam, and leave it running."
PLAY = "Play a phrase; lift your hands, and a beat later it answers."


def _always(*steps: str) -> Steps:
    """Steps that name nothing of the configuration."""
    return lambda _partner, _config: steps


def _live_steps(partner: Partner, _config: Config) -> tuple[str, ...]:
    return (
        START,
        "In Preferences, Link Tempo MIDI: Track on for both ports, and Sync on for the output.",
        f'MIDI track 1: MIDI To "{partner.midi_in}". MIDI track 2, with an instrument: MIDI From "{partner.midi_out}", Monitor In.',
        f'Drag User Library, Presets, MIDI Effects, Max MIDI Effect, "{NAME}" onto track 1.',
        PLAY,
    )


def _touchosc_steps(partner: Partner, config: Config) -> tuple[str, ...]:
    # With --lan, the address is announced unless that is switched off.
    where = (
        "enter this machine's address"
        if config.osc.advertise == "off"
        else "choose Trading Fours from those that are found"
    )
    return (
        "Start fours jam --lan --trust ADDRESS, with the address of the tablet.",
        "Open the layout in TouchOSC.",
        f"Connections, OSC: {where}, send to {partner.osc_port}, receive on {partner.reply_port}.",
    )


DAWS: Mapping[DawName, Daw] = {
    "reaper": Daw(
        "REAPER",
        daw_folders.reaper_folders,
        lambda partner, _config: reaper_files(partner),
        _always(
            START,
            f'With REAPER open, run in a terminal: reaper -nonewinst "FOLDER/{REAPER_SCRIPT}"',
            f'The track "{FROM_TRACK}" sounds with ReaSynth; for another sound, click its FX button.',
            PLAY,
        ),
    ),
    "bitwig": Daw(
        "Bitwig Studio",
        daw_folders.bitwig_folders,
        lambda partner, _config: bitwig_files(partner),
        lambda partner, _config: (
            START,
            f'Start Bitwig Studio: it adds the controller "{NAME}" by itself, since it finds the ports.',
            f'An armed instrument track with the input "{NAME}" plays what the partner answers: click its arm button.',
            f'On another track, which plays your phrase: click +, choose HW Instrument, and as its output "{partner.midi_in}". {PLAY}',
            "The partner's controls are in the Studio I/O panel.",
        ),
    ),
    "ardour": Daw(
        "Ardour",
        daw_folders.ardour_folders,
        lambda partner, _config: ardour_files(partner),
        _always(
            START,
            f'Start Ardour. A new session: click the template "{NAME}", then Open. Two tracks are there, routed, and the clock is on.',
            f'In a session of yours instead: Edit, Lua Scripts, Script Manager, put "{NAME}" on an action, and run it from Edit, Lua Scripts.',
            PLAY,
        ),
    ),
    "live": Daw(
        "Ableton Live",
        daw_folders.live_folders,
        lambda partner, _config: live_files(partner),
        _live_steps,
    ),
    "dawproject": Daw(
        "DAWproject (Bitwig Studio, Cubase, Studio One)",
        daw_folders.no_folders,
        lambda partner, _config: {PurePosixPath(PROJECT.name): dawproject_bytes(partner)},
        _always(
            START,
            f"Open FOLDER/{PROJECT.name} in your DAW.",
            f'The two tracks say in their comments which port each takes: choose these, and arm "{FROM_TRACK}".',
            PLAY,
        ),
    ),
    "ableton-link": Daw(
        "Ableton Link",
        daw_folders.no_folders,
        _no_files,
        _always(
            f"Install Link's library: {install_hint('link')}.",
            "Start fours jam --clock link, and leave it running.",
            "Switch Link on in the other program: tempo, beat and bar are then shared.",
        ),
    ),
    "touchosc": Daw(
        "TouchOSC",
        daw_folders.no_folders,
        _touchosc_files,
        _touchosc_steps,
    ),
}

OTHER_NAMES: Mapping[str, DawName] = {
    "ableton": "live",
    "ableton live": "live",
    "bitwig studio": "bitwig",
    "cubase": "dawproject",
    "studio one": "dawproject",
}
"""What people call some of them, in small letters with blanks: the nearest name by its letters would be another one's."""
