"""Seconds, beats and bars, and the sources of tempo: MIDI clock, Ableton Link, taps."""
