"""The jam itself, without I/O, clock or thread: what the player plays, whose turn it is, what is planned, what sounds."""
