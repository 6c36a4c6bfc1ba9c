"""The chart of a MIDI file: from markers that are chord symbols, or else from the notes of a track of chords."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from model.errors import ChartError
from model.files.lines import lines_of
from model.files.midi.midi_markers import read_markers
from model.files.score import FileScore, Part
from model.files.score_reader import score_of
from model.files.time_signature import COMMON_TIME, MeterChange, TimeSignature, pickup_beats
from model.harmony.chart import MAX_BARS, Chart, ChartBar
from model.harmony.chord import Chord
from model.harmony.chord_markers import chart_of_markers, could_be_sections
from model.harmony.chord_naming import FEWEST_PITCH_CLASSES, name_chord
from model.harmony.notations.chord_cells import other_meter

# A track of chords has at least this many onsets with three notes or more, and at least this share of its onsets.
FEWEST_CHORDS, CHORD_SHARE = 2, 0.6
# Chords that begin a little after a beat are meant on it; they are placed on sixteenths.
GRID_BEATS = 0.25

TimedChord = tuple[float, float, Chord]
"""Where a chord begins and where it ends, in beats, and the chord."""


def chart_of_midi(content: bytes) -> Chart:
    """The chart of a file. Raises UnreadableError where it is no MIDI file, ChartError where no track is one of chords."""
    score = score_of(content, ".mid")
    pickup = pickup_beats(score.meters)
    meters = score.meters[1:] if pickup else score.meters
    meter = meters[0].meter if meters else COMMON_TIME
    ahead_beats = meter.beats_per_bar - pickup if pickup else 0.0
    markers = [(beat + ahead_beats, text) for beat, text in read_markers(content)]
    until_beats = score.last_tick / score.ticks_per_beat + ahead_beats
    marked = chart_of_markers(markers, meter.beats_per_bar, until_beats)
    part = chord_part(score)
    meter_name = f"{meter.numerator}/{meter.denominator}"
    remarks = tuple(_of_other_meters(meters, meter, ahead_beats))
    if marked is not None and (part is None or not could_be_sections(marked)):
        return replace(marked, meter=meter_name, remarks=remarks)
    if part is None:
        raise ChartError(
            "the MIDI file has no markers that are chords, and no track of chords: notes that begin three or more at a time"
        )
    bars: list[tuple[list[float], list[Chord | None]]] = []
    last: Chord | None = None
    timed = list(chords_of(part, score.ticks_per_beat))
    # Until the last chord ends: a song's rest after it is no part of the form.
    count = int((max(end for _, end, _ in timed) + ahead_beats - GRID_BEATS) // meter.beats_per_bar) + 1
    bars = [([], []) for _ in range(min(max(count, 1), MAX_BARS))]
    for start, _, chord in timed:
        placed = round((start + ahead_beats) / GRID_BEATS) * GRID_BEATS
        bar, into_bar = divmod(placed, meter.beats_per_bar)
        if int(bar) < len(bars):
            bars[int(bar)][0].append(into_bar)
            bars[int(bar)][1].append(chord)
    filled = []
    for starts, chords in bars:
        if not starts or starts[0] > 0.0:
            starts.insert(0, 0.0)
            chords.insert(0, last)
        last = chords[-1]
        filled.append(ChartBar(tuple(chords), tuple(starts) if len(starts) > 1 else ()))
    return Chart(tuple(filled), meter=meter_name, remarks=remarks)


def _of_other_meters(meters: Sequence[MeterChange], meter: TimeSignature, ahead_beats: float) -> Iterator[str]:
    """What is said where the meter changes: once, for the first change."""
    other = next((change for change in meters if change.meter != meter), None)
    if other is not None:
        bar = int((other.beat + ahead_beats) // meter.beats_per_bar) + 1
        name = f"{other.meter.numerator}/{other.meter.denominator}"
        yield other_meter(bar, name, f"{meter.numerator}/{meter.denominator}")


def chord_part(score: FileScore) -> Part | None:
    """The line of a score that is its chord track: the one with the most chords, in which chords are most of the onsets."""
    found: tuple[int, Part] | None = None
    for line in lines_of(score):
        sizes = [len(set(pitches)) for _, _, pitches in _onsets(line)]
        chords = sum(size >= FEWEST_PITCH_CLASSES for size in sizes)
        if not line.is_drums and chords >= max(FEWEST_CHORDS, CHORD_SHARE * len(sizes)):
            found = max(found or (0, line), (chords, line), key=lambda pair: pair[0])
    return found[1] if found else None


def chords_of(part: Part, ticks_per_beat: float) -> Iterator[TimedChord]:
    """The chords of a track in order; onsets that make no chord are left out."""
    for start, end, pitches in _onsets(part):
        chord = name_chord(pitches)
        if chord is not None:
            yield start / ticks_per_beat, end / ticks_per_beat, chord


def _onsets(part: Part) -> Iterator[tuple[int, int, list[int]]]:
    """For each onset: its tick, the last end and the pitches of what begins there."""
    start, end = -1, 0
    pitches: list[int] = []
    for tick, note_end, pitch in zip(part.tick.tolist(), part.end.tolist(), part.pitch.tolist(), strict=True):
        if tick != start and pitches:
            yield start, end, pitches
            pitches, end = [], 0
        start, end = tick, max(end, note_end)
        pitches.append(pitch)
    if pitches:
        yield start, end, pitches
