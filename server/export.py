"""Offline answers: drives a `Jam` from a file instead of a clock; writes `.mid` files and pictures, opens no port."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from bridge.midi.messages import NoteOff, NoteOn
from bridge.timing.meter import COMMON_TIME, Meter
from bridge.timing.timeline import Timeline
from model.files.charts.chart_source import read_chart
from model.files.midi.midi_writer import as_midi
from model.files.piano_roll import check_matplotlib, draw_piano_roll
from model.files.seed import Seed, read_seed, seed_notice
from model.files.song import Marker, Track
from model.files.tempo import TempoChange
from model.files.time_signature import TimeSignature, bar_line_at_or_after, meter_at
from model.harmony.chart import Chart
from model.harmony.chord_markers import changes_between, marker_text
from model.notes import Note
from model.whole_file import write_whole
from server.band.band_note import BAND_CHANNELS, BAND_PROGRAMS
from server.band.band_song import notes_of_band
from server.config.config import Config
from server.controls.control_table import Settings
from server.errors import ExportError
from server.jam.jam import Jam
from server.jam.jam_output import TimedMessage
from server.music.packs.pack_loader import LoadedPack, load_pack
from server.music.seed_player import as_messages
from server.out_file import MIDI_SUFFIXES, PICTURE_SUFFIXES, check_out, write_errors_translated

SEED_TRACK, ANSWER_TRACK = "Seed", "Answer"
# A seed that ends no later than this after a bar line belongs to the bar before it.
BAR_TOLERANCE_BEATS = 1 / 16


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to export: the seed, the files to write, and the number of answers.

    With `answer_only` the seed is left out of the files. `piano_roll` is the picture to draw, if any. Answer number n,
    from 0, uses `random_seed` + n.
    """

    seed: Path
    out: Path
    count: int = 1
    answer_only: bool = False
    piano_roll: Path | None = None
    random_seed: int = 0


def export_answers(
    request: ExportRequest, config: Config, *, own_tempo: bool, say: Callable[[str], None] = lambda _: None
) -> Iterator[Path]:
    """Writes each answer and its picture, and yields each path as soon as its file is complete.

    The files have the tempo of the seed, or with `own_tempo` that of the configuration. `say` is given one sentence about
    what of the seed's file was left out, if anything was. Equal requests and configurations give equal bytes. Raises
    SeedError, PackError, PictureError without matplotlib, and ExportError if a file cannot be written.
    """
    check_out(request.out, MIDI_SUFFIXES, "answer.mid")
    if request.piano_roll is not None:
        check_out(request.piano_roll, PICTURE_SUFFIXES, "answer.png")
        check_matplotlib()
    if _is_same_file(request.out, request.seed):
        raise ExportError(f"{request.out} is the seed itself; choose another place for the answer")
    seed = read_seed(request.seed)
    if seed.remarks:
        say(seed_notice(request.seed, seed))
    settings = config.settings
    tempo_bpm = settings.tempo if own_tempo else seed.tempo_bpm
    loaded_pack = load_pack(settings.pack, config)
    chart = read_chart(settings.chart)
    for remark in () if chart is None else _remarks_of(chart, seed):
        say(f"The chart: {remark}")
    for number in range(request.count):
        timeline = timeline_of(seed, tempo_bpm, _answer_start(seed))
        jam = jam_for_answer(loaded_pack, settings, request.random_seed + number, timeline)
        if chart is not None:
            # The bars of the chart are those of the seed, which begins on a bar line.
            jam.set_timeline(Timeline.start(tempo_bpm, meter=meter_for_jam(seed.meter)), 0.0)
            jam.set_chart(chart, 0.0)
        answer = answer_to(seed, jam)
        markers = _chord_markers(jam, answer)
        band = _band_tracks(jam, meter_for_jam(seed.meter), answer, settings, request.random_seed + number)
        start_beats = _answer_start(seed)
        if request.answer_only:
            first_beat = min(note.onset_beats for note in answer)
            tracks = [Track(ANSWER_TRACK, [_shifted(note, -first_beat) for note in answer], seed.program)]
            tracks += [replace(track, notes=_notes_from(first_beat, track.notes)) for track in band]
            its_meter = meter_at(start_beats, seed.bars)
            content = as_midi(tracks, tempo_bpm, its_meter, markers=_markers_from(first_beat, markers))
        else:
            tracks = [Track(SEED_TRACK, seed.notes, seed.program), Track(ANSWER_TRACK, answer, seed.program), *band]
            tempi = () if own_tempo else _tempi_with_answer(seed, start_beats)
            content = as_midi(tracks, tempo_bpm, seed.meter, tempi, seed.meters, markers)
        out = _numbered(request.out, number, request.count)
        with write_errors_translated(out):
            write_whole(out, content)
        yield out
        if request.piano_roll is not None:
            picture = _numbered(request.piano_roll, number, request.count)
            with write_errors_translated(picture):
                draw_piano_roll(picture, tracks, seed.meter)
            yield picture


def _is_same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):  # one of them is not there, or cannot be
        return False


def _remarks_of(chart: Chart, seed: Seed) -> Iterator[str]:
    """What is said of the chart: what could not be read, and that its bars are those of the seed."""
    yield from chart.remarks
    meter = meter_for_jam(seed.meter)
    if chart.meter and chart.meter != str(meter):
        yield f"it is in {chart.meter}, and the seed in {meter}; its chords share the bars of the seed"


