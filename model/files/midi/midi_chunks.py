"""The chunks of a standard MIDI file: the header's division of time, and the bytes of each track. Does not parse events.

Unknown chunks are skipped, as the standard requires, and missing ones are reported. Source: "Standard MIDI Files 1.0" (MIDI
Association, RP-001) and "RIFF-based MIDI files" (RP-029).
"""

import struct
from dataclasses import dataclass

from model.errors import UnreadableError

DRUM_CHANNEL = 9
"""The channel of drums in General MIDI, counted from 0."""

HEADER, TRACK = b"MThd", b"MTrk"
SEPARATE_PIECES = 2
"""The type of a file whose tracks do not belong together."""

END_OF_TRACK = b"\xff\x2f\x00"
# Some programs write their own header before the file: MacBinary's has 128 bytes.
LARGEST_FOREIGN_HEADER = 128
# SMPTE division: a file may count fractions of film frames instead of beats. 29 means 30 drop-frame.
FRAMES_PER_SECOND = {24: 24.0, 25: 25.0, 29: 30_000 / 1001, 30: 30.0}
SMPTE_TEMPO_BPM = 120.0


@dataclass(frozen=True, slots=True)
class Chunks:
    """The header and tracks of a file. Each of `remarks` says what is wrong with it, in words that follow "the file …".

    In a file of type 2 the tracks are `separate_pieces`, each with tempi and meters of its own.
    """

    ticks_per_beat: float
    counts_seconds: bool
    tracks: tuple[bytes, ...]
    remarks: tuple[str, ...]
    separate_pieces: bool = False


def header_of(track_count: int) -> bytes:
    """The header of a type 1 file that is put together for symusic: of that only ticks are read, so any division will do."""
    return HEADER + struct.pack(">IHHH", 6, 1, track_count, 480)


def chunks_of(content: bytes) -> Chunks:
    """Splits a file into its chunks. Raises UnreadableError if there is no header or no track."""
    begin = _begin_of(content)
    if len(content) < begin + 14:
        raise UnreadableError("breaks off in its header")
    length, kind, declared, division = struct.unpack_from(">IHHH", content, begin + 4)
    ticks_per_beat, counts_seconds = _division(division)
    tracks, skipped, is_cut = _tracks(content, begin + 8 + length, declared)
    remarks = []
    if counts_seconds:
        remarks.append(f"counts seconds, not beats, so its beats are those of {SMPTE_TEMPO_BPM:.0f} bpm")
    if len(tracks) + skipped < declared:
        remarks.append(f"says that it has {_count_of_tracks(declared)} and has {len(tracks)}")
    elif is_cut:
        remarks.append("breaks off in its last track")
    if not tracks:
        raise UnreadableError("breaks off after its header" if declared else "holds no tracks")
    separate_pieces = kind == SEPARATE_PIECES and len(tracks) > 1
    return Chunks(ticks_per_beat, counts_seconds, tuple(tracks), tuple(remarks), separate_pieces)


def _begin_of(content: bytes) -> int:
    if not content:
        raise UnreadableError("is empty")
    if content.startswith(HEADER):
        return 0
    if content[:4] == b"RIFF" and content[8:12] == b"RMID":
        begin = content.find(HEADER)
    else:
        begin = content.find(HEADER, 0, LARGEST_FOREIGN_HEADER + len(HEADER))
    if begin < 0:
        raise UnreadableError("is not a MIDI file: it does not begin as one does, with MThd")
    return begin


def _division(division: int) -> tuple[float, bool]:
    """Ticks per beat, and whether the file counts seconds; then a beat is one at 120 bpm."""
    if division < 0x8000:
        if division == 0:
            raise UnreadableError("counts no ticks per beat, so it says nothing of time")
        return float(division), False
    frames, ticks_per_frame = 0x100 - (division >> 8), division & 0xFF
    if frames not in FRAMES_PER_SECOND or ticks_per_frame == 0:
        raise UnreadableError(
            f"counts time in {frames} frames of {ticks_per_frame} ticks, which MIDI files do not have"
        )
    return FRAMES_PER_SECOND[frames] * ticks_per_frame * 60 / SMPTE_TEMPO_BPM, True


def _tracks(content: bytes, at: int, declared: int) -> tuple[list[bytes], int, bool]:
    """The bytes of each track, how many other chunks were skipped, and whether the last track breaks off."""
    tracks: list[bytes] = []
    skipped = 0
    is_cut = False
    while at + 8 <= len(content):
        kind, length = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8])
        end = at + 8 + length
        if kind == TRACK:
            if end > len(content):
                # A program that crashed may have left the length unset, and yet have written the next track.
                following = content.find(END_OF_TRACK + TRACK, at + 8)
                end = following + len(END_OF_TRACK) if following >= 0 else len(content)
                is_cut = following < 0 and not content.endswith(END_OF_TRACK)
            tracks.append(content[at + 8 : end])
        elif not all(0x20 <= byte < 0x7F for byte in kind):
            # Not a chunk: either the length before is wrong, or padding follows the last track.
            end = content.find(TRACK, at) if len(tracks) < declared else -1
            if end < 0:
                break
            if tracks:
                tracks[-1] += content[at:end]
        else:
            skipped += 1
        at = end
    return tracks, skipped, is_cut


def _count_of_tracks(count: int) -> str:
    return "1 track" if count == 1 else f"{count} tracks"
