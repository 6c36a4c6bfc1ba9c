"""From forecasts to notes: the improviser, sampling, rhythm, and the limit on repeating the player."""
