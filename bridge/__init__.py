"""Access to the outside world: MIDI ports, clocks, OSC, control surfaces; knows neither music models nor the server."""