def _chord_markers(jam: Jam, answer: Sequence[Note]) -> list[Marker]:
    """The chords that the seed and its answer were played over, from the start to the answer's end; none without a chart."""
    changes = jam.status.changes
    if changes is None:
        return []
    until_beats = max((note.end_beats for note in answer), default=0.0)
    return [Marker(beat, marker_text(chord)) for beat, chord in changes_between(changes, 0.0, until_beats)]


def _band_tracks(jam: Jam, meter: Meter, answer: Sequence[Note], settings: Settings, random_seed: int) -> list[Track]:
    """A track for each instrument of the band, from the seed's first bar to the bar in which the answer ends; none without a chart."""
    changes = jam.status.changes
    if changes is None:
        return []
    bars = math.ceil(max((note.end_beats for note in answer), default=0.0) / meter.beats_per_bar - BAR_TOLERANCE_BEATS)
    band = list(notes_of_band(changes, meter, bars, settings, random_seed))
    found = []
    for instrument, channel in BAND_CHANNELS.items():
        # The seed and its answer have channels of their own; only that of drums is fixed.
        own = channel if instrument == "drums" else None
        notes = [Note(n.pitch, n.onset_beats, n.duration_beats, n.velocity) for n in band if n.instrument == instrument]
        if notes:
            found.append(Track(instrument.capitalize(), notes, BAND_PROGRAMS[instrument], own))
    return found


def _notes_from(first_beat: float, notes: Sequence[Note]) -> list[Note]:
    """The notes of a song that begins at `first_beat`."""
    return [_shifted(note, -first_beat) for note in notes if note.onset_beats >= first_beat]


def _markers_from(first_beat: float, markers: Sequence[Marker]) -> list[Marker]:
    """The markers of a song that begins at `first_beat`: the chord that sounds there is its first."""
    shifted = [Marker(max(marker.beat - first_beat, 0.0), marker.text) for marker in markers]
    return [marker for marker, after in zip_longest(shifted, shifted[1:]) if after is None or after.beat > 0.0]


def timeline_of(seed: Seed, tempo_bpm: float, start_beats: float) -> Timeline:
    """A timeline with the bars that the seed has where its answer starts, at one tempo."""
    meter = meter_for_jam(meter_at(start_beats, seed.bars))
    return Timeline.start(tempo_bpm, meter=meter).with_downbeat(start_beats)


def meter_for_jam(signature: TimeSignature) -> Meter:
    """The meter that a jam counts where a file has this one: the same, or 4/4 where no jam can play in it, as in 5/64."""
    try:
        return Meter(signature.numerator, signature.denominator)
    except ValueError:
        return COMMON_TIME


def jam_for_answer(loaded_pack: LoadedPack, settings: Settings, random_seed: int, timeline: Timeline) -> Jam:
    """A jam that answers when `answer_to` requests it and ends then, however long a rest in the seed is.

    It takes no turns of its own, has no band that would go on without end, and only the model that answers hears the seed.
    """
    improviser = loaded_pack.improvisers(timeline.tempo_bpm)[settings.approach]
    on_request = replace(settings, answer_after=math.inf, mode="answer", band="off")
    return Jam({settings.approach: improviser}, on_request, random_seed, timeline, counts_bars=True)


def answer_to(seed: Seed, jam: Jam, start_beats: float | None = None) -> list[Note]:
    """Plays the seed to the jam, and returns its answer, which starts at the bar line after the seed's end if not told where."""
    for beat, message in as_messages(seed.notes):
        jam.receive(message, beat)
    jam.act("respond", _answer_start(seed) if start_beats is None else start_beats)
    timed: list[TimedMessage] = []
    while True:
        while jam.has_work:
            jam.do_work()
        wake_beat = jam.wake_at()
        if wake_beat is None:
            return _as_notes(timed)
        timed += jam.advance(wake_beat)


def _answer_start(seed: Seed) -> float:
    return bar_line_at_or_after(seed.end_beats - BAR_TOLERANCE_BEATS, seed.bars)


def _tempi_with_answer(seed: Seed, start_beats: float) -> list[TempoChange]:
    """The changes of tempo in the seed; the answer is at the tempo that the seed began with."""
    changes = [change for change in seed.tempi if change.beat < start_beats]
    if changes and changes[-1].tempo_bpm != seed.tempo_bpm:
        changes.append(TempoChange(start_beats, seed.tempo_bpm))
    return changes


def _as_notes(timed: Iterable[TimedMessage]) -> list[Note]:
    notes: list[Note] = []
    sounding: dict[int, tuple[float, int]] = {}
    for item in timed:
        match item.message:
            case NoteOn(pitch, velocity):
                sounding[pitch] = (item.beat, velocity)
            case NoteOff(pitch) if pitch in sounding:
                onset_beats, velocity = sounding.pop(pitch)
                notes.append(Note(pitch, onset_beats, item.beat - onset_beats, velocity))
    return notes


def _shifted(note: Note, beats: float) -> Note:
    return replace(note, onset_beats=note.onset_beats + beats)


def _numbered(path: Path, number: int, count: int) -> Path:
    """`answer.mid`, or if there are several, `answer-1.mid`, `answer-2.mid` and so on; `number` counts from 0."""
    if count == 1:
        return path
    return path.with_stem(f"{path.stem}-{number + 1:0{len(str(count))}}")
