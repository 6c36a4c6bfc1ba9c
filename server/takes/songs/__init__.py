"""A take as a song to write: its bars, tempo, tracks and markers."""
