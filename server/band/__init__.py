"""The band: bass, chords and drums that play a chart by rule; no clock, no port and no model."""
