"""The bytes of MIDI files: chunks, events, and the notes of tracks."""
