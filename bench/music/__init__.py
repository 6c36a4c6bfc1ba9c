"""How well the models know music: keys, pulse, memory."""
