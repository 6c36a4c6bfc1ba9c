"""How well answers follow the chords of songs that no pack was trained on: `harmony` off, as fitted and strong, beside the songs themselves.

A phrase is eight bars of a test song of openewld_pd; the answer is played over the chords of its next eight bars, and compared with
the melody there. Also: how often the chords of the chord tracks are named right, voiced and inverted in other ways, and what a bar of the
band costs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from statistics import median
from typing import get_args

import numpy as np

from bench.corpora import CORPORA
from bench.table import median_and_p99_ms, show
from bridge.timing.meter import Meter
from model.approach import APPROACHES, Approach
from model.defaults import FITTED_HARMONY, PLAYED_HARMONY
from model.engines.engine import Engine
from model.harmony.changes import ChartChanges
from model.harmony.chord import Chord
from model.harmony.chord_naming import name_chord
from model.harmony.chord_preference import OFF_BEAT, metrical_place
from model.harmony.form_finder import form_length
from model.harmony.forms import FORMS
from model.harmony.text_chart import read_text_chart
from model.improvising.improviser import create_improviser
from model.improvising.sampling_settings import SamplingSettings
from model.notes import Note
from model.pack.pack import open_pack
from server.band.arranger import Arranger, Bar
from server.controls.choices import Feel
from train.chords.chord_lines import ChordLine, chord_lines
from train.corpus.cache import USER_CACHE
from train.corpus.corpora import read_corpora
from train.corpus.reading import LineSelection

PHRASE_BARS, ANSWER_BARS, FEWEST_NOTES = 8, 8, 8
STRENGTHS = (0.0, FITTED_HARMONY, PLAYED_HARMONY, 1.0)
SEEDS = 1


@dataclass(frozen=True, slots=True)
class Case:
    """A phrase, the melody after it, and where that begins and ends, in beats."""

    line: ChordLine
    phrase: tuple[Note, ...]
    rest: tuple[Note, ...]
    start_beats: float
    end_beats: float


def run() -> None:
    """Prints the tables."""
    (corpus,) = read_corpora([CORPORA / "openewld_pd"], USER_CACHE, LineSelection())
    lines = chord_lines(corpus, "test")
    cases = [case for line in lines for case in _cases(line)]
    rows = [("the songs", "", *_figures([(case, case.rest) for case in cases]))]
    for approach in APPROACHES:
        for harmony in STRENGTHS:
            answers = [(case, _answer(approach, case, harmony, seed)) for case in cases for seed in range(SEEDS)]
            rows.append((approach, f"{harmony:g}", *_figures(answers)))
    show(
        f"Answers over the chords of {len(cases)} phrases from {len(lines)} test songs of openewld_pd; time on a chord note",
        (
            "what",
            "harmony",
            "strong beats",
            "all beats",
            "foreign off the beat, median (quartiles)",
            "interval",
            "range",
            "repeated",
        ),
        rows,
    )
    _show_naming(lines)
    _show_forms()
    _show_band()


def _cases(line: ChordLine) -> Iterator[Case]:
    span = line.changes.at(line.notes[len(line.notes) // 2].onset_beats)
    if span is None:
        return
    bar = span.beats_per_bar
    first = line.changes.bar_line_before(line.notes[0].onset_beats)
    last = line.notes[-1].onset_beats
    while first + (PHRASE_BARS + ANSWER_BARS) * bar <= last + bar:
        middle, end = first + PHRASE_BARS * bar, first + (PHRASE_BARS + ANSWER_BARS) * bar
        phrase = tuple(note for note in line.notes if first <= note.onset_beats < middle)
        rest = tuple(note for note in line.notes if middle <= note.onset_beats < end)
        if len(phrase) >= FEWEST_NOTES and len(rest) >= FEWEST_NOTES:
            yield Case(line, phrase, rest, middle, end)
        first = end


def _answer(approach: Approach, case: Case, harmony: float, seed: int) -> tuple[Note, ...]:
    pack = open_pack("songbook")
    engine = _ENGINES.setdefault(approach, pack.engine(approach))
    improviser = create_improviser(
        engine, pack.vocabulary(approach), pack.memory(approach), chord_preference=pack.chord_preference(approach)
    )
    for note in case.phrase:
        improviser.hear(note)
    settings = SamplingSettings(0.9, 0.95, closing_beats=1.0, changes=case.line.changes, harmony=harmony)
    planned = improviser.compose(case.start_beats, case.end_beats, settings, Random(seed))
    return tuple(note.note for note in planned)


_ENGINES: dict[Approach, Engine] = {}


def _figures(answers: Sequence[tuple[Case, Sequence[Note]]]) -> tuple[str, ...]:
    strong, every, foreign, intervals, ranges, repeated = [0.0, 0.0], [0.0, 0.0], [], [], [], []
    for case, notes in answers:
        off_beat = [0, 0]
        for note in notes:
            span = case.line.changes.at(note.onset_beats)
            if span is None or span.chord is None:
                continue
            place, fits = metrical_place(span.position_beats, span.beats_per_bar), span.chord.has(note.pitch)
            if place <= 1:
                strong[fits] += note.duration_beats
            every[fits] += note.duration_beats
            if place == OFF_BEAT:
                off_beat[fits] += 1
        if sum(off_beat) >= 4:
            foreign.append(off_beat[0] / sum(off_beat))
        pitches = [note.pitch for note in notes]
        if len(pitches) > 1:
            steps = [abs(b - a) for a, b in pairwise(pitches)]
            intervals.append(float(np.mean(steps)))
            repeated.append(float(np.mean([step == 0 for step in steps])))
            ranges.append(max(pitches) - min(pitches))
    low, high = np.percentile(foreign, [25, 75]) if foreign else (0.0, 0.0)
    return (
        f"{strong[1] / sum(strong):.1%}",
        f"{every[1] / sum(every):.1%}",
        f"{median(foreign):.2f} ({low:.2f} to {high:.2f})" if foreign else "",
        f"{median(intervals):.2f}",
        f"{median(ranges):g}",
        f"{median(repeated):.2f}",
    )


def _show_naming(lines: Sequence[ChordLine]) -> None:
    """The chords of the tracks, played in root position, inverted, spread, and without their fifth."""
    voicings: Mapping[str, Callable[[list[int]], list[int]]] = {
        "as in the track": lambda pitches: pitches,
        "first inversion": lambda pitches: [*pitches[1:], pitches[0] + 12],
        "second inversion": lambda pitches: [*pitches[2:], pitches[0] + 12, pitches[1] + 12],
        "spread over two octaves": lambda pitches: [p + 12 * (i % 2) for i, p in enumerate(pitches)],
        "without the fifth, root doubled below": lambda pitches: [pitches[0] - 12, *(p for p in pitches if (p - pitches[0]) % 12 != 7)],
    }  # fmt: skip
    rows = []
    for name, voice in voicings.items():
        right = {"root and family": 0.0, "all": 0.0}
        total = 0.0
        for line in lines:
            for start, end, chord in line.changes.spans:
                named = name_chord(voice(_root_position(chord)))
                total += end - start
                right["root and family"] += (end - start) * (
                    named is not None and (named.root, named.kind) == (chord.root, chord.kind)
                )
                right["all"] += (end - start) * (
                    named is not None and (named.root, named.intervals) == (chord.root, chord.intervals)
                )
        rows.append((name, *(f"{value / total:.1%}" for value in right.values())))
    show("Share of beats whose chord is named right", ("voiced", "root and family", "every note"), rows)


def _root_position(chord: Chord) -> list[int]:
    return [48 + chord.root + interval for interval in chord.intervals]


def _show_forms() -> None:
    rows = []
    for name, text in FORMS.items():
        chart = read_text_chart(text)
        bars = {}
        found = ""
        for number in range(3 * len(chart.bars)):
            chords = chart.bars[number % len(chart.bars)].chords
            bars[number] = tuple(chords[index * len(chords) // 4] for index in range(4))
            if form_length(bars, number) == len(chart.bars):
                found = str(number + 1)
                break
        rows.append((name, str(len(chart.bars)), found or "not found in three times round"))
    show("Forms found from their chords alone", ("form", "bars", "known after bars"), rows)


def _show_band() -> None:
    changes, meter = ChartChanges(read_text_chart(FORMS["jazz blues"])), Meter(4, 4)
    arranger = Arranger(1)
    rows = []
    feels: tuple[Feel, ...] = get_args(Feel)
    for feel in feels:

        def arrange(number: int, feel: Feel = feel) -> object:
            return arranger.notes(Bar(4.0 * number, number), changes, meter, "full", feel)

        cost = median_and_p99_ms(arrange, 200)
        rows.append((feel, *(f"{value:.2f} ms" for value in cost)))
    show("What it costs to arrange one bar of the full band", ("feel", "median", "p99"), rows)
