"""Tells leads, the lines of a song to learn from or to answer, from its other tracks; knows no files."""

import numpy as np
import numpy.typing as npt

# A lead is long enough to be a melody, has one note at a time, and lies in a singer's or soloist's register.
MIN_NOTES = 64
MONOPHONIC_SHARE = 0.9
MEDIAN_PITCH_RANGE = (52, 90)


def is_lead_line(
    onsets: npt.ArrayLike,
    pitches: npt.ArrayLike,
    min_notes: int = MIN_NOTES,
    min_monophonic_share: float = MONOPHONIC_SHARE,
) -> bool:
    """Whether a track with these onsets and pitches, both of shape (notes,), could be a lead, by the constants above."""
    by_pitch = np.array(pitches)
    count = len(by_pitch)
    if count < max(min_notes, 1):
        return False
    by_pitch.sort(kind="stable")  # the quickest for bytes, and for onsets that are in order already
    median = (int(by_pitch[(count - 1) // 2]) + int(by_pitch[count // 2])) / 2
    if not MEDIAN_PITCH_RANGE[0] <= median <= MEDIAN_PITCH_RANGE[1]:
        return False
    in_order = np.array(onsets)
    in_order.sort(kind="stable")
    is_later = in_order[1:] != in_order[:-1]
    # A note is single if it is later than the one before, and the one after is later.
    single = np.count_nonzero(is_later[1:] & is_later[:-1]) + (int(is_later[0]) + int(is_later[-1]) if count > 1 else 1)
    return bool(single / (np.count_nonzero(is_later) + 1) >= min_monophonic_share)
