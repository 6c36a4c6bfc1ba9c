"""Notes, vocabularies, the LSTM, packs, engines, sampling, the improviser; knows nothing of ports and processes."""
