"""Control from outside: OSC, MIDI controllers, MIDI learn, and layouts for control surfaces."""
