"""A pack's card as a report shows it: held-out figures, learning curves, corpora and licences; knows no HTML."""

import re
from dataclasses import dataclass

from model.approach import APPROACHES, Approach
from model.pack.card import Card, HeldOut, Source, Training
from train.report.charts import draw_curve
from train.report.figure_views import NOTHING, TITLES, Tile, TileRow
from train.report.wording import counted

# A web address with or without its scheme, as in the manifests of the corpora.
_WEB_PLACE = re.compile(r"(?:https?://)?((?:[\w-]+\.)+[a-z]{2,}/\S*)")


@dataclass(frozen=True, slots=True)
class HeldOutRow:
    """Bits per note of one approach on one corpus, as text and as widths in percent."""

    kind: str
    name: str
    pitch: str
    time: str
    together: str
    ppm: str
    ppm_order: str
    pitch_width: float
    time_width: float
    ppm_at: float | None
    label: str


@dataclass(frozen=True, slots=True)
class CorpusView:
    name: str
    notes: str
    rows: tuple[HeldOutRow, ...]


@dataclass(frozen=True, slots=True)
class CurveView:
    """A curve in a field of 100 by 100, and the texts beside it."""

    kind: str
    title: str
    about: str
    label: str
    path: str
    kept_x: float
    kept_y: float
    first: str
    last: str
    lowest: str
    highest: str


@dataclass(frozen=True, slots=True)
class Link:
    text: str
    href: str
    revision: str


@dataclass(frozen=True, slots=True)
class Licence:
    name: str
    files: str


@dataclass(frozen=True, slots=True)
class SourceView:
    name: str
    count: str
    licences: tuple[Licence, ...]
    links: tuple[Link, ...]
    attribution: tuple[str, ...]


def held_out_views(card: Card) -> tuple[CorpusView, ...]:
    """Each corpus with figures on the card, with a row for each approach that was measured on it."""
    names = dict.fromkeys(name for part in card.approaches.values() for name in part.held_out)
    widest = _widest(card)
    views = []
    for name in names:
        measured = {a: card.approaches[a].held_out[name] for a in APPROACHES if name in card.approaches[a].held_out}
        rows = tuple(_row(approach, figures, widest) for approach, figures in measured.items())
        notes = max(figures.notes for figures in measured.values())
        views.append(CorpusView(name, f"{notes:,}", rows))
    return tuple(views)


def _row(approach: Approach, figures: HeldOut, widest: float) -> HeldOutRow:
    order, ppm = min(figures.ppm.items(), key=lambda item: item[1], default=("", None))
    time = "" if figures.time_bits is None else f"{figures.time_bits:.2f}"
    together = _total(figures)
    return HeldOutRow(
        kind=approach,
        name=TITLES[approach],
        pitch=f"{figures.pitch_bits:.2f}",
        time=time or NOTHING,
        together=f"{together:.2f}",
        ppm="" if ppm is None else f"{ppm:.2f}",
        ppm_order=order,
        pitch_width=round(100 * figures.pitch_bits / widest, 2),
        time_width=round(100 * (figures.time_bits or 0.0) / widest, 2),
        ppm_at=None if ppm is None else round(100 * ppm / widest, 2),
        label=f"{TITLES[approach]}: {together:.2f} bits per note"
        + (f", of which {time} for time" if time else "")
        + ("" if ppm is None else f"; best PPM {ppm:.2f}"),
    )


def bit_lines(card: Card) -> tuple[float, ...]:
    """The positions of whole bits on the bars, in percent."""
    widest = _widest(card)
    return tuple(round(100 * bits / widest, 2) for bits in range(int(widest) + 1))


def _widest(card: Card) -> float:
    """The bits at the right end of the field: a little more than the longest bar or the rightmost diamond."""
    shown = [
        bits
        for part in card.approaches.values()
        for figures in part.held_out.values()
        for bits in (_total(figures), min(figures.ppm.values(), default=0.0))
    ]
    return 1.03 * max(shown, default=1.0)


def _total(figures: HeldOut) -> float:
    return figures.pitch_bits + (figures.time_bits or 0.0)


def tiles_of_card(card: Card) -> tuple[Tile, ...]:
    """Bits per note over all corpora, where each note counts the same; no tiles where nothing was held out."""
    pitch, time = [], []
    for approach in APPROACHES:
        measured = list(card.approaches[approach].held_out.values())
        notes = sum(figures.notes for figures in measured)
        if not notes:
            return ()
        title = TITLES[approach]
        bits = sum(figures.pitch_bits * figures.notes for figures in measured) / notes
        pitch.append(TileRow(title, approach, f"{bits:.2f}"))
        if approach == "event":
            bits = sum((figures.time_bits or 0.0) * figures.notes for figures in measured) / notes
            time.append(TileRow(title, approach, f"{bits:.2f}"))
        else:
            time.append(TileRow(title, approach, NOTHING))
    return (
        Tile(
            "Predicting the pitch",
            tuple(pitch),
            "Bits per note of files that were kept out of training; the fewer, the better.",
        ),
        Tile("Predicting the time", tuple(time), "Bits per note on top, for their rhythm; pitch knows none."),
    )


def curve_views(card: Card) -> tuple[CurveView, ...]:
    """The curve of each approach whose card has held-out figures of more than one epoch."""
    return tuple(
        view for approach in APPROACHES if (view := _curve(approach, card.approaches[approach].training)) is not None
    )


def _curve(approach: Approach, training: Training) -> CurveView | None:
    bits = {epoch.epoch: epoch.valid_bits for epoch in training.history if epoch.valid_bits is not None}
    if len(bits) < 2 or training.best_epoch not in bits:
        return None
    first, last, kept = min(bits), max(bits), training.best_epoch
    drawn, title = draw_curve(list(bits.values()), list(bits).index(kept)), TITLES[approach]
    return CurveView(
        kind=approach,
        title=title,
        about=f"{last} epochs in {training.seconds / 60:,.0f} minutes on {training.device}",
        label=f"{title}: from {bits[first]:.2f} bits per note after epoch {first} to {bits[kept]:.2f} after epoch {kept}, which was kept",
        path=drawn.path,
        kept_x=drawn.marked_x,
        kept_y=drawn.marked_y,
        first=str(first),
        last=str(last),
        lowest=f"{drawn.lowest:.2f}",
        highest=f"{drawn.highest:.2f}",
    )


def source_views(card: Card) -> tuple[SourceView, ...]:
    return tuple(
        SourceView(
            name=source.name,
            count=f"{counted(source.files, 'file')}, {counted(source.notes, 'note')} learnt from",
            licences=tuple(Licence(name, f"{files:,}") for name, files in source.licences.items()),
            links=_links(source),
            attribution=tuple(line for line in source.attribution.splitlines() if line.strip()),
        )
        for source in card.corpora
    )


def _links(source: Source) -> tuple[Link, ...]:
    """The sources of the card, each written as `place` or `place at revision`."""

    def link(text: str) -> Link:
        place, _, revision = text.partition(" at ")
        on_the_web = _WEB_PLACE.fullmatch(place)
        return Link(place, f"https://{on_the_web[1]}" if on_the_web else "", revision[:12])

    return tuple(link(text) for text in source.sources)
