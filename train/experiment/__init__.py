"""The recipe of the experiment that this project grew from, kept for the comparison."""
