"""The outside world: MIDI ports, clocks, OSC. Knows nothing of music models, nor of the process that uses it."""
