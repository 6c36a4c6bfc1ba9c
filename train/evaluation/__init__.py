"""Measures a pack: bits per note, its answers compared with real music, and how much of them is copied."""
