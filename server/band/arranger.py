"""The arranger: what bass, chords and drums play in one bar of a chart; deterministic, no state but the lines so far, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from bridge.timing.meter import Meter
from model.harmony.changes import Changes, ChordSpan
from model.harmony.chord import Chord
from server.band.band_note import BandNote
from server.band.bass import BassBeat, BassNote, root_and_fifth, walk
from server.band.drums import DrumBar, drum_notes
from server.band.pulses import BarPulses, bar_pulses
from server.band.voicing import Voicing, voice_chord
from server.controls.choices import BandParts, Feel

TRIPLET_SWING, STRAIGHT = 2 / 3, 0.5
BASS_VELOCITY, CHORDS_VELOCITY = 88, 58
# Where chords are struck within a bar, by pulses: where, and for how long; one of each list is chosen for each bar.
COMPING: dict[Feel, tuple[tuple[tuple[float, float], ...], ...]] = {
    "swing": (((0.0, 1.4), (1.5, 0.4)), ((0.0, 0.5), (1.5, 1.4)), ((0.0, 1.8),), ((1.5, 0.5), (3.0, 0.8)), ((0.0, 0.4), (2.5, 0.4))),
    "straight": (((0.0, 1.9), (2.0, 1.9)), ((0.0, 2.9), (3.0, 0.9))),
    "rock": (((0.0, 1.4), (1.5, 0.4), (2.0, 1.8)), ((0.0, 0.9), (1.0, 0.9), (2.0, 0.9), (3.0, 0.9))),
    "bossa": (((0.0, 0.4), (1.5, 0.4), (3.0, 0.4)), ((0.5, 0.4), (1.5, 0.9), (3.0, 0.4)), ((0.0, 0.4), (1.0, 0.4), (2.5, 1.0))),
    "waltz": (((1.0, 0.6), (2.0, 0.6)), ((1.0, 1.6),)),
}  # fmt: skip
# Where the bass plays within a bar, by pulses, in the feels that do not walk.
BASS_PLACES: dict[Feel, tuple[tuple[float, float], ...]] = {
    "straight": ((0.0, 1.8), (2.0, 1.8)),
    "rock": ((0.0, 0.9), (0.5, 0.4), (1.0, 0.9), (2.0, 0.9), (2.5, 0.4), (3.0, 0.9)),
    "bossa": ((0.0, 1.4), (1.5, 0.4), (2.0, 1.4), (3.5, 0.4)),
    "waltz": ((0.0, 1.8), (2.0, 0.8)),
}
STRUCK_AT_LEAST_BEATS = 0.25


def _pattern_pulses(feel: Feel) -> int:
    """How many pulses the patterns of a feel have; a longer bar begins them again: 5/4 is four and one."""
    return 3 if feel == "waltz" else 4


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar to be played: its first beat, and its number in the song. `begins_form` and `ends_form`: the first and the last of a form, which the drums mark."""

    start_beats: float
    number: int
    begins_form: bool = False
    ends_form: bool = False


