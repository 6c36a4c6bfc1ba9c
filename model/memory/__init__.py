"""What was heard in this jam, and how much it has a say beside the network."""
