"""Phrase ends and a touch for tests, with numbers like those of a pack."""

from model.phrasing.phrase_ends import PhraseEnds
from model.phrasing.phrasing import Phrasing
from model.phrasing.touch_profile import FEATURES, TouchProfile

ENDS = PhraseEnds(
    first_half=(0.03, 0.2, 0.5, 0.1, 0.6),
    second_half=(0.3, 0.6, 0.8, 0.7, 0.1),
    full_major=(2.5, 0.5, 0.8, 0.5, 0.8, 0.6, 0.4, 0.8, 0.5, 0.6, 0.5, 0.6),
    full_minor=(2.0, 0.5, 0.8, 0.9, 0.5, 0.6, 0.4, 1.1, 0.5, 0.6, 0.5, 0.6),
    half_major=(0.1, 0.5, 1.4, 0.5, 1.3, 1.0, 0.4, 1.7, 0.5, 1.0, 0.5, 0.8),
    half_minor=(0.1, 0.5, 1.0, 1.3, 0.5, 1.0, 0.4, 1.8, 0.9, 0.6, 0.5, 0.8),
    passing_weight=0.5,
    lengths_beats=(1.0, 1.5, 2.0, 2.0, 3.0, 4.0),
    breaths_beats=(0.0, 0.0, 0.5, 1.0),
)
PROFILE = TouchProfile((0.8, 0.4, *[0.0] * (len(FEATURES) - 2)), 4.0, ((0.9, 1.0),) * 5)
PHRASING = Phrasing(PROFILE, ENDS)
