"""How long a composed note takes, and a heard one, beside other checkouts and beside the network alone.

`BUILD=.,/path/of/a/checkout python -m bench composing` measures the checkouts in turns of some milliseconds, in processes of their
own on the same core, so that what slows the machine slows all. What is compared are the pairs of turns. `whole` is a note with all
that a checkout has for an answer by default: memory, bars, a limit on quotes, the end, and touch.
"""

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from bench.table import show
from model.approach import APPROACHES

BUILDS = tuple(os.environ.get("BUILD", ".").split(","))
TURNS = int(os.environ.get("TURNS", "60"))
MEASURES = ("composing", "whole", "hearing", "step")

# Runs in any checkout: says what a note took whenever it reads a line with an approach and what to measure. The player's phrases
# are in a steady tempo, and repeat themselves as phrases do.
_MEASURE = """
import sys, time
from dataclasses import replace
from random import Random
from statistics import median
from model.notes import Note
try:
    try:
        from model.improvising.improvisers import create_improviser
    except ImportError:  # before the approaches had a module of their own
        from model.improvising.improviser import create_improviser
    from model.improvising.novelty import Novelty
    from model.improvising.sampling_settings import SamplingSettings
    from model.pack.pack import open_pack
except ImportError:  # a checkout from before the rooms of the model
    from model.improviser import Taste as SamplingSettings, improviser as create_improviser
    from model.novelty import Novelty
    from model.pack import open_pack
try:
    from model.analysis.bars import Bars
    common_bars = Bars()
    bars = {"bars": common_bars} if hasattr(Bars, "grid_place") else {}
except ImportError:  # before memories knew the bar
    bars = {}
# The thread's own time: what else runs on the machine is not counted.
now = time.thread_time
pack, random = open_pack("songbook"), Random(1)
places = {}
for approach in ("pitch", "event"):
    engine = pack.engine(approach, "cpu")
    improviser = create_improviser(engine, pack.vocabulary(approach), pack.memory(approach))
    riff = [(random.choice((0, 2, 4, 5, 7, 9, 11, 12)), random.choice((0.5, 0.5, 1.0, 0.25))) for _ in range(24)]
    notes, beat = [], 0.0
    for number in range(240):
        up, length = riff[number % 24] if random.random() < 0.8 else (random.randrange(12), 0.5)
        notes.append(Note(60 + up, beat, length, 80))
        beat += length
    for note in notes[:200]:
        improviser.hear(note, **bars)
    plain = SamplingSettings(temperature=0.9, top_p=0.95, closing_beats=1.0, **bars)
    start, until, touch = beat + 1.0, beat + 33.0, None
    try:
        from model.improvising.novelty import Outline
        from model.phrasing.phrase_ends import Ending
        from model.phrasing.touch import HeardPhrase, NotePlace, learn_touch
        novelty = Novelty([Outline.of(notes[-96:])], 0.75)
        stability = tuple(1.0 + 0.05 * pitch_class for pitch_class in range(12))
        ending = Ending(pack.phrasing().ends, Bars(), start, until, stability)
        played = [replace(note, velocity=60 + number * 7 % 40) for number, note in enumerate(notes[-96:])]
        touch = learn_touch([HeardPhrase(played, Bars())], pack.phrasing().touch)
        whole = SamplingSettings(temperature=1.0, top_p=0.98, closing_beats=1.0, novelty=novelty, ending=ending, **bars)
        try:
            from model.improvising.melodic_motion import Melody
            whole = replace(whole, melody=Melody.after_phrase(notes[-96:], {}))
        except ImportError:  # before answers moved as people do
            pass
        try:
            from model.phrasing.parallel_rhythm import ParallelRhythm
            parallel = ParallelRhythm.of_phrase(notes[-64:], Bars(), Bars(), start, 1) if approach == "event" else None
            whole = replace(whole, parallel=parallel, ending=replace(ending, parallel=parallel))
        except ImportError:  # before answers rhymed with their phrase
            pass
    except ImportError:  # before phrases had ends and a touch
        whole = replace(plain, novelty=Novelty([[note.pitch for note in notes[-96:]]]))
    places[approach] = (engine, improviser, improviser.snapshot(), notes, start, until, {"composing": plain, "whole": whole}, touch)

def composed_ms(place, what, turn):
    engine, improviser, heard, notes, start, until, settings, touch = place
    improviser.restore(heard)
    times, random, before = [], Random(turn), None
    began = now()
    for planned in improviser.compose(start, until, settings[what], random):
        if what == "whole" and touch is not None:
            note = planned.note
            progress = (note.onset_beats - start) / (until - start)
            touch.feel(NotePlace(note.onset_beats, note.duration_beats, note.pitch, progress, common_bars, before), random.random())
            before = note.onset_beats
        ended = now()
        times.append(ended - began)
        began = now()
    return times

def heard_ms(place, turn):
    engine, improviser, heard, notes, *_ = place
    improviser.restore(heard)
    times = []
    for note in notes[200:]:
        began = now()
        improviser.hear(note, **bars)
        times.append(now() - began)
    return times

def step_ms(place, turn):
    engine, improviser, heard, *_ = place
    state, times = heard.engine_state if hasattr(heard, "engine_state") else heard.engine, []
    for number in range(60):
        began = now()
        _, state = engine.step(1 + number % 30, state)
        times.append(now() - began)
    return times

for line in sys.stdin:
    approach, what, turn = line.split()
    place = places[approach]
    if what == "hearing":
        times = heard_ms(place, int(turn))
    elif what == "step":
        times = step_ms(place, int(turn))
    else:
        times = composed_ms(place, what, int(turn))
    print(median(times) * 1000, flush=True)
"""


class _Checkout:
    """A process that measures a checkout, one turn at a time."""

    def __init__(self, folder: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(folder.resolve())}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _MEASURE],
            env=environment,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(self._process.pid, {min(os.sched_getaffinity(0))})

    def milliseconds(self, approach: str, what: str, turn: int) -> float:
        """The median of one turn's notes. Raises RuntimeError where the checkout cannot be measured."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{approach} {what} {turn}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the process of a checkout ended")
        return float(answer)

    def close(self) -> None:
        self._process.communicate()


def run() -> None:
    """Prints the median milliseconds of a note, and the ratio of the first build to each."""
    checkouts = {build: _Checkout(Path(build)) for build in BUILDS}
    measured: Mapping[tuple[str, str, str], list[float]] = defaultdict(list)
    try:
        for turn in range(TURNS):
            for approach in APPROACHES:
                for what in MEASURES:
                    for build, checkout in checkouts.items():
                        measured[build, approach, what].append(checkout.milliseconds(approach, what, turn))
    finally:
        for checkout in checkouts.values():
            checkout.close()
    rows = []
    for approach in APPROACHES:
        for what in MEASURES:
            first = measured[BUILDS[0], approach, what]
            for build in BUILDS:
                times = measured[build, approach, what]
                ratio = median(ours / theirs for ours, theirs in zip(first, times, strict=True))
                steps = median(times) / median(measured[build, approach, "step"])
                rows.append((approach, what, build, f"{median(times):.3f}", f"{ratio:.3f}", f"{steps:.1f}"))
    show(
        f"Milliseconds for a note, medians of {TURNS} turns",
        ("approach", "what", "build", "ms", "first build / this", "steps of its network"),
        rows,
    )
