"""How well clocks are followed, by simulation: in audio buffers or not, for beats and for hours."""
