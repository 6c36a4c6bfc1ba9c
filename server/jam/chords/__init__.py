"""Which chords the jam plays over: those of a chart, or those that it hears."""
