"""One network learning from batches, on one process or several, resumable at any moment; knows no MIDI."""
