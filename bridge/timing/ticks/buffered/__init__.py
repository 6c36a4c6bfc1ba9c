"""Follows a clock whose ticks come once per audio buffer: where buffers are, and which lines pass through all of them."""
