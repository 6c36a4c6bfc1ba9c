#!/usr/bin/env bash
# partitura 1.9.0 and a tempo that a score gives as a metronome mark.
#
# In MusicXML a mark such as "quarter = 90" is an element `metronome`; the attribute `tempo` of an element `sound` may stand beside it, as a hint for
# playing, and may be left out. A good guess is that either gives the score its tempo.
# Seen with partitura 1.9.0: only `sound` does. With the mark alone the part has no Tempo at all, nothing is said, and the MIDI file that is made
# of it goes at 120; with `sound` beside the same mark it goes at 90.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install partitura==1.9.0 mido==1.3.3
"$folder/venv/bin/python" -W ignore - "$folder/song.mid" <<'PYTHON'
import io
import sys

import mido
import partitura
import partitura.score

SOUND = '<sound tempo="90"/>'


def score(sound: str) -> partitura.score.Score:
    """A bar with the mark "quarter = 90", and what else stands in its direction."""
    text = f"""<score-partwise version="4.0"><part-list><score-part id="P1"><part-name>Lead</part-name></score-part></part-list>
    <part id="P1"><measure number="1">
    <attributes><divisions>1</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>
    <direction><direction-type><metronome><beat-unit>quarter</beat-unit><per-minute>90</per-minute></metronome></direction-type>{sound}</direction>
    <note><pitch><step>C</step><octave>4</octave></pitch><duration>4</duration><type>whole</type></note>
    </measure></part></score-partwise>"""
    return partitura.load_musicxml(io.BytesIO(text.encode()))


def tempi(sound: str) -> tuple[int, float]:
    """How many tempi the part has, and the one of the MIDI file in beats a minute."""
    read = score(sound)
    partitura.save_score_midi(read, sys.argv[1])
    (microseconds,) = [event.tempo for event in mido.MidiFile(sys.argv[1]) if event.type == "set_tempo"]
    return len(list(read.parts[0].iter_all(partitura.score.Tempo))), round(mido.tempo2bpm(microseconds), 1)


alone, with_sound = tempi(""), tempi(SOUND)
print(f"the mark alone: {alone[0]} tempi, {alone[1]:g} bpm; with sound: {with_sound[0]}, {with_sound[1]:g} bpm")
assert with_sound == (1, 90.0), "the tempo of sound is read in another way now: this finding is out of date"
assert alone == (0, 120.0), "a metronome mark counts now: this finding is out of date"
PYTHON
