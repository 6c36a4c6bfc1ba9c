"""A phrase as the judge measures it: onset by onset, in ticks from its first bar line; knows no model."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise

import numpy as np

from model.files.time_signature import TimeSignature
from model.notes import CHORD_BEATS, Note, in_onset_order

TICKS_PER_BEAT = 24
# A time between onsets that is this many times the median ends a phrase.
BREATH_GAPS = 2.0


@dataclass(frozen=True)
class JudgedPhrase:
    """Notes between two bar lines. Of a chord the highest note counts; `notes` are in onset order, from beat 0 on."""

    notes: tuple[Note, ...]
    length_beats: float
    meter: TimeSignature
    goes_on: bool = False
    """Whether more music follows, as in an excerpt of a piece. An answer ends with its last note."""

    @classmethod
    def of(
        cls,
        notes: Sequence[Note],
        start_beats: float,
        until_beats: float,
        meter: TimeSignature,
        *,
        goes_on: bool = False,
    ) -> "JudgedPhrase":
        """The notes of an answer or of real music that begin within this span."""
        moved = [
            Note(note.pitch, note.onset_beats - start_beats, note.duration_beats, note.velocity)
            for note in in_onset_order(notes)
            if note.onset_beats < until_beats
        ]
        return cls(tuple(moved), until_beats - start_beats, meter, goes_on)

    @cached_property
    def top_notes(self) -> tuple[Note, ...]:
        """The highest note at each onset."""
        tops: list[Note] = []
        onset_beats = -np.inf
        for note in self.notes:
            if note.onset_beats - onset_beats >= CHORD_BEATS:
                onset_beats = note.onset_beats
                tops.append(note)
            elif note.pitch > tops[-1].pitch:
                tops[-1] = note
        return tuple(tops)

    @cached_property
    def pitches(self) -> tuple[int, ...]:
        """Of the top notes."""
        return tuple(note.pitch for note in self.top_notes)

    @cached_property
    def intervals(self) -> tuple[int, ...]:
        """From each top note to the next, in semitones."""
        return tuple(after - before for before, after in pairwise(self.pitches))

    @cached_property
    def ticks(self) -> tuple[int, ...]:
        """The onsets, rounded to 1/24 beat; rising, though two may be equal."""
        return tuple(max(round(note.onset_beats * TICKS_PER_BEAT), 0) for note in self.top_notes)

    @cached_property
    def gaps(self) -> tuple[int, ...]:
        """From each onset to the next, in ticks."""
        return tuple(after - before for before, after in pairwise(self.ticks))

    @cached_property
    def last_gap(self) -> int:
        """From the last onset to the end, in ticks."""
        return max(round(self.length_beats * TICKS_PER_BEAT) - self.ticks[-1], 0)

    @cached_property
    def last_phrase_end(self) -> int | None:
        """The index of the last onset that ends a phrase, None where there is none.

        A phrase ends before a breath: where the next onset is a beat away or more, and twice as far as usual. That of an excerpt's last
        onset is at least as far away as the end of the excerpt.
        """
        if not self.goes_on:
            return len(self.ticks) - 1
        breath = max(BREATH_GAPS * float(np.median(self.gaps)), TICKS_PER_BEAT) if self.gaps else 0.0
        return max((index for index, gap in enumerate((*self.gaps, self.last_gap)) if gap >= breath), default=None)

    @property
    def bar_ticks(self) -> int:
        return round(self.meter.beats_per_bar * TICKS_PER_BEAT)

    @cached_property
    def bar_rhythms(self) -> tuple[tuple[int, ...], ...]:
        """The places of the onsets in each bar that has one."""
        bar = self.bar_ticks
        return tuple(
            tuple(tick % bar for tick in of_bar) for _, of_bar in groupby(self.ticks, lambda tick: tick // bar)
        )

    def rhythm_motifs(self, onsets: int, *, with_place: bool) -> list[tuple[int, ...]]:
        """Each run of this many onsets as the gaps between them; on request with the place of the first one in its bar."""
        starts = range(len(self.ticks) - onsets + 1)
        return [
            (*((self.ticks[i] % self.bar_ticks,) if with_place else ()), *self.gaps[i : i + onsets - 1]) for i in starts
        ]

    @cached_property
    def rest_share(self) -> float:
        """The share of the time in which nothing sounds."""
        sounding, end_beats = 0.0, 0.0
        for note in self.notes:
            until_beats = min(note.end_beats, self.length_beats)
            sounding += max(until_beats - max(note.onset_beats, end_beats), 0.0)
            end_beats = max(end_beats, until_beats)
        return max(1.0 - sounding / self.length_beats, 0.0)

    @cached_property
    def held_shares(self) -> tuple[float, ...]:
        """How much of the time to the next onset, or to the end, each top note sounds; at most 1."""
        onsets = [*(note.onset_beats for note in self.top_notes), self.length_beats]
        return tuple(
            min(note.duration_beats / (after - before), 1.0)
            for note, (before, after) in zip(self.top_notes, pairwise(onsets), strict=True)
            if after > before
        )

    @property
    def beat_ticks(self) -> int:
        """The beat that is felt: a dotted quarter in 6/8, 9/8 and 12/8, and in other meters the lower number."""
        whole = 4 * TICKS_PER_BEAT
        is_compound = self.meter.denominator == 8 and self.meter.numerator % 3 == 0
        return 3 * whole // 8 if is_compound else max(whole // self.meter.denominator, 1)
