"""`ForecastPoint`: the place in an answer for which the next token is forecast, and what has been composed before it."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class ForecastPoint:
    """Where in an answer the next token stands. One object for each answer, changed as the answer goes on.

    `onset_beats` is the beat of the onset that is being composed, `end_beats` where its note ends, None where that is not known yet, and `chord` the pitches that begin there so far: a TIME token
    can only come after them. `place` is the onset's place in its bar, None where no bars are known, and `chord_place` its place among
    the chords (`model.harmony.changes`), empty where none is known. `network_weight` is the part of the forecast that the memory leaves to the network. `outline` holds the highest pitch of each
    earlier onset of the answer, and `onsets` the beats of these onsets; of a long answer the latest.
    """

    start_beats: float
    until_beats: float
    onset_beats: float
    chord: tuple[int, ...] = ()
    place: int | None = None
    chord_place: bytes = b""
    network_weight: float = 1.0
    outline: list[int] = field(default_factory=list)
    onsets: list[float] = field(default_factory=list)
    end_beats: float | None = None
