"""Which notes are likely over chords: what is learnt from files with chord tracks and stored in a pack, and how a song follows it."""
