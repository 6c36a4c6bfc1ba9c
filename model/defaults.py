"""Default values of the model that a command line shows; imports nothing, so that commands start quickly."""

# The tempo where nothing gives another one, as MIDI files have it ("Standard MIDI Files 1.0", Set Tempo).
DEFAULT_TEMPO_BPM = 120.0
# How daring a choice of notes is, and the share of the probability that is kept: those of a jam, which `fours compare` has too.
DEFAULT_TEMPERATURE = 1.0
DEFAULT_TOP_P = 0.98
# The weight of a memory, from 0 to 1: the strength that its back-off was fitted at (`model.memory.backoff`).
FITTED_STRENGTH = 0.5
# How much of an answer is free of quotes of the player, from 0 to 1 (`model.improvising.novelty`).
DEFAULT_NOVELTY = 0.25
# How much an answer keeps to the chords, from 0 to 1: the value at which the factor of the chords was fitted.
FITTED_HARMONY = 0.5
# The default in a jam. Answers then keep to the chords more than a song's melody does on average, and as much as one
# does on strong beats: see docs/changes.md.
PLAYED_HARMONY = 0.75
