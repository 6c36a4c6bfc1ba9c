"""How much each table of notes over chords counts at each note of some songs, as a jam follows them; knows no corpus and no card."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from model.harmony.preference.song_strengths import TABLES, SongListener

SONG_SPREAD = 0.45
"""How much the strength of a table differs from song to song. Found by leaving out a fifth of the songs of openewld_pd, five times, and on its
validation side: 0.22 and 0.32 are worse, 0.58 is as good where a song is followed without a memory, and worse beside one."""


def followed_strengths(
    network: Tensor, by_table: Tensor, targets: Tensor, starts: Tensor, song_spread: float = SONG_SPREAD
) -> Tensor:
    """The strength of each table before each note, shape (notes, tables); all 1 at the start of each song.

    `network` is the network's forecast, as logarithms, shape (notes, pitches), `by_table` what each table gives, shape (notes, tables, pitches),
    and `targets` the indices of the pitches that came, shape (notes,); `starts` says which notes begin a song, shape (notes,).
    """
    strengths = np.ones((len(targets), TABLES))
    song = SongListener.at_start()
    rows = zip(network.numpy(), by_table.numpy(), targets.tolist(), starts.tolist(), strengths, strict=True)
    for forecast, tables, target, is_start, found in rows:
        if is_start:
            song = SongListener.at_start()
        found[:] = song.strengths(song_spread) or found
        song = song.hear(forecast, tables, target)
    return torch.from_numpy(strengths)


def of_tables(tables: Sequence[Tensor], entries: Sequence[Tensor]) -> Tensor:
    """What each table gives each pitch, as logarithms, shape (notes, tables, pitches); `entries` are each of shape (notes, pitches)."""
    return torch.stack([table[at] for table, at in zip(tables, entries, strict=True)], 1)
