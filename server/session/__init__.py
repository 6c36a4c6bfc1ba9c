"""A jam session: opens the parts that the configuration names, connects them, and closes them again."""
