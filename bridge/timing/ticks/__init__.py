"""When the ticks of a followed MIDI clock are due: how their dates are modelled, by chance or by audio buffers."""
