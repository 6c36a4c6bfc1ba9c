"""Notes as tokens, and the time between them as bins."""
