"""Ardour's file: a Lua script that makes two MIDI tracks, routes them to the partner and sends it the clock."""

from pathlib import PurePosixPath

from server.setup.partner import FROM_TRACK, TO_TRACK, Partner, fill_template

SCRIPT = PurePosixPath("scripts", "trading_fours.lua")


def ardour_files(partner: Partner) -> dict[PurePosixPath, bytes]:
    """The file below Ardour's folder of settings."""
    script = fill_template(
        "ardour.lua",
        {
            "MIDI_IN": partner.midi_in,
            "MIDI_OUT": partner.midi_out,
            "TO_TRACK": TO_TRACK,
            "FROM_TRACK": FROM_TRACK,
            "TEMPO_BPM": partner.tempo_bpm,
        },
    )
    return {SCRIPT: script.replace(b"= null\n", b"= nil\n")}
