"""The memory of a jam: what was heard, how much weight it has beside the network, and its file."""
