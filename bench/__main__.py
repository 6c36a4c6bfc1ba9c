"""`python -m bench [QUESTION ...]`: all of them, or those named."""

import importlib
import sys

QUESTIONS = (
    *("steps", "bits", "rhythm", "bins", "keys", "in_key", "pulse"),
    *("recipes", "targets", "ingest", "memory", "backoffs", "jam_day", "takes"),
    *("startup", "lateness", "answering", "clock", "in_time", "panel"),
)

if __name__ == "__main__":
    for question in sys.argv[1:] or QUESTIONS:
        importlib.import_module(f"bench.{question}").run()
