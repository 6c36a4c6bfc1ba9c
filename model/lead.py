"""Which track of a file is the line to learn from and to answer; knows no file."""

from collections.abc import Sequence

import numpy as np

from model.notes import Note

# A lead-like track: long enough to be a line, one note at a time, in a singer's or soloist's register, no drums.
MIN_NOTES = 64
MONOPHONIC_SHARE = 0.9
MEDIAN_PITCH = (52, 90)


def monophonic_share(notes: Sequence[Note]) -> float:
    """The share of onsets that hold one note; 0.0 where there is none."""
    _, notes_at_onset = np.unique([note.onset_beats for note in notes], return_counts=True)
    return float((notes_at_onset == 1).mean()) if len(notes_at_onset) else 0.0


def is_lead_like(
    notes: Sequence[Note], min_notes: int = MIN_NOTES, min_monophonic_share: float = MONOPHONIC_SHARE
) -> bool:
    """Whether a track could be a lead: see the constants above."""
    if len(notes) < max(min_notes, 1):
        return False
    median_pitch = float(np.median([note.pitch for note in notes]))
    in_register = MEDIAN_PITCH[0] <= median_pitch <= MEDIAN_PITCH[1]
    return in_register and monophonic_share(notes) >= min_monophonic_share


def lead_of(tracks: Sequence[Sequence[Note]]) -> Sequence[Note]:
    """The track to answer: the lead-like one with most notes, else the one with most notes, drums left out before.

    A seed may be short, so its length is no condition. Raises ValueError without any track.
    """
    lead_like = [track for track in tracks if is_lead_like(track, min_notes=1)]
    return max(lead_like or tracks, key=len)
