"""What holds where nobody says otherwise, for those who must not import more than numbers: command lines start quickly."""

# Of a memory's say, from 0 to 1: the measure that its back-off was fitted at (`model.memory.backoff`).
FITTED_STRENGTH = 0.5
# How many successive intervals of the player's an answer may repeat (`model.improvising.novelty`).
MAX_REPEATED_INTERVALS = 8
