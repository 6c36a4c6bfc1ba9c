"""How notes are spelt as tokens, and time as bins."""
