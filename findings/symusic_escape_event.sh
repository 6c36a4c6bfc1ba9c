#!/usr/bin/env bash
# symusic 0.6.0 and a MIDI file with an escape (F7) event.
#
# The Standard MIDI File format has two events of raw bytes: F0 (system exclusive) and F7 (escape), both followed by a length and
# that many bytes. A good guess is that a parser which reads F0 reads F7 in the same way.
# Seen with symusic 0.6.0: F0 is read and left out, as it should be. With F7 the length and the bytes are taken for events, so the whole
# file is refused with a RuntimeError (with other bytes it may be read with notes at wrong times). mido 1.3.3 reads all three files alike:
# one note of pitch 64 at tick 480.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install symusic==0.6.0 mido==1.3.3
"$folder/venv/bin/python" - <<'PYTHON'
import io
import struct

import mido
import symusic


def track(events: bytes) -> bytes:
    return b"MTrk" + struct.pack(">I", len(events)) + events


HEADER = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480)
END = b"\x00\xff\x2f\x00"
NOTE = b"\x83\x60\x90\x40\x50" + b"\x83\x60\x80\x40\x00"  # after 480 ticks: pitch 64, for 480 ticks


def by_mido(data: bytes) -> list[tuple[int, int]]:
    found, tick = [], 0
    for message in mido.MidiFile(file=io.BytesIO(data)).tracks[0]:
        tick += message.time
        if message.type == "note_on" and message.velocity:
            found.append((tick, message.note))
    return found


def by_symusic(data: bytes) -> list[tuple[int, int]]:
    try:
        score = symusic.Score.from_midi(data)
    except Exception as error:
        return [f"refused: {type(error).__name__}"]
    return [(note.time, note.pitch) for part in score.tracks for note in part.notes]


plain = HEADER + track(NOTE + END)
exclusive = HEADER + track(b"\x00\xf0\x03\x7e\x09\xf7" + NOTE + END)
escape = HEADER + track(b"\x00\xf7\x03\x43\x12\x00" + NOTE + END)
for name, data in (("plain", plain), ("with F0", exclusive), ("with F7", escape)):
    print(f"{name}: mido {by_mido(data)}, symusic {by_symusic(data)}")
assert by_mido(plain) == by_mido(exclusive) == by_mido(escape) == [(480, 64)]
assert by_symusic(plain) == by_symusic(exclusive) == [(480, 64)]
assert by_symusic(escape) != [(480, 64)], "symusic reads the escape event now: this finding is out of date"
PYTHON
