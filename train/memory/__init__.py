"""A memory beside a network: how much it improves the predictions, and how far it is to be trusted."""
