"""The cost of training, and the effect of its choices."""
