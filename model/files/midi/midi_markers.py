"""Reads the markers of a `.mid` file: the texts that programs show above their tracks, from any track."""

from model.files.midi.midi_chunks import END_OF_TRACK, TRACK, chunks_of, header_of
from model.files.midi.midi_events import repaired
from model.files.midi.symusic_parser import parse_markers

_MARKER = b"\xff\x06"


def read_markers(content: bytes) -> list[tuple[float, str]]:
    """The beat and the text of each marker, in order of time; none where they cannot be read.

    Raises UnreadableError where the content is no MIDI file.
    """
    chunks = chunks_of(content)
    tracks = [repaired(track).events + END_OF_TRACK for track in chunks.tracks if _MARKER in track]
    if not tracks:
        return []
    pieces = [header_of(len(tracks))]
    for track in tracks:
        pieces += (TRACK, len(track).to_bytes(4), track)
    return sorted((tick / chunks.ticks_per_beat, text) for tick, text in parse_markers(b"".join(pieces)))
