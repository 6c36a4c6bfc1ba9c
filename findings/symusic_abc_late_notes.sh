#!/usr/bin/env bash
# symusic 0.6.0 and ABC notation: every note begins a tick late, and chords are rolled.
#
# symusic reads ABC through abc2midi, which it carries along. A good guess is that the first note of a tune is at tick 0 and that the notes
# of a chord begin together, as the notation has it.
# Seen with symusic 0.6.0: the first note begins at tick 1, every later one a tick after its place on the grid too, and the notes of
# a chord begin ten ticks after one another.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install symusic==0.6.0
"$folder/venv/bin/python" - <<'PYTHON'
import symusic

TUNE = """X:1
T:Four quarters and a chord
M:4/4
L:1/4
Q:1/4=120
K:C
C D E F | [CEG]4 |]
"""
score = symusic.Score.from_abc(TUNE)
notes = sorted((note.time, note.pitch) for part in score.tracks for note in part.notes)
beat = score.ticks_per_quarter
print(f"{beat} ticks a quarter; onset and pitch: {notes}")
single, chord = notes[:4], notes[4:]
assert [pitch for _, pitch in notes] == [60, 62, 64, 65, 60, 64, 67]
late = {time - place * beat for place, (time, _) in enumerate(single)}
rolled = [later - earlier for (earlier, _), (later, _) in zip(chord, chord[1:])]
print(f"single notes are late by {sorted(late)} ticks; the chord's notes are {rolled} ticks apart")
assert late != {0}, "single notes are on the grid now: this finding is out of date"
assert rolled != [0, 0], "chords begin together now: this finding is out of date"
PYTHON
