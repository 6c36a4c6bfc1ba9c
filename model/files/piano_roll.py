"""Draws tracks as a piano roll; knows notes and bars, but no MIDI. Needs matplotlib, from the extra `train`."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from model.errors import PictureError
from model.extras import install_hint
from model.files.song import Track
from model.files.time_signature import TimeSignature
from model.whole_file import write_whole

COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2")
NOTE_NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
BLACK_KEYS = {1, 3, 6, 8, 10}
MARGIN_SEMITONES = 2
INCHES_PER_BAR, MIN_INCHES, MAX_INCHES = 1.1, 8.0, 40.0
# More bar numbers than these would overlap on the widest picture.
MAX_NUMBERED_BARS = 80


def check_matplotlib() -> None:
    """Raises PictureError where matplotlib is not installed."""
    try:
        import matplotlib.figure  # noqa: F401  asks, before anything is made, whether it is there
    except ModuleNotFoundError as error:
        raise PictureError(f"a piano roll needs matplotlib: {install_hint('train')}") from error


def draw_piano_roll(path: Path, tracks: Sequence[Track], meter: TimeSignature) -> None:
    """Writes a PNG of the tracks, each in its own colour, over bar lines. The file appears whole or not at all.

    Raises PictureError where matplotlib is not installed, and OSError where the place cannot be written.
    """
    check_matplotlib()
    from matplotlib.figure import Figure
    from matplotlib.ticker import MultipleLocator

    notes = [note for track in tracks for note in track.notes]
    lowest = min(note.pitch for note in notes) - MARGIN_SEMITONES
    highest = max(note.pitch for note in notes) + MARGIN_SEMITONES
    beats_per_bar = meter.beats_per_bar
    first_bar = int(min(note.onset_beats for note in notes) // beats_per_bar)
    bars = -int(-max(note.end_beats for note in notes) // beats_per_bar)
    width = min(max((bars - first_bar) * INCHES_PER_BAR, MIN_INCHES), MAX_INCHES)
    figure = Figure(figsize=(width, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for pitch in range(lowest, highest + 1):
        if pitch % 12 in BLACK_KEYS:
            axes.axhspan(pitch - 0.5, pitch + 0.5, color="#f2f2f2", linewidth=0)
    for track, colour in zip(tracks, COLOURS, strict=False):
        axes.barh(
            [note.pitch for note in track.notes],
            [note.duration_beats / beats_per_bar for note in track.notes],
            left=[1 + note.onset_beats / beats_per_bar for note in track.notes],
            height=0.8,
            color=colour,
            edgecolor="white",
            linewidth=0.4,
            label=track.name,
        )
    axes.set_xlim(1 + first_bar, 1 + bars)
    axes.set_ylim(lowest - 0.5, highest + 0.5)
    axes.set_yticks([pitch for pitch in range(lowest, highest + 1) if pitch % 12 in {0, 7}])
    axes.set_yticklabels([f"{NOTE_NAMES[pitch % 12]}{pitch // 12 - 1}" for pitch in map(int, axes.get_yticks())])
    axes.xaxis.set_major_locator(MultipleLocator(-(-(bars - first_bar) // MAX_NUMBERED_BARS)))
    axes.grid(axis="x", color="#cccccc", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel("bar")
    axes.legend(loc="upper left", ncols=len(tracks), frameon=False, bbox_to_anchor=(0, 1.13))
    picture = BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    write_whole(path, picture.getvalue())
