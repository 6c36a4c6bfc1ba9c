"""Writes a comparison as one HTML page that needs no other file: style, script, pictures and MIDI files are inside.

The page is `page/report.html`. Its content is prepared in `train.report.answer_views`, `train.report.figure_views` and
`train.report.card_views`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined

from model.approach import APPROACHES
from model.named_file import path_fault, shown_path
from train.errors import OutputError
from train.evaluation.compare import Comparison
from train.evaluation.melodies import write_melody
from train.report.answer_views import (
    RIBBON_PX,
    ExchangeView,
    MelodyView,
    about_answers,
    about_melodies,
    exchange_views,
    melody_views,
    ribbon,
)
from train.report.card_views import (
    CorpusView,
    CurveView,
    SourceView,
    bit_lines,
    curve_views,
    held_out_views,
    source_views,
    tiles_of_card,
)
from train.report.figure_views import Row, Tile, about_figures, figure_rows, music_name, tiles_of_answers
from train.report.roll import RULER_PX, Box

PAGE_NAME = "report.html"
PAGE_SUFFIXES = {".html", ".htm"}
# Nobody calls a folder so: such a name asks for a kind of file that is not written.
OTHER_SUFFIXES = {".pdf", ".png", ".svg", ".md", ".txt", ".json", ".csv", ".mid", ".midi"}


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that the page shows, in its order."""

    pack: str
    ribbon: tuple[Box, ...]
    ribbon_height: float
    tiles: tuple[Tile, ...]
    about_answers: str
    music: str
    exchanges: tuple[ExchangeView, ...]
    about_figures: str
    figures: tuple[Row, ...]
    held_out: tuple[CorpusView, ...]
    has_ppm: bool
    bit_lines: tuple[float, ...]
    curves: tuple[CurveView, ...]
    about_melodies: str
    melodies: tuple[MelodyView, ...]
    sources: tuple[SourceView, ...]
    commands: tuple[str, ...]
    made: str


def page_of(comparison: Comparison, command: str = "") -> Page:
    card = comparison.card
    held_out = held_out_views(card)
    trained = [card.approaches[approach].training.command for approach in APPROACHES]
    return Page(
        pack=comparison.pack,
        ribbon=ribbon(comparison),
        ribbon_height=RIBBON_PX,
        tiles=(*tiles_of_card(card), *tiles_of_answers(comparison)),
        about_answers=about_answers(comparison),
        music=music_name(comparison),
        exchanges=exchange_views(comparison),
        about_figures=about_figures(comparison),
        figures=figure_rows(comparison),
        held_out=held_out,
        has_ppm=any(row.ppm for corpus in held_out for row in corpus.rows),
        bit_lines=bit_lines(card),
        curves=curve_views(card),
        about_melodies=about_melodies(comparison),
        melodies=melody_views(comparison),
        sources=source_views(card),
        commands=tuple(dict.fromkeys(text for text in (*trained, command) if text)),
        made=_how_it_was_made(comparison),
    )


def render(comparison: Comparison, command: str = "") -> str:
    """The text of the page; the same comparison and command give the same text. Every name in it is escaped."""
    return render_page("report.html", page=page_of(comparison, command))


def render_page(template: str, **content: object) -> str:
    """A page of `page/` with the style and the script of all pages, and the roll's ruler. Every name in it is escaped."""
    folder = files("train.report") / "page"
    names = (template, "layout.html", "macros.html", "report.css", "player.js")
    texts = {name: (folder / name).read_text(encoding="utf-8") for name in names}
    environment = Environment(
        loader=FunctionLoader(texts.get),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(
        ruler=RULER_PX, css=texts["report.css"], script=texts["player.js"], **content
    )


def page_path_for(out: Path) -> Path:
    """The path of the page in the folder `out`, or `out` itself where it ends in .html. Creates nothing.

    Raises OutputError where the page could not be written.
    """
    if fault := path_fault(out):
        raise OutputError(f"{shown_path(out)} {fault}; choose another place for the page")
    page = out if out.suffix.lower() in PAGE_SUFFIXES else out / PAGE_NAME
    if out != page and not out.is_dir():
        what_to_name = f"name a folder for the report, or a page such as {out.with_suffix('.html')}"
        if out.exists():
            raise OutputError(f"{out} is a file; {what_to_name}")
        if out.suffix.lower() in OTHER_SUFFIXES:
            raise OutputError(f"{out} cannot be written, as a report is a page of HTML; {what_to_name}")
    if page.is_dir():
        raise OutputError(f"{page} is a folder; name another page, or the folder that the report goes to")
    existing_folder = next(folder for folder in page.parents if folder.exists())
    with _output_errors(page):
        probe = existing_folder / f".{page.name}.{os.getpid()}"
        probe.touch()
        probe.unlink()
    return page


def write_page(page: Path, text: str) -> None:
    """Writes a page, which appears whole or not at all. Raises OutputError."""
    partial = page.with_name(f".{page.name}.{os.getpid()}")
    with _output_errors(page):
        page.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_text(text, encoding="utf-8", newline="\n")
            partial.replace(page)
        finally:
            partial.unlink(missing_ok=True)


def write_report(page: Path, comparison: Comparison, command: str = "") -> Iterator[Path]:
    """Writes the page, and beside it the experiment's two pieces with their piano rolls.

    Yields each path once it is written.

    Raises OutputError where a file cannot be written.
    """
    write_page(page, render(comparison, command))
    yield page
    for approach in APPROACHES:
        with _output_errors(page.parent):
            yield from write_melody(page.parent, comparison.melodies[approach])


@contextmanager
def _output_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror or error}); choose another --out") from error


def _how_it_was_made(comparison: Comparison) -> str:
    settings, sampling = comparison.settings, comparison.settings.sampling
    return (
        f"Answers at temperature {sampling.temperature:g}, top-p {sampling.top_p:g}, pitch at a step of {sampling.step_beats:g} beats, "
        f"random seed {settings.random_seed}. The same arguments give the same page."
    )
