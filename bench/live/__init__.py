"""The cost of a running jam, and how well it keeps time."""
