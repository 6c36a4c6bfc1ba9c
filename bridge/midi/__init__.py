"""MIDI messages and ports: the seam, and one module or more for each system behind it."""
