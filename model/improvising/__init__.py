"""From forecasts to notes: the improviser, its sampling, its rhythm, and how much it may repeat."""
