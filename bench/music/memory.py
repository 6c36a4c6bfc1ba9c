"""What a memory of the piece so far is worth: beside the frozen network, and beside PPM that learns on-line alone.

Each piece of the test files begins with nothing remembered. PPM is of unbounded order, escape method C, as in
`train.judging.baselines`, and knows the piece so far and nothing else. `python -m bench.music.memory PICTURE` draws how soon a
memory is worth something; `python -m bench memory` prints all figures.
"""

import math
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from matplotlib.figure import Figure

from bench.table import show
from model.approach import APPROACHES, Approach
from model.pack.pack import open_pack
from model.tokens.vocabulary import EventVocabulary
from train.corpus.cache import USER_CACHE
from train.corpus.corpora import Corpus, Split, read_corpora
from train.corpus.reading import Choice
from train.judging.evaluate import pack_network
from train.memory.foretelling import Foretold, foretold, remembered_bits

CORPORA = Path(os.environ.get("FOURS_CORPORA", "../shared/corpora"))
# What each pack is measured on; songbook never saw rock.
MEASURED = {
    "songbook": ("openewld_pd", "mutopia", "openscore_lieder", "freedoom"),
    "rock": ("freedoom",),
}
FIRST_NOTES = (20, 50, 100, 200)
STRENGTHS = (0.0, 0.25, 0.4, 0.5, 0.6, 0.75, 1.0)
# A curve goes on while so many pieces do.
CURVE_NOTES, LEAST_PIECES = 300, 8
COLOURS = ("#d04a10", "#0b6aa8", "#3b7d3b", "#7a4fa3")

Bits = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """What each token of a piece costs, by what foretells it; and which of its tokens are times."""

    costs: dict[str, Bits]
    is_time: npt.NDArray[np.bool_]

    def bits_of(self, rival: str, notes: int) -> tuple[float, float]:
        """Of its first notes, pitch and time bits together."""
        until = int(np.searchsorted(np.cumsum(~self.is_time), notes, side="right"))
        costs, is_time = self.costs[rival][:until], self.is_time[:until]
        return float(costs[~is_time].sum()), float(costs[is_time].sum())

    @property
    def notes(self) -> int:
        return int((~self.is_time).sum())


# Unbounded, and of those bounded the one that is best on the validation files.
PPM_ORDERS: tuple[int | None, ...] = (None, 8)
FROZEN, REMEMBERING = "network, frozen", "with memory"


def run() -> None:
    """Prints bits per note by rival, how they fall over a piece's first notes, and what each strength comes to."""
    torch.set_num_threads(1)
    rivals = (*map(_ppm_name, PPM_ORDERS), FROZEN, REMEMBERING)
    rows, soon, strengths = [], [], []
    for name, folders in MEASURED.items():
        for approach in APPROACHES:
            for folder in folders:
                pieces = _pieces(name, approach, folder)
                here = (name, approach, folder)
                rows.append((*here, *(_told(*_bits_per_note(pieces, rival)) for rival in rivals), _gain(pieces)))
                soon.append((*here, *(_gain(pieces, first) for first in FIRST_NOTES), _gain(pieces)))
                if name == "songbook":
                    strengths.append((*here, *(f"{bits:.3f}" for bits in _by_strength(name, approach, folder))))
    columns = ("pack", "approach", "corpus")
    show("Test files: bits per note, pitch + time", (*columns, *rivals, "better by"), rows)
    show(
        "Test files: by how many bits a note the memory is better, over a piece's first notes (of pieces that have so many)",
        (*columns, *(f"first {first}" for first in FIRST_NOTES), "whole pieces"),
        soon,
    )
    show("Validation files: bits per note by strength", (*columns, *map(str, STRENGTHS)), strengths)


