"""Chords and charts: symbols, bars, forms, transposition, and naming chords that are heard; no clock and no port."""
