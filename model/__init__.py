"""The music models: notes, tokens, the network and its engines, memory, the improviser, packs. Knows nothing of ports and processes."""

import os

# From 1.29 on, ONNX Runtime reports to its maker on Linux and macOS which models are loaded and how they run, and writes an identifier of the
# machine into the user's cache folder. It asks this variable once, as it is imported, so it is set before anything of ours can import it.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
