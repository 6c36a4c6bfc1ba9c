"""The answers as a report shows them: piano rolls to draw, play and save, with their figures; knows no HTML."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from model.approach import APPROACHES, Approach
from model.files.midi.midi_writer import as_midi
from model.files.seed import Seed
from model.files.song import Track
from model.notes import Note
from train.evaluation.compare import Comparison, Exchange
from train.evaluation.melodies import EVENTS, Melody
from train.report.charts import Scale
from train.report.figure_views import TITLES, FigureView, figure_views, scales_of
from train.report.roll import Box, Part, Roll, draw_roll, pitch_name, pitch_range
from train.report.wording import counted

# The seed sounds a little to the left and the answer to the right, like two musicians side by side.
SEED_PAN, ANSWER_PAN = -0.25, 0.25
RIBBON_PX = 132.0


@dataclass(frozen=True, slots=True)
class PlayableRoll:
    """A piano roll with all that is needed to draw, play and save it.

    `answer_from` is the start of the answer in percent of the width, `playback` JSON for player.js, `midi` a file in
    base64.
    """

    roll: Roll
    kind: str
    label: str
    description: str
    tempo_bpm: float
    beats: float
    answer_from: float | None
    playback: str
    midi: str
    file: str


@dataclass(frozen=True, slots=True)
class AnswerView:
    kind: str
    title: str
    about: str
    label: str
    playable: PlayableRoll
    figures: tuple[FigureView, ...]


@dataclass(frozen=True, slots=True)
class ExchangeView:
    name: str
    about: str
    answers: tuple[AnswerView, ...]


@dataclass(frozen=True, slots=True)
class MelodyView:
    kind: str
    about: str
    label: str
    playable: PlayableRoll


def exchange_views(comparison: Comparison) -> tuple[ExchangeView, ...]:
    scales = scales_of(comparison)
    return tuple(
        ExchangeView(
            name=exchange.named_seed.name,
            about=_about_seed(exchange),
            answers=tuple(_answer_view(comparison, exchange, approach, scales) for approach in APPROACHES),
        )
        for exchange in comparison.exchanges
    )


def _about_seed(exchange: Exchange) -> str:
    seed, meter = exchange.seed, exchange.seed.meter
    bars = round(exchange.start_beats / meter.beats_per_bar)
    return (
        f"{meter.numerator}/{meter.denominator} at {seed.tempo_bpm:.0f} bpm, {counted(bars, 'bar')} and "
        f"{counted(len(seed.notes), 'note')}; {exchange.named_seed.origin}"
    )


def _answer_view(
    comparison: Comparison, exchange: Exchange, approach: Approach, scales: Mapping[str, Scale]
) -> AnswerView:
    answer, title, name = exchange.answers[approach][0], TITLES[approach], exchange.named_seed.name
    step_beats = comparison.settings.sampling.step_beats
    how = f"a note every {step_beats:g} beats" if approach == "pitch" else "in a rhythm of its own"
    return AnswerView(
        kind=approach,
        title=title,
        about=f"{counted(len(answer.notes), 'note')}, {how}",
        label=f"{title} answers {name}",
        playable=_exchange_roll(comparison, exchange, approach),
        figures=figure_views(comparison, answer, approach, scales),
    )


def _exchange_roll(comparison: Comparison, exchange: Exchange, approach: Approach) -> PlayableRoll:
    answer, title, name = exchange.answers[approach][0].notes, TITLES[approach], exchange.named_seed.name
    # Both answers of an exchange have the same rows, so that they can be compared by eye.
    both = [note for each in APPROACHES for note in exchange.answers[each][0].notes]
    return playable_answer(
        exchange.seed,
        answer,
        kind=approach,
        beats=(exchange.start_beats, exchange.until_beats),
        rows=pitch_range([*exchange.seed.notes, *both]),
        label=f"Piano roll of {name}: the seed, {_note_summary(exchange.seed.notes)}; then {title.lower()}'s answer, {_note_summary(answer)}",
        description=f"{name}, answered by {title.lower()}",
        file_stem=f"{comparison.pack} {name} {approach}",
    )


def playable_answer(
    seed: Seed,
    answer: Sequence[Note],
    *,
    kind: str,
    beats: tuple[float, float],
    rows: range,
    label: str,
    description: str,
    file_stem: str,
) -> PlayableRoll:
    """A seed and what answers it between these two beats; `kind` is the CSS class of who answers."""
    start_beats, until_beats = beats
    tracks = [Track("Seed", seed.notes, seed.program), Track("Answer", answer, seed.program)]
    return PlayableRoll(
        roll=draw_roll([Part("seed", seed.notes), Part(kind, answer)], rows, until_beats, seed.meter.beats_per_bar),
        kind=kind,
        label=label,
        description=description,
        tempo_bpm=round(seed.tempo_bpm, 3),
        beats=until_beats,
        answer_from=round(100 * start_beats / until_beats, 3),
        playback=_playback_rows([(seed.notes, SEED_PAN), (answer, ANSWER_PAN)]),
        midi=_in_base64(as_midi(tracks, seed.tempo_bpm, seed.meter)),
        file=f"{_slug(file_stem)}.mid",
    )


def melody_views(comparison: Comparison) -> tuple[MelodyView, ...]:
    return tuple(_melody_view(comparison.melodies[approach]) for approach in APPROACHES)


def _melody_view(melody: Melody) -> MelodyView:
    title, meter = TITLES[melody.approach], melody.meter
    beats = max(note.end_beats for note in melody.notes)
    file = f"{melody.stem}.mid"
    playable = PlayableRoll(
        roll=draw_roll([Part(melody.approach, melody.notes)], pitch_range(melody.notes), beats, meter.beats_per_bar),
        kind=melody.approach,
        label=f"Piano roll of {file}: {_note_summary(melody.notes)}",
        description=file,
        tempo_bpm=round(melody.tempo_bpm, 3),
        beats=beats,
        answer_from=None,
        playback=_playback_rows([(melody.notes, 0.0)]),
        midi=_in_base64(melody.as_midi()),
        file=file,
    )
    about = f"{title}: {counted(len(melody.notes), 'note')}, {melody.seconds:.0f} s, temperature {melody.temperature:g}"
    return MelodyView(melody.approach, about, f"{title}'s piece", playable)


def about_melodies(comparison: Comparison) -> str:
    return (
        f"{len(comparison.melodies['pitch'].notes)} notes of pitch, each 0.4 s long and 0.4 s from the next, and what "
        f"{EVENTS} events say, at {comparison.melodies['event'].tempo_bpm:.0f} bpm."
    )


def ribbon(comparison: Comparison) -> tuple[Box, ...]:
    """Both answers to the first seed, drawn over each other as a pattern for the top of the page."""
    first = comparison.exchanges[0]
    answers = [Part(approach, first.answers[approach][0].notes) for approach in APPROACHES]
    parts = [Part("seed", first.seed.notes), *answers]
    pitches = pitch_range(note for part in parts for note in part.notes)
    row = RIBBON_PX / len(pitches)
    return tuple(
        Box(
            x=round(100 * note.onset_beats / first.until_beats, 2),
            y=round((pitches[-1] - note.pitch) * row, 2),
            width=round(100 * note.duration_beats / first.until_beats, 2),
            height=round(row, 2),
            kind=part.kind,
        )
        for part in parts
        for note in part.notes
    )


def about_answers(comparison: Comparison) -> str:
    settings = comparison.settings
    shown = f", the first of {settings.answers}" if settings.answers > 1 else ""
    return f"Each roll is the seed, then {counted(settings.bars, 'bar')} of answer{shown}."


def _note_summary(notes: Sequence[Note]) -> str:
    pitches = [note.pitch for note in notes]
    return f"{counted(len(notes), 'note')} from {pitch_name(min(pitches))} to {pitch_name(max(pitches))}"


def _playback_rows(parts: Sequence[tuple[Sequence[Note], float]]) -> str:
    """JSON rows: onset and length in beats, pitch, velocity, position between left (-1) and right (1).

    In the order of the roll's notes.
    """
    rows = [
        [round(note.onset_beats, 4), round(note.duration_beats, 4), note.pitch, note.velocity, pan]
        for notes, pan in parts
        for note in notes
    ]
    return json.dumps(rows, separators=(",", ":"))


def _in_base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _slug(text: str) -> str:
    """A file name that is valid on every system."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
