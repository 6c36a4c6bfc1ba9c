"""Where a training begins: MIDI files, read once and kept, to tokens in batches; knows no network."""
