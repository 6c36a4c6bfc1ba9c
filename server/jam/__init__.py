"""The jam itself, without I/O, clock or thread: the player's input, turns, planned answers and sounding notes."""
