"""What training costs, and what its choices are worth."""
