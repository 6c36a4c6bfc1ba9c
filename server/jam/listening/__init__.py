"""What the player plays: keys and pedals that are held, the phrase, its tempo and its key."""
