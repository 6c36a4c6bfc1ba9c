"""The closed sets of values that controls accept, as types, and the limits of swing and gate.

They are declared here, below every package that uses them, so that the table of controls imports none of those packages.
"""

from typing import Literal

ModeName = Literal["answer", "fours", "continuous", "listen"]
TurnOwner = Literal["player", "partner"]
StartOn = Literal["now", "beat", "bar"]
OverlapRule = Literal["yield", "overlap"]
ClockChoice = Literal["auto", "internal", "midi", "link"]
PositionUnit = Literal["auto", "16ths", "ticks"]
TempoFrom = Literal["control", "phrase", "live"]
LearnFrom = Literal["player", "both"]
RhythmFrom = Literal["fixed", "phrase", "varied"]
FeelFrom = Literal["pack", "player"]
Switch = Literal["off", "on"]
Quantize = Literal["off", "1/4", "1/8", "1/16", "1/32", "1/4t", "1/8t", "1/16t"]
BandParts = Literal["off", "bass", "bass+chords", "full"]
Feel = Literal["straight", "swing", "bossa", "rock", "waltz"]
ChordsFrom = Literal["chart", "channel", "below", "phrase", "off"]

METERS = ("4/4", "3/4", "2/4", "5/4", "6/4", "7/4", "2/2", "3/8", "5/8", "6/8", "7/8", "9/8", "12/8")

# Swing is the share of a pair of eighths that the first one lasts; gate is the share of its length that a note sounds.
STRAIGHT_SWING, MAX_SWING = 0.5, 0.75
MIN_GATE, MAX_GATE = 0.05, 1.5
