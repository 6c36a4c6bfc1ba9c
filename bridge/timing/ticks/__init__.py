"""Predicts the ticks of a followed MIDI clock from their dates, which carry random jitter or come in audio buffers."""
