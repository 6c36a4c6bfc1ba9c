"""Whether a CUDA device plays and learns as the CPU does, and how fast. The device is an argument, so all of it runs on a CPU too."""
