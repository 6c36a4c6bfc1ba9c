"""The outside world: MIDI ports, clocks, OSC, control surfaces. Knows nothing of music models, nor of the process that uses it."""
