"""Notes over chords: what is learnt from files with chord tracks, and how much it improves the predictions."""
