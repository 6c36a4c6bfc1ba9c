"""A real DAW on the other side of the ports: Ardour, driven by its own Lua."""
