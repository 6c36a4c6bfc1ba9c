"""Standard MIDI files: read, damaged ones too, and written."""
