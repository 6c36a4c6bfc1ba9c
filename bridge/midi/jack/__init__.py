"""MIDI ports on JACK and PipeWire: a client in a process of its own, dated and scheduled by frame."""
