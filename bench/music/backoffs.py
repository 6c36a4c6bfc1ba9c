"""Which contexts and which back-off of a memory predict best, on the validation files.

Each is fitted to the validation files of the corpora of `songbook`, with equal weight, and measured on the same files: with
so few numbers and so many notes this improves the third digit only. The freedoom leads were not fitted to.
"""

from collections.abc import Sequence

import torch

from bench.corpora import SONGBOOK_FOLDERS
from bench.music.memory import lines_of
from bench.table import show
from model.approach import APPROACHES, Approach
from model.memory.backoff import DEFAULT_BACKOFFS, Backoff, Trust
from model.memory.context_kinds import ContextKind, kind_named
from model.memory.memory import Memory
from model.pack.pack import open_pack
from train.memory.fitting import fit_backoff
from train.memory.forecasts import bits_with_memory, collect_evidence

PACK = "songbook"
FITTED, MEASURED = SONGBOOK_FOLDERS, (*SONGBOOK_FOLDERS, "freedoom")
LENGTHS = (1, 2, 3, 4, 6, 8, 12, 16)
START = 8.0
"""The concentration of each context that fitting begins with."""


def run() -> None:
    """Prints bits per note with each choice of contexts, for both approaches."""
    torch.set_num_threads(1)
    rows = []
    for approach in APPROACHES:
        vocabulary = open_pack(PACK).vocabulary(approach)
        lines = {name: list(lines_of(PACK, approach, name, "valid")) for name in MEASURED}
        for title, backoff in _choices(approach):
            memory = Memory(vocabulary, backoff)
            evidence = [[collect_evidence(memory, line) for line in lines[name]] for name in FITTED]
            fitted = Memory(vocabulary, fit_backoff(evidence, backoff))
            bits = [
                sum(float(bits_with_memory(fitted, line).sum()) for line in lines[name])
                / sum(line.notes for line in lines[name])
                for name in MEASURED
            ]
            rows.append((approach, title, *(f"{value:.3f}" for value in bits)))
    show("Bits per note, pitch and time together, validation files", ("approach", "contexts", *MEASURED), rows)


def _choices(approach: Approach) -> Sequence[tuple[str, Backoff]]:
    chosen = DEFAULT_BACKOFFS[approach]
    older = [kind_named(f"{length} {line}") for length in LENGTHS for line in ("steps", "tokens")]
    choices = [
        ("tokens as they are", _both(approach, older[1::2], older[1::2])),
        ("notes as intervals", _both(approach, older[0::2], older[0::2])),
        ("both in turn, as before memories knew the bar", _both(approach, older, older)),
        ("chosen", chosen),
    ]
    if chosen.times is not None:
        notes, times = ([kind for kind in trust.kinds if not kind.has_place] for trust in (chosen.notes, chosen.times))
        choices.insert(3, ("chosen, without the place in the bar", _both(approach, notes, times)))
    return choices


def _both(approach: Approach, notes: Sequence[ContextKind], times: Sequence[ContextKind]) -> Backoff:
    return Backoff(_evenly_trusted(notes), _evenly_trusted(times) if approach == "event" else None)


def _evenly_trusted(kinds: Sequence[ContextKind]) -> Trust:
    return Trust(tuple(kinds), (START,) * len(kinds), variety=0.75, evidence=0.4)
