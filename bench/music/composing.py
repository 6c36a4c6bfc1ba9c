"""How long a composed note takes, and a heard one, beside another checkout's and beside the network alone.

`OTHER_CHECKOUT=/path/of/a/checkout python -m bench composing` measures both in turns, in processes of their own, so that what
slows the machine slows both. Without it, the figures stand beside the network alone.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from bench.table import show
from model.approach import APPROACHES

OTHER_CHECKOUT = "OTHER_CHECKOUT"
ROUNDS = 3
HERE = Path(__file__).parents[2]

# Runs in either checkout. The player's phrases are in a steady tempo, and repeat themselves as phrases do.
_MEASURE = """
import json, sys, time
from random import Random
from model.notes import Note
try:
    from model.improvising.improviser import create_improviser
    from model.improvising.sampling_settings import SamplingSettings
    from model.pack.pack import open_pack
except ImportError:  # a checkout from before the rooms of the model
    from model.improviser import Taste as SamplingSettings, improviser as create_improviser
    from model.pack import open_pack
try:
    from model.analysis.bars import Bars
    bars = {"bars": Bars()} if hasattr(Bars, "grid_place") else {}
except ImportError:  # before memories knew the bar
    bars = {}
# The thread's own time: what else runs on the machine is not counted.
now = time.thread_time
pack, random = open_pack("songbook"), Random(1)
figures = {}
for approach in ("pitch", "event"):
    engine = pack.engine(approach, "cpu")
    improviser = create_improviser(engine, pack.vocabulary(approach), pack.memory(approach))
    riff = [(random.choice((0, 2, 4, 5, 7, 9, 11, 12)), random.choice((0.5, 0.5, 1.0, 0.25))) for _ in range(24)]
    notes, beat = [], 0.0
    for number in range(240):
        up, length = riff[number % 24] if random.random() < 0.8 else (random.randrange(12), 0.5)
        notes.append(Note(60 + up, beat, length, 80))
        beat += length
    hearing = []
    for note in notes:
        began = now()
        improviser.hear(note, **bars)
        hearing.append(now() - began)
    settings = SamplingSettings(temperature=0.9, top_p=0.95, closing_beats=1.0, **bars)
    composing = []
    for number in range(12):
        answer = improviser.compose(beat + 1.0, beat + 33.0, settings, Random(number))
        began = now()
        for planned in answer:
            ended = now()
            composing.append(ended - began)
            began = now()
    heard, steps = improviser.snapshot(), []
    state = heard.engine_state if hasattr(heard, "engine_state") else heard.engine
    for number in range(600):
        began = now()
        _, state = engine.step(1 + number % 30, state)
        steps.append(now() - began)
    middle = lambda values: sorted(values)[len(values) // 2] * 1000
    figures[approach] = {"composing": middle(composing), "hearing": middle(hearing[40:]), "step": middle(steps)}
json.dump(figures, sys.stdout)
"""

Figures = Mapping[str, Mapping[str, float]]


def run() -> None:
    """Prints the median milliseconds of a note, and their ratios."""
    other = os.environ.get(OTHER_CHECKOUT)
    checkouts = {"here": HERE, **({"other checkout": Path(other)} if other else {})}
    measured: dict[str, list[Figures]] = {name: [] for name in checkouts}
    for _ in range(ROUNDS):
        for name, checkout in checkouts.items():
            measured[name].append(_measured_in(checkout))
    rows = []
    for approach in APPROACHES:
        for what in ("composing", "hearing"):
            times = {name: _middle(figures, approach, what) for name, figures in measured.items()}
            step = _middle(measured["here"], approach, "step")
            ratio = f"{times['here'] / times['other checkout']:.2f}" if other else ""
            row = (approach, what, f"{times['here']:.3f}", f"{times.get('other checkout', 0.0):.3f}", ratio)
            rows.append((*row, f"{times['here'] / step:.1f}"))
    show(
        "Milliseconds for a note, median",
        ("approach", "what", "here", "other checkout", "ratio", "steps of the network"),
        rows,
    )


def _measured_in(checkout: Path) -> Figures:
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    command = [sys.executable, "-c", _MEASURE]
    finished = subprocess.run(command, env=environment, cwd=checkout, check=True, capture_output=True, text=True)
    figures: Figures = json.loads(finished.stdout)
    return figures


def _middle(figures: Sequence[Figures], approach: str, what: str) -> float:
    return median(each[approach][what] for each in figures)