def draw(picture: Path) -> None:
    """The mean gain at each note of a piece, in bits, over the pieces that are so long; smoothed over ten notes."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, approach in zip(figure.subplots(1, 2, sharey=True), APPROACHES, strict=True):
        for folder, colour in zip(MEASURED["songbook"], COLOURS, strict=True):
            gains = np.full((len(_pieces("songbook", approach, folder)), CURVE_NOTES), np.nan)
            for row, piece in zip(gains, _pieces("songbook", approach, folder), strict=True):
                saved = piece.costs[FROZEN] - piece.costs[REMEMBERING]
                # A time counts with the note that it leads to.
                by_note = np.bincount(np.cumsum(~piece.is_time) - ~piece.is_time, saved)[:CURVE_NOTES]
                row[: len(by_note)] = by_note
            going_on = int((np.isfinite(gains).sum(axis=0) >= LEAST_PIECES).sum())
            mean = np.nanmean(gains[:, :going_on], axis=0)
            smooth = np.convolve(mean, np.full(10, 0.1), mode="valid")
            axes.plot(np.arange(len(smooth)) + 5, smooth, color=colour, label=folder)
        axes.set_title(approach, loc="left", fontweight="bold")
        axes.set_xlabel("notes heard of the piece")
        axes.axhline(0.0, color="#999999", linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    figure.axes[0].set_ylabel("bits a note that memory saves")
    figure.axes[0].legend(frameon=False)
    figure.savefig(picture, dpi=110)


@lru_cache
def corpus_of(folder: str) -> Corpus:
    (corpus,) = read_corpora([CORPORA / folder], USER_CACHE, Choice("lead"))
    return corpus


def lines_of(pack: str, approach: Approach, folder: str, split: Split) -> Iterator[Foretold]:
    """The lines of one side, and what the pack's network foretells of them."""
    opened = open_pack(pack)
    lines = corpus_of(folder).lines[split]
    return foretold(pack_network(opened, approach), opened.vocabulary(approach), lines)


@lru_cache
def _pieces(pack: str, approach: Approach, folder: str) -> tuple[Piece, ...]:
    memory, vocabulary = open_pack(pack).memory(approach), open_pack(pack).vocabulary(approach)
    first_time = vocabulary.first_time_token if isinstance(vocabulary, EventVocabulary) else vocabulary.size
    return tuple(
        Piece(
            {
                **online_ppm_bits(line, vocabulary.size),
                FROZEN: line.network_bits,
                REMEMBERING: remembered_bits(memory, line),
            },
            line.targets >= first_time,
        )
        for line in lines_of(pack, approach, folder, "test")
    )


def online_ppm_bits(line: Foretold, size: int) -> dict[str, Bits]:
    """What each target costs by PPM that has learnt the line up to there, by the orders that it blends."""
    tokens = line.tokens
    bits = {order: np.empty(len(tokens) - 1) for order in PPM_ORDERS}
    shared = np.zeros(0, np.int64)  # by place, how many tokens before it are those before the present one
    for place in range(1, len(tokens)):
        before = np.zeros(place, np.int64)
        before[1:] = np.where(tokens[: place - 1] == tokens[place - 1], shared + 1, 0)
        shared = before
        by_order = list(_blended(tokens[1:place], before[1:], int(tokens[place]), size))
        for order, spent in bits.items():
            spent[place - 1] = by_order[-1 if order is None else min(order + 1, len(by_order) - 1)]
    return {_ppm_name(order): spent for order, spent in bits.items()}


def _blended(
    followers: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], target: int, size: int
) -> Iterator[float]:
    """Bits of the target with contexts of no order, of order 0, and so on to the first with a lone follower.

    Logarithms, as a surprise after a note that was struck two hundred times is less likely than any float.
    """
    bits = math.log2(size)
    yield bits
    for order in range(1, 2 + len(followers)):
        if not len(followers):
            return
        total, different = len(followers), len(set(followers.tolist()))
        hits = int((followers == target).sum())
        if hits:
            bits = math.log2(total + different) - math.log2(hits + different * 2.0**-bits)
        else:
            bits += math.log2((total + different) / different)
        yield bits
        if different == 1:
            return
        longer = lengths >= order
        followers, lengths = followers[longer], lengths[longer]


def _ppm_name(order: int | None) -> str:
    return "PPM on-line, unbounded" if order is None else f"PPM on-line, order {order}"


def _bits_per_note(pieces: Sequence[Piece], rival: str, first: int | None = None) -> tuple[float, float]:
    notes = [piece.notes if first is None else first for piece in pieces]
    spent = np.array([piece.bits_of(rival, count) for piece, count in zip(pieces, notes, strict=True)])
    pitch_bits, time_bits = spent.sum(axis=0) / sum(notes)
    return float(pitch_bits), float(time_bits)


def _gain(pieces: Sequence[Piece], first: int | None = None) -> str:
    long_enough = [piece for piece in pieces if piece.notes >= (first or 0)]
    frozen, remembered = (sum(_bits_per_note(long_enough, rival, first)) for rival in (FROZEN, REMEMBERING))
    return f"{frozen - remembered:.2f}"


def _told(pitch_bits: float, time_bits: float) -> str:
    return f"{pitch_bits:.2f} + {time_bits:.2f}" if time_bits else f"{pitch_bits:.2f}"


def _by_strength(pack: str, approach: Approach, folder: str) -> Iterator[float]:
    lines, memory = list(lines_of(pack, approach, folder, "valid")), open_pack(pack).memory(approach)
    for strength in STRENGTHS:
        yield sum(remembered_bits(memory, line, strength).sum() for line in lines) / sum(line.notes for line in lines)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
