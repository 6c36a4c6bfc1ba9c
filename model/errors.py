"""The errors of the model: what can be wrong with music files, packs, memory files and pictures. Each message is one sentence.

ModelError
├── SeedError      a MIDI file cannot be used as a seed
├── PackError      a pack is missing, damaged, of another version, or does not fit together
├── MemoryFileError  a memory file is missing, damaged, or of another vocabulary
└── PictureError   a picture cannot be drawn, as matplotlib is not installed
"""


class ModelError(Exception):
    """The base class. Its text is one sentence for the musician."""


class SeedError(ModelError):
    """A MIDI file is missing, is no MIDI file, is cut off, or holds no notes."""


class PackError(ModelError):
    """A pack is missing, damaged, of another version, or its parts do not fit together."""


class MemoryFileError(ModelError):
    """A memory file is missing, damaged, of another version, or belongs to another vocabulary."""


class PictureError(ModelError):
    """A picture cannot be drawn: matplotlib is not installed."""
