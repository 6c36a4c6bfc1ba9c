"""Figures of answers beside real music as a report shows them: numbers as text, strips, and sentences.

It knows no roll and no HTML.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from model.approach import APPROACHES, Approach
from train.evaluation.compare import FIGURES, Answer, Comparison
from train.evaluation.copying import NGRAM_INTERVALS, Copying
from train.evaluation.measures import Quartiles
from train.report.charts import Scale, Strip, draw_strip
from train.report.wording import counted

TITLES: Mapping[Approach, str] = {"pitch": "Pitch", "event": "Event"}
NOTHING = "\N{EN DASH}"
HEADLINE_NGRAM = NGRAM_INTERVALS[0]
# For each unit, the format of a number and the text after it.
NUMBER_FORMATS: Mapping[str, tuple[str, str]] = {
    "share": ("{:.0%}", ""),
    "bits": ("{:.2f}", "bits"),
    "semitones": ("{:.1f}", "semitones"),
    "notes per beat": ("{:.2f}", ""),
    "intervals": ("{:.0f}", "intervals"),
}


@dataclass(frozen=True, slots=True)
class FigureView:
    title: str
    help: str
    value: str
    unit: str
    strip: Strip | None
    label: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A number of the table of figures; `inside` says whether it lies in the middle half of real music."""

    name: str
    kind: str
    value: str
    spread: str = ""
    inside: bool | None = None


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    help: str
    strip: Strip | None
    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class TileRow:
    name: str
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure of both approaches for the top of the page."""

    title: str
    rows: tuple[TileRow, ...]
    note: str


def figure_rows(comparison: Comparison) -> tuple[Row, ...]:
    """A row for each figure over all answers, then one for each length of copied intervals."""
    music, scales = comparison.reference_quartiles(), scales_of(comparison)
    by_approach = {approach: comparison.quartiles(approach) for approach in APPROACHES}
    rows = []
    for figure in FIGURES:
        known = {approach: found[figure.name] for approach, found in by_approach.items() if figure.name in found}
        reference = music.get(figure.name)
        if not known:
            continue
        cells = [
            _cell(TITLES[approach], approach, figure.unit, known.get(approach), reference) for approach in APPROACHES
        ]
        if music:
            cells.append(_cell("Real music", "music", figure.unit, reference, None))
        strip = draw_strip(scales[figure.name], reference, known) if reference else None
        rows.append(
            Row(_titled(figure.title, figure.unit), figure.help, strip, _strip_label(figure.title), tuple(cells))
        )
    return (*rows, *_copying_rows(comparison))


def _copying_rows(comparison: Comparison) -> list[Row]:
    reference = comparison.reference
    if reference is None:
        return []
    by_approach = {approach: comparison.copying(approach) for approach in APPROACHES}
    everything = (reference.copying, *by_approach.values())
    # One scale for all lengths, from 0 on, so that shares can be compared.
    scale = Scale.of([0.0, *(share for copying in everything if copying for share in copying.shares.values())])
    rows = []
    for length in NGRAM_INTERVALS:
        shares = {approach: copying.shares.get(length) for approach, copying in by_approach.items() if copying}
        marks = {approach: Quartiles(share, share, share) for approach, share in shares.items() if share is not None}
        reference_share = reference.copying.shares.get(length)
        title = f"Copied {length} at a time"
        rows.append(
            Row(
                title,
                f"The share of all successions of {length} intervals that also occur in the training music; in music that is new to it, some do.",
                draw_strip(scale, Quartiles(reference_share, reference_share, reference_share), marks)
                if reference_share is not None
                else None,
                f"{title}: both approaches beside real music",
                (
                    *(Cell(TITLES[approach], approach, _share(shares.get(approach))) for approach in APPROACHES),
                    Cell("Real music", "music", _share(reference_share)),
                ),
            )
        )
    return rows


def _cell(name: str, kind: str, unit: str, found: Quartiles | None, reference: Quartiles | None) -> Cell:
    if found is None:
        return Cell(name, kind, NOTHING)
    form, _ = NUMBER_FORMATS[unit]
    low, high = form.format(found.low), form.format(found.high)
    return Cell(
        name=name,
        kind=kind,
        value=form.format(found.median),
        spread=f"{low} to {high}",
        inside=reference.contains(found.median) if reference else None,
    )


def figure_views(
    comparison: Comparison, answer: Answer, approach: Approach, scales: Mapping[str, Scale]
) -> tuple[FigureView, ...]:
    music = comparison.reference_quartiles()
    views = []
    for figure in FIGURES:
        value = answer.figures.get(figure.name)
        if value is None:
            continue
        form, unit = NUMBER_FORMATS[figure.unit]
        reference = music.get(figure.name)
        strip = (
            draw_strip(scales[figure.name], reference, {approach: Quartiles(value, value, value)})
            if reference
            else None
        )
        where = (
            f"{'inside' if reference.contains(value) else 'outside'} the middle half of real music" if reference else ""
        )
        views.append(FigureView(figure.title, figure.help, form.format(value), unit, strip, where))
    return tuple(views)


def scales_of(comparison: Comparison) -> dict[str, Scale]:
    """One scale for each figure, so that the same position means the same value everywhere on the page."""
    values: dict[str, list[float]] = {}
    shown = [exchange.answers[approach][0] for exchange in comparison.exchanges for approach in APPROACHES]
    for answer in shown:
        for name, value in answer.figures.items():
            values.setdefault(name, []).append(value)
    for found in (comparison.reference_quartiles(), *(comparison.quartiles(approach) for approach in APPROACHES)):
        for name, quarter in found.items():
            values.setdefault(name, []).extend((quarter.low, quarter.high))
    return {name: Scale.of(found) for name, found in values.items()}


def tiles_of_answers(comparison: Comparison) -> tuple[Tile, ...]:
    """How similar to real music the answers are, and how much is copied; no tiles where there is no real music."""
    reference = comparison.reference
    if reference is None:
        return ()
    music, alike = comparison.reference_quartiles(), []
    for approach in APPROACHES:
        found = comparison.quartiles(approach)
        inside = sum(music[name].contains(quarter.median) for name, quarter in found.items() if name in music)
        alike.append(TileRow(TITLES[approach], approach, f"{inside} of {len(music)}"))
    copied = [
        TileRow(TITLES[approach], approach, _headline_share(comparison.copying(approach))) for approach in APPROACHES
    ]
    return (
        Tile("Like real music", tuple(alike), "Figures whose median lies in the middle half of real music."),
        Tile(
            "Copied from training",
            tuple(copied),
            f"Successions of {HEADLINE_NGRAM} intervals that also occur there. Of music that is new to it, {_headline_share(reference.copying)} do.",
        ),
    )


def about_figures(comparison: Comparison) -> str:
    count = len(comparison.answers("pitch"))
    medians = f"The median of {counted(count, 'answer')} of each approach, and where their middle half lies."
    if comparison.reference is None:
        return f"{medians} With --corpus, they are compared with real music."
    return (
        f"{medians} Real music is {music_name(comparison)}. A full dot says that the median lies inside its middle half, "
        f"an empty one that it does not."
    )


def music_name(comparison: Comparison) -> str:
    """A description of the real music; empty where there is none."""
    reference = comparison.reference
    if reference is None:
        return ""
    side = {"train": "learnt from", "valid": "held out", "test": "held out"}[reference.side]
    return (
        f"{reference.excerpts:,} excerpts of {reference.excerpt_beats:g} beats from {listed(reference.corpora)}, {side}"
    )


def _titled(title: str, unit: str) -> str:
    return title if unit in {"share", "notes per beat"} else f"{title}, {unit}"


def _strip_label(title: str) -> str:
    return f"{title}: both approaches over the middle half of real music"


def _headline_share(copying: Copying | None) -> str:
    return _share(copying.shares.get(HEADLINE_NGRAM) if copying else None)


def _share(share: float | None) -> str:
    return NOTHING if share is None else f"{share:.1%}"


def listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
