"""MIDI messages and ports: the interface (`ports`), and the systems behind it (python-rtmidi, memory, none)."""
