"""Seconds, beats and bars, and the clocks that lead them: MIDI clock, Ableton Link, taps."""
