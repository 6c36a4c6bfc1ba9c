"""`python -m bench [QUESTION ...]`: runs all benchmarks, or those named."""

import importlib
import logging
import sys
from collections.abc import Mapping

ROOMS: Mapping[str, tuple[str, ...]] = {
    "training": ("steps", "bits", "rhythm", "bins", "recipes", "targets", "ingest", "readers", "seeds"),
    "music": ("keys", "in_key", "changes", "phrase_chords", "pulse", "memory", "backoffs", "jam_day", "composing"),
    "live": (
        "takes",
        "startup",
        "idle",
        "lateness",
        "answering",
        "onsets",
        "band",
        "panel",
    ),
    "clocks": ("clock", "buffered_clock", "long_clocks", "pauses", "standstills"),
    "faults": ("page_work", "pack_switch", "lost_server"),
    "daw": ("ardour",),
    "gpu": ("gpu",),
}
QUESTIONS: Mapping[str, str] = {name: f"bench.{room}.{name}" for room, names in ROOMS.items() for name in names}

if __name__ == "__main__":
    # What a jam remarks of each phrase would drown the tables.
    logging.getLogger("fours").setLevel(logging.ERROR)
    for question in sys.argv[1:] or QUESTIONS:
        if question not in QUESTIONS:
            raise SystemExit(f"there is no bench {question}; there are {', '.join(QUESTIONS)}")
        importlib.import_module(QUESTIONS[question]).run()
