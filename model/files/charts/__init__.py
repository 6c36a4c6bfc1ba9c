"""Charts in files and texts of any kind: a form's name, text, iReal Pro, ChordPro, MusicXML, and MIDI with a track of chords."""
