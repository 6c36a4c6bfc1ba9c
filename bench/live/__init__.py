"""What a running jam costs, and how well it keeps time."""
