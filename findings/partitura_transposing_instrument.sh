#!/usr/bin/env bash
# partitura 1.9.0 and a part for a transposing instrument, a tenor saxophone.
#
# In MusicXML a note has the pitch that is written, and `transpose` says how far from it the instrument sounds: for a tenor saxophone
# two semitones and, in `octave-change`, one octave lower. A good guess is that the array of notes, and a MIDI file made of the score, have the
# pitch that sounds, as every notation program plays it.
# Seen with partitura 1.9.0: both have the written pitch. A written D5 is note 74 in `note_array()` and in the file of `save_score_midi`, where
# the saxophone sounds C4, note 60. The part holds a Transposition with chromatic -2, but the octave is read nowhere: who adds up what is there is
# an octave too high. So a part of a band score is in another key than the piano beside it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install partitura==1.9.0 mido==1.3.3
"$folder/venv/bin/python" -W ignore - "$folder/saxophone.mid" <<'PYTHON'
import io
import sys

import mido
import partitura
import partitura.score

WRITTEN, SOUNDING = 74, 60  # D5, and C4: a major second and an octave below it
SCORE = b"""<score-partwise version="4.0">
<part-list><score-part id="P1"><part-name>Tenor Saxophone</part-name></score-part></part-list>
<part id="P1"><measure number="1">
<attributes><divisions>1</divisions><time><beats>4</beats><beat-type>4</beat-type></time>
<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic><octave-change>-1</octave-change></transpose></attributes>
<note><pitch><step>D</step><octave>5</octave></pitch><duration>4</duration><type>whole</type></note>
</measure></part></score-partwise>"""

score = partitura.load_musicxml(io.BytesIO(SCORE))
(transposition,) = score.parts[0].iter_all(partitura.score.Transposition)
(in_array,) = score.parts[0].note_array()["pitch"].tolist()
partitura.save_score_midi(score, sys.argv[1])
(in_file,) = [message.note for message in mido.MidiFile(sys.argv[1]) if message.type == "note_on" and message.velocity]
print(f"sounds {SOUNDING}; note array {in_array}, MIDI file {in_file}, transposition {transposition.chromatic} semitones")
assert in_array == in_file == WRITTEN, "the pitch is another one now: this finding is out of date"
assert transposition.chromatic == -2, "the octave is counted now: this finding is out of date"
PYTHON
