"""`SongListener`: how closely a song keeps to each table of notes over chords, from the notes heard so far; knows no network and no file.

Songs differ more in how closely their melodies keep to the chords than in how they do so. So the strength of each table is taken to differ from song to song,
by the pack's `song_spread` about 1. After each note it is the likeliest one: the forecast is a log-linear model of the strengths, and one step of
Newton's method from 1 finds it.
"""

from dataclasses import dataclass

import numpy as np

from model.harmony.preference.chord_preference import SongStrengths, Weights

TABLES = 3
LEAST, MOST = 0.0, 2.0
"""No strength leaves these bounds, whatever was heard."""
KEPT = 0.995
"""What counts of a note when the next one has come: half of it after 140 notes. So a long jam follows what is played now."""


@dataclass(frozen=True, slots=True, eq=False)
class SongListener:
    """What was heard of a song: one value for each state, so that a plan can be taken back.

    `pull`, shape (tables,), is how much more of each table the heard notes had than was expected of them, and `certainty`, shape (tables, tables),
    how much the expected amounts vary.
    """

    pull: Weights
    certainty: Weights

    @classmethod
    def at_start(cls) -> "SongListener":
        """The listener that has heard nothing."""
        return cls(np.zeros(TABLES), np.zeros((TABLES, TABLES)))

    def hear(self, network: Weights, by_table: Weights, heard: int) -> "SongListener":
        """The listener after one more note that has a chord.

        `network` is the network's forecast of each pitch as a logarithm, shape (pitches,), `by_table` what each table gives
        it, shape (tables, pitches), and `heard` the index of the pitch that came.
        """
        p = by_table[0] + by_table[1]
        p += by_table[2]
        p += network
        p -= p.item(p.argmax())
        np.exp(p, p)
        p /= p.dot(np.ones_like(p))
        expected = by_table.dot(p)
        spread = (by_table * p).dot(by_table.T) - expected[:, None] * expected
        return SongListener(KEPT * self.pull + by_table[:, heard] - expected, KEPT * self.certainty + spread)

    def strengths(self, song_spread: float) -> SongStrengths | None:
        """How much each table counts in this song; None for as much as in all songs, before the first note or where songs do not differ."""
        if song_spread == 0.0 or not self.certainty.any():
            return None
        prior = np.eye(TABLES) / song_spread**2
        place, upcoming, interval = np.clip(1.0 + np.linalg.solve(self.certainty + prior, self.pull), LEAST, MOST)
        return float(place), float(upcoming), float(interval)
