"""How much a memory of the piece so far improves the forecast, against the network alone, and against PPM that learns on-line.

For each piece of the test files the memory starts empty. PPM has unbounded order and escape method C, as in
`train.evaluation.baselines`, and knows only the piece so far. `python -m bench.music.memory PICTURE` draws how soon a memory
helps; `python -m bench memory` prints all figures.
"""

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from matplotlib.figure import Figure

from bench.corpora import CORPORA, SONGBOOK_FOLDERS
from bench.table import show
from model.approach import APPROACHES, Approach
from model.pack.pack import open_pack
from model.tokens.vocabulary import EventVocabulary
from train.corpus.cache import USER_CACHE
from train.corpus.corpora import Corpus, Split, read_corpora
from train.corpus.reading import LineSelection
from train.evaluation.evaluate import pack_network
from train.memory.forecasts import LineForecast, bits_with_memory, forecast_lines

# The corpora that each pack is measured on. songbook was not trained on rock.
MEASURED = {
    "songbook": (*SONGBOOK_FOLDERS, "freedoom"),
    "rock": ("freedoom",),
}
FIRST_NOTES = (20, 50, 100, 200)
STRENGTHS = (0.0, 0.25, 0.4, 0.5, 0.6, 0.75, 1.0)
# A curve ends where fewer pieces than this are long enough.
CURVE_NOTES, MIN_PIECES = 300, 8
COLOURS = ("#d04a10", "#0b6aa8", "#3b7d3b", "#7a4fa3")

Bits = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """The bits of each token of a piece, by each model; and which of its tokens are times."""

    bits_by_model: dict[str, Bits]
    is_time: npt.NDArray[np.bool_]

    def bits_of(self, model: str, notes: int) -> tuple[float, float]:
        """The pitch bits and the time bits of its first notes."""
        until = int(np.searchsorted(np.cumsum(~self.is_time), notes, side="right"))
        bits, is_time = self.bits_by_model[model][:until], self.is_time[:until]
        return float(bits[~is_time].sum()), float(bits[is_time].sum())

    @property
    def notes(self) -> int:
        return int((~self.is_time).sum())


# Unbounded, and the bounded order that is best on the validation files.
PPM_ORDERS: tuple[int | None, ...] = (None, 8)
FROZEN, WITH_MEMORY = "network, frozen", "with memory"


def run() -> None:
    """Prints bits per note by model, the gain over a piece's first notes, and bits by strength of the memory."""
    torch.set_num_threads(1)
    models = (*map(_ppm_name, PPM_ORDERS), FROZEN, WITH_MEMORY)
    rows, gains_by_notes, strengths = [], [], []
    for name, folders in MEASURED.items():
        for approach in APPROACHES:
            for folder in folders:
                pieces = _pieces(name, approach, folder)
                labels = (name, approach, folder)
                rows.append(
                    (*labels, *(_format_bits(*_bits_per_note(pieces, model)) for model in models), _gain(pieces))
                )
                gains_by_notes.append((*labels, *(_gain(pieces, first) for first in FIRST_NOTES), _gain(pieces)))
                if name == "songbook":
                    strengths.append((*labels, *(f"{bits:.3f}" for bits in _by_strength(name, approach, folder))))
    columns = ("pack", "approach", "corpus")
    show("Test files: bits per note, pitch + time", (*columns, *models, "better by"), rows)
    show(
        "Test files: by how many bits per note the memory is better, over a piece's first notes (of pieces that have so many)",
        (*columns, *(f"first {first}" for first in FIRST_NOTES), "whole pieces"),
        gains_by_notes,
    )
    show("Validation files: bits per note by strength", (*columns, *map(str, STRENGTHS)), strengths)


