"""A memory beside a network: what it adds to forecasts, and how far it is to be trusted."""
