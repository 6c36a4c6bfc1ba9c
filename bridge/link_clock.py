"""Ableton Link."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LinkMoment:
    """Where a Link session is at one of our seconds."""

    at_s: float
    beat: float
    tempo_bpm: float
    is_playing: bool | None = None
    peers: int = 0
