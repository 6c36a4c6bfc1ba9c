#!/usr/bin/env bash
# mido 1.3.3 and a MIDI file whose time is counted in frames of a second (SMPTE) and not in parts of a beat.
#
# The division in the header of a Standard MIDI File is either ticks per quarter note, or, with its highest bit set, frames per second (as a
# negative byte) and ticks per frame. Both are valid; tempo has no say in the second. A good guess is that a reader of MIDI files gives the
# right seconds for both, or refuses the second.
# Seen with mido 1.3.3: the division is read as one signed number, so 25 frames of 40 ticks are "-6360 ticks per beat". Nothing is said, and
# a note of 1,000 ticks, which lasts for a second, lasts for a small negative time: the length of the file is -0.079 s. Whatever plays or
# converts by these times has its notes end before they begin.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install mido==1.3.3
"$folder/venv/bin/python" - <<'PYTHON'
import io
import struct

import mido

FRAMES_PER_SECOND, TICKS_PER_FRAME, TICKS = 25, 40, 1000
events = b"\x00\x90\x3c\x40" + b"\x87\x68\x80\x3c\x00" + b"\x00\xff\x2f\x00"
division = struct.pack(">bB", -FRAMES_PER_SECOND, TICKS_PER_FRAME)
data = b"MThd" + struct.pack(">IHH", 6, 0, 1) + division + b"MTrk" + struct.pack(">I", len(events)) + events
song = mido.MidiFile(file=io.BytesIO(data))
true_s = TICKS / (FRAMES_PER_SECOND * TICKS_PER_FRAME)
print(f"the note lasts for {true_s:.3f} s; mido: {song.ticks_per_beat} ticks per beat, a length of {song.length:.3f} s")
assert song.ticks_per_beat == -6360, "mido reads this division in another way now: this finding is out of date"
assert song.length < 0.0, "mido's time is another now: this finding is out of date"
PYTHON
