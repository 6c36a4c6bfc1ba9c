"""How well music is analysed and remembered: keys, pulse, memory."""
