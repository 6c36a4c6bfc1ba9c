"""Which track of a file is the line to learn from and to answer; knows no file."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from model.notes import Note

# A lead-like track: long enough to be a line, one note at a time, in a singer's or soloist's register, no drums.
MIN_NOTES = 64
MONOPHONIC_SHARE = 0.9
MEDIAN_PITCH_RANGE = (52, 90)


def is_lead_line(
    onsets: npt.ArrayLike,
    pitches: npt.ArrayLike,
    min_notes: int = MIN_NOTES,
    min_monophonic_share: float = MONOPHONIC_SHARE,
) -> bool:
    """Whether a track with these onsets and pitches, both of shape (notes,), could be a lead: see the constants above."""
    if np.size(pitches) < max(min_notes, 1):
        return False
    middle = np.sort(np.asarray(pitches))
    median = (int(middle[(len(middle) - 1) // 2]) + int(middle[len(middle) // 2])) / 2
    if not MEDIAN_PITCH_RANGE[0] <= median <= MEDIAN_PITCH_RANGE[1]:
        return False
    in_order = np.sort(np.asarray(onsets))
    begins = np.ones(len(in_order) + 1, np.bool_)
    np.not_equal(in_order[1:], in_order[:-1], out=begins[1:-1])
    single = np.count_nonzero(begins[:-1] & begins[1:])
    return bool(single / np.count_nonzero(begins[:-1]) >= min_monophonic_share)


def is_lead_like(notes: Sequence[Note], min_notes: int = MIN_NOTES) -> bool:
    """`reads_as_lead` for notes."""
    return is_lead_line([note.onset_beats for note in notes], [note.pitch for note in notes], min_notes)


def find_lead(tracks: Sequence[Sequence[Note]]) -> Sequence[Note]:
    """The track to answer: the lead-like one with most notes, else the one with most notes, drums left out before.

    A seed may be short, so its length is no condition. Raises ValueError without any track.
    """
    lead_like = [track for track in tracks if is_lead_like(track, min_notes=1)]
    return max(lead_like or tracks, key=len)
