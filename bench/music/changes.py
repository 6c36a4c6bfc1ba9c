"""How well answers follow the chords of songs that no pack was trained on: `harmony` off, as fitted and strong, beside the songs themselves.

A phrase is eight bars of a test song of openewld_pd; the answer is played over the chords of its next eight bars, and compared with
the melody there. Also: how often the chords of the chord tracks are named right, voiced and inverted in other ways, and what a bar of the
band costs.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from statistics import median
from typing import get_args

import numpy as np

from bench.corpora import CORPORA
from bench.table import median_and_p99_ms, show
from bridge.timing.meter import Meter
from bridge.timing.timeline import Timeline
from model.approach import APPROACHES, Approach
from model.defaults import FITTED_HARMONY, PLAYED_HARMONY
from model.files.seed import Seed
from model.harmony.changes import ChartChanges
from model.harmony.chart import Chart, ChartBar
from model.harmony.chord import Chord
from model.harmony.chord_naming import name_chord
from model.harmony.form_finder import form_length
from model.harmony.forms import FORMS
from model.harmony.notations.text_chart import read_text_chart
from model.harmony.preference.chord_preference import OFF_BEAT, STRONG_PLACES, metrical_place
from model.notes import Note
from server.band.arranger import Arranger, Bar
from server.config.config import Config
from server.controls.choices import Feel
from server.export import answer_to
from server.jam.jam import Jam
from server.music.packs.pack_loader import LoadedPack, load_pack
from train.chords.chord_lines import ChordLine, chord_lines
from train.corpus.cache import USER_CACHE
from train.corpus.corpora import read_corpora
from train.corpus.reading import LineSelection

PHRASE_BARS, ANSWER_BARS, FEWEST_NOTES = 8, 8, 8
STRENGTHS = (0.0, FITTED_HARMONY, PLAYED_HARMONY, 1.0)
SEEDS = 1
PACKS = ("songbook", "rock")
TEMPO_BPM = 120.0


@dataclass(frozen=True, slots=True)
class Case:
    """A phrase, the melody after it, and where that begins and ends, in beats."""

    line: ChordLine
    phrase: tuple[Note, ...]
    rest: tuple[Note, ...]
    first_beats: float
    start_beats: float
    end_beats: float
    beats_per_bar: float

    @property
    def chart(self) -> Chart:
        """The chords of the phrase and of what follows, on the phrase's bars. Where the file has no chord, the chart has none."""
        bars = round((self.end_beats - self.first_beats) / self.beats_per_bar)
        return Chart(tuple(self._bar(self.first_beats + bar * self.beats_per_bar) for bar in range(bars)))

    def _bar(self, line_beats: float) -> ChartBar:
        starts, chords = [0.0], [self._chord_at(line_beats)]
        for start, end, chord in self.line.changes.spans:
            for place, named in ((start, chord), (end, self._chord_at(end))):
                into_bar = place - line_beats
                if 0.0 < into_bar < self.beats_per_bar and named != chords[-1]:
                    starts.append(into_bar)
                    chords.append(named)
        return ChartBar(tuple(chords), tuple(starts))

    def _chord_at(self, beat: float) -> Chord | None:
        span = self.line.changes.at(beat)
        return None if span is None else span.chord


def run() -> None:
    """Prints the tables."""
    (corpus,) = read_corpora([CORPORA / "openewld_pd"], USER_CACHE, LineSelection())
    lines = chord_lines(corpus, "test")
    cases = [case for line in lines for case in _cases(line)]
    rows = [("the songs", "", *_figures([(case, case.rest) for case in cases]))]
    for pack, approach, harmony in product(PACKS, APPROACHES, STRENGTHS):
        answers = [(case, _answer(pack, approach, case, harmony, seed)) for case in cases for seed in range(SEEDS)]
        rows.append((f"{pack}, {approach}", f"{harmony:g}", *_figures(answers)))
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
            "notes a beat",
            "ends in the chord, on its root",
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
            yield Case(line, phrase, rest, first, middle, end, bar)
        first = end


def _answer(pack: str, approach: Approach, case: Case, harmony: float, seed: int) -> tuple[Note, ...]:
    """The answer of a jam with all its other controls as they are at the start: touch, phrase ends, memory with places."""
    config = Config().with_values({"controls.pack": pack})
    settings = replace(
        config.settings,
        approach=approach,
        harmony=harmony,
        answer_after=math.inf,
        answer_length=case.end_beats - case.start_beats,
    )
    if pack not in _PACKS:
        _PACKS[pack] = load_pack(pack, config)
    beats_per_bar = case.beats_per_bar
    meter = (
        Meter(round(beats_per_bar), 4) if beats_per_bar == round(beats_per_bar) else Meter(round(2 * beats_per_bar), 8)
    )
    timeline = Timeline.start(TEMPO_BPM, meter=meter).with_downbeat(case.first_beats)
    jam = Jam(_PACKS[pack].improvisers(TEMPO_BPM), settings, seed, timeline, counts_bars=True)
    jam.set_chart(case.chart, 0.0)
    return tuple(answer_to(Seed(case.phrase, tempo_bpm=TEMPO_BPM), jam, case.start_beats))


_PACKS: dict[str, LoadedPack] = {}


def _figures(answers: Sequence[tuple[Case, Sequence[Note]]]) -> tuple[str, ...]:
    strong, every, foreign, intervals, ranges, repeated = [0.0, 0.0], [0.0, 0.0], [], [], [], []
    rates: list[float] = []
    ends: Counter[str] = Counter()
    for case, notes in answers:
        off_beat = [0, 0]
        rates.append(len(notes) / (case.end_beats - case.start_beats))
        _count_end(case, notes, ends)
        for note in notes:
            span = case.line.changes.at(note.onset_beats)
            if span is None or span.chord is None:
                continue
            place, fits = metrical_place(span.position_beats, span.beats_per_bar), span.chord.has(note.pitch)
            if place in STRONG_PLACES:
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
        f"{median(rates):.2f}",
        f"{ends['chord'] / ends['all']:.0%}, {ends['root'] / ends['all']:.0%}",
    )


def _count_end(case: Case, notes: Sequence[Note], ends: Counter[str]) -> None:
    """Counts a last note over a chord: whether it is one of the chord's notes, and its root."""
    last = max(notes, key=lambda note: note.onset_beats, default=None)
    span = None if last is None else case.line.changes.at(last.onset_beats)
    if last is not None and span is not None and span.chord is not None:
        ends["all"] += 1
        ends["chord"] += span.chord.has(last.pitch)
        ends["root"] += last.pitch % 12 == span.chord.root


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