class Arranger:
    """Plays bars one after another. The same seed and the same bars in the same order give the same notes."""

    def __init__(self, random_seed: int) -> None:
        self._random_seed = random_seed
        self._voicing: Voicing = ()
        self._bass: BassNote | None = None

    def notes(
        self, bar: Bar, changes: Changes, meter: Meter, parts: BandParts, feel: Feel, swing: float = STRAIGHT
    ) -> list[BandNote]:
        """The notes of a bar, by onset. The feels swing and waltz take a straight `swing` as a triplet's."""
        random = Random(f"{self._random_seed} band {bar.number}")
        if feel in {"swing", "waltz"}:
            swing = swing if swing > STRAIGHT else TRIPLET_SWING
        pulses = bar_pulses(meter, swing)
        spans = _spans(changes, bar.start_beats, pulses.bar_beats)
        notes = self._bass_notes(bar, spans, pulses, feel, random)
        if parts in {"bass+chords", "full"}:
            notes += self._chord_notes(bar, spans, pulses, feel, random)
        if parts == "full":
            drum_bar = DrumBar(pulses, bar.number, random)
            drums = drum_notes(drum_bar, feel, begins_form=bar.begins_form, ends_form=bar.ends_form)
            notes += [replace(note, onset_beats=bar.start_beats + note.onset_beats) for note in drums]
        return sorted(notes, key=lambda note: (note.onset_beats, note.channel, note.pitch))

    def _bass_notes(
        self, bar: Bar, spans: Sequence[ChordSpan], pulses: BarPulses, feel: Feel, random: Random
    ) -> list[BandNote]:
        if feel == "swing":
            ends = (*pulses.onsets_beats[1:], pulses.bar_beats)
            written = [(at, (end - at) * 0.92) for at, end in zip(pulses.onsets_beats, ends, strict=True)]
        else:
            written = list(pulses.spread(BASS_PLACES[feel], _pattern_pulses(feel)))
        beats = pulses.bar_beats
        places = _bass_beats(bar.start_beats, beats, [(at, length) for at, length in written if at < beats], spans)
        if feel == "swing":
            played = walk(places, self._bass, random)
        else:
            played = root_and_fifth(places, None if self._bass is None else self._bass.pitch, feel, random)
        if played:
            self._bass = played[-1]
        return [
            BandNote("bass", note.pitch, note.onset_beats, note.duration_beats, BASS_VELOCITY + random.randint(-6, 6))
            for note in played
        ]

    def _chord_notes(
        self, bar: Bar, spans: Sequence[ChordSpan], pulses: BarPulses, feel: Feel, random: Random
    ) -> list[BandNote]:
        pattern = random.choice(COMPING[feel])
        struck = [(bar.start_beats + at, length) for at, length in pulses.spread(pattern, _pattern_pulses(feel))]
        end_beats = bar.start_beats + pulses.bar_beats
        struck = [(at, length) for at, length in struck if at < end_beats - STRUCK_AT_LEAST_BEATS]
        for span in spans:
            # A chord that no stroke falls on is struck where it begins: every change is heard.
            begins = max(span.start_beats, bar.start_beats)
            if span.chord and not any(begins <= at < span.end_beats for at, _ in struck):
                struck.append((begins, min(span.end_beats, end_beats) - begins))
        notes: list[BandNote] = []
        for at, length in sorted(struck):
            struck_span = _span_at(spans, at)
            if struck_span is None or struck_span.chord is None:
                continue
            self._voicing = voice_chord(struck_span.chord, self._voicing)
            sounding = min(length, struck_span.end_beats - at)
            velocity = CHORDS_VELOCITY + random.randint(-6, 6)
            notes += [BandNote("chords", pitch, at, sounding, velocity) for pitch in self._voicing]
        return notes


def _spans(changes: Changes, start_beats: float, beats: float) -> list[ChordSpan]:
    """The chords of a bar in order; a beat where none is known is skipped."""
    spans: list[ChordSpan] = []
    at = start_beats
    while at < start_beats + beats - 1e-6:
        span = changes.at(at)
        if span is None:
            at += 1.0
            continue
        spans.append(span)
        at = max(span.end_beats, at + 1e-3)
    return spans


def _span_at(spans: Sequence[ChordSpan], beat: float) -> ChordSpan | None:
    return next((span for span in spans if span.start_beats <= beat + 1e-6 < span.end_beats), None)


def _bass_beats(
    start_beats: float, beats: float, written: Sequence[tuple[float, float]], spans: Sequence[ChordSpan]
) -> list[BassBeat]:
    """The places of the bass with their chords: the written ones, and one more at each change between them."""
    onsets = {start_beats + at: length for at, length in written}
    for span in spans:
        begins = max(span.start_beats, start_beats)
        if not any(abs(begins - at) < 1e-6 for at in onsets):
            onsets[begins] = 1.0
    in_order = sorted(onsets)
    places: list[BassBeat] = []
    for index, at in enumerate(in_order):
        place = _span_at(spans, at)
        if place is None or place.chord is None:
            continue
        following = in_order[index + 1] if index + 1 < len(in_order) else start_beats + beats
        upcoming: Chord | None = place.next_chord
        leads = upcoming is not None and abs(place.end_beats - following) < 1e-6
        places.append(
            BassBeat(
                at,
                min(onsets[at], following - at, place.end_beats - at),
                place.chord,
                abs(place.start_beats - at) < 1e-6,
                upcoming.bass if leads and upcoming is not None else None,
            )
        )
    return places