def draw(picture: Path) -> None:
    """Draws the mean gain at each note of a piece, in bits, over the pieces that are long enough; smoothed over ten notes."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, approach in zip(figure.subplots(1, 2, sharey=True), APPROACHES, strict=True):
        for folder, colour in zip(MEASURED["songbook"], COLOURS, strict=True):
            gains = np.full((len(_pieces("songbook", approach, folder)), CURVE_NOTES), np.nan)
            for row, piece in zip(gains, _pieces("songbook", approach, folder), strict=True):
                saved = piece.bits_by_model[FROZEN] - piece.bits_by_model[WITH_MEMORY]
                # A time counts with the note after it.
                by_note = np.bincount(np.cumsum(~piece.is_time) - ~piece.is_time, saved)[:CURVE_NOTES]
                row[: len(by_note)] = by_note
            length = int((np.isfinite(gains).sum(axis=0) >= MIN_PIECES).sum())
            mean = np.nanmean(gains[:, :length], axis=0)
            smooth = np.convolve(mean, np.full(10, 0.1), mode="valid")
            axes.plot(np.arange(len(smooth)) + 5, smooth, color=colour, label=folder)
        axes.set_title(approach, loc="left", fontweight="bold")
        axes.set_xlabel("notes heard of the piece")
        axes.axhline(0.0, color="#999999", linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    figure.axes[0].set_ylabel("bits per note that memory saves")
    figure.axes[0].legend(frameon=False)
    figure.savefig(picture, dpi=110)


@lru_cache
def corpus_of(folder: str) -> Corpus:
    (corpus,) = read_corpora([CORPORA / folder], USER_CACHE, LineSelection("lead"))
    return corpus


def lines_of(pack: str, approach: Approach, folder: str, split: Split) -> Iterator[LineForecast]:
    """The lines of one split, with the forecasts of the pack's network."""
    opened = open_pack(pack)
    lines = corpus_of(folder).lines[split]
    return forecast_lines(pack_network(opened, approach), opened.vocabulary(approach), lines)


@lru_cache
def _pieces(pack: str, approach: Approach, folder: str) -> tuple[Piece, ...]:
    memory, vocabulary = open_pack(pack).memory(approach), open_pack(pack).vocabulary(approach)
    first_time_token = vocabulary.first_time_token if isinstance(vocabulary, EventVocabulary) else vocabulary.size
    return tuple(
        Piece(
            {
                **online_ppm_bits(line, vocabulary.size),
                FROZEN: line.network_bits,
                WITH_MEMORY: bits_with_memory(memory, line),
            },
            line.targets >= first_time_token,
        )
        for line in lines_of(pack, approach, folder, "test")
    )


def online_ppm_bits(line: LineForecast, size: int) -> dict[str, Bits]:
    """The bits of each target by PPM that has learnt the line so far, for each maximal order."""
    tokens = line.tokens
    bits = {order: np.empty(len(tokens) - 1) for order in PPM_ORDERS}
    shared = np.zeros(0, np.int64)  # by position: how many tokens before it equal those before the current one
    for position in range(1, len(tokens)):
        before = np.zeros(position, np.int64)
        before[1:] = np.where(tokens[: position - 1] == tokens[position - 1], shared + 1, 0)
        shared = before
        by_order = list(_blended(tokens[1:position], before[1:], int(tokens[position]), size))
        for order, bits_of_order in bits.items():
            bits_of_order[position - 1] = by_order[-1 if order is None else min(order + 1, len(by_order) - 1)]
    return {_ppm_name(order): bits_of_order for order, bits_of_order in bits.items()}


def _blended(
    followers: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], target: int, size: int
) -> Iterator[float]:
    """Bits of the target without contexts, with contexts of order 0, and so on, to the first order with a single follower.

    Computed as logarithms, as a surprise after a note that was repeated two hundred times is below the range of a float.
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


def _bits_per_note(pieces: Sequence[Piece], model: str, first: int | None = None) -> tuple[float, float]:
    notes = [piece.notes if first is None else first for piece in pieces]
    bits_of_order = np.array([piece.bits_of(model, count) for piece, count in zip(pieces, notes, strict=True)])
    pitch_bits, time_bits = bits_of_order.sum(axis=0) / sum(notes)
    return float(pitch_bits), float(time_bits)


def _gain(pieces: Sequence[Piece], first: int | None = None) -> str:
    long_enough = [piece for piece in pieces if piece.notes >= (first or 0)]
    frozen, remembered = (sum(_bits_per_note(long_enough, model, first)) for model in (FROZEN, WITH_MEMORY))
    return f"{frozen - remembered:.2f}"


def _format_bits(pitch_bits: float, time_bits: float) -> str:
    return f"{pitch_bits:.2f} + {time_bits:.2f}" if time_bits else f"{pitch_bits:.2f}"


def _by_strength(pack: str, approach: Approach, folder: str) -> Iterator[float]:
    lines, memory = list(lines_of(pack, approach, folder, "valid")), open_pack(pack).memory(approach)
    for strength in STRENGTHS:
        yield sum(bits_with_memory(memory, line, strength).sum() for line in lines) / sum(line.notes for line in lines)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
