"""The music models: notes, tokens, the network and its engines, memory, the improviser, packs. Knows nothing of ports and processes."""
