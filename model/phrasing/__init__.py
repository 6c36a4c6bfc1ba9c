"""How notes are played and phrases end: touch (loudness, length, timing) and phrase ends, from corpora and from the player."""
