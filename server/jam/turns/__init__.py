"""Whose turn it is: the modes, and when an answer may begin and must end."""
