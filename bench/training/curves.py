"""`python -m bench.training.curves PICTURE PACK ...`: draws the learning curves on the packs' cards, training and held out."""

import sys
from pathlib import Path

from matplotlib.figure import Figure

from model.approach import APPROACHES
from model.pack.pack import open_pack

COLOURS = ("#d04a10", "#0b6aa8", "#3b7d3b", "#7a4fa3")


def draw(picture: Path, packs: list[str]) -> None:
    """Draws a plot for each approach over the passes: held-out bits per note (solid), training bits per token (dashed)."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, approach in zip(figure.subplots(1, 2), APPROACHES, strict=True):
        for name, colour in zip(packs, COLOURS, strict=False):
            pack = open_pack(name)
            history = pack.card.approaches[approach].training.history
            epochs = [epoch.epoch for epoch in history]
            axes.plot(epochs, [epoch.valid_bits for epoch in history], color=colour, marker=".", label=pack.name)
            axes.plot(epochs, [epoch.training_bits for epoch in history], color=colour, linestyle="--", linewidth=1)
        axes.set_title(approach, loc="left", fontweight="bold")
        axes.set_xlabel("passes over the training files")
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    figure.axes[0].set_ylabel("bits per note held out (full),\nper token in training (dashed)")
    figure.axes[0].legend(frameon=False)
    figure.savefig(picture, dpi=110)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), sys.argv[2:])
