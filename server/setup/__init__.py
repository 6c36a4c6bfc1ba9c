"""Setting up what stands around a jam: files that a DAW takes, and what is written down about them."""
