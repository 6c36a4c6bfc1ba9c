"""Trains one network on batches, in one process or several, resumable at any moment; knows no MIDI."""
