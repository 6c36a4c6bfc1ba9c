"""The recipe of the experiment from which this project grew, kept for comparison."""
