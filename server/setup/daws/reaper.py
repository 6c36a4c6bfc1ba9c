"""REAPER's files: a ReaScript that makes and routes two tracks, and a track template that does it by hand."""

from pathlib import PurePosixPath

from server.setup.partner import FROM_TRACK, NAME, TO_TRACK, Partner, fill_template

SCRIPT = PurePosixPath("Scripts", f"{NAME}.lua")
TEMPLATE = PurePosixPath("TrackTemplates", f"{NAME}.RTrackTemplate")
# I_RECINPUT: MIDI, device number 63 (all of them), all channels.
ALL_MIDI_INPUTS = 4096 + (63 << 5)


def reaper_files(partner: Partner) -> dict[PurePosixPath, bytes]:
    """The files below REAPER's resource folder."""
    script = fill_template(
        "reaper.lua",
        {
            "MIDI_IN": partner.midi_in,
            "MIDI_OUT": partner.midi_out,
            "TO_TRACK": TO_TRACK,
            "FROM_TRACK": FROM_TRACK,
            "TEMPO_BPM": partner.tempo_bpm,
        },
    ).replace(b"= null\n", b"= nil\n")
    return {SCRIPT: script, TEMPLATE: track_template().encode()}


def track_template() -> str:
    """Two armed, monitored MIDI tracks. Their devices are chosen in REAPER: a template names them by numbers that only it knows."""
    return "".join(_track(name) for name in (TO_TRACK, FROM_TRACK))


def _track(name: str) -> str:
    # REC: armed, input, monitored, record input, do not monitor items, preserve PDC off, record path.
    return f'<TRACK\n  NAME "{name}"\n  REC 1 {ALL_MIDI_INPUTS} 1 0 0 0 0\n  NCHAN 2\n  MIDIOUT -1\n  MAINSEND 1 0\n>\n'
