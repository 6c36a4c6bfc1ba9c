"""`python -m bench [QUESTION ...]`: all of them, or those named."""

import importlib
import sys

QUESTIONS = (
    "steps", "bits", "rhythm", "bins", "keys", "pulse", "recipes", "targets", "ingest", "startup", "lateness", "clock",
)  # fmt: skip

if __name__ == "__main__":
    for question in sys.argv[1:] or QUESTIONS:
        importlib.import_module(f"bench.{question}").run()
