"""What can be wrong with music files and packs, each said in one sentence; the whole tree of this room.

ModelError
├── SeedError      a MIDI file cannot serve as music to read
├── PackError      a pack is missing, damaged, of another version, or does not fit together
├── MemoryFileError  what was remembered is missing, damaged, or of another vocabulary
└── PictureError   a picture cannot be drawn, as what draws it is not installed
"""


class ModelError(Exception):
    """The root: its text is one sentence for the musician."""


class SeedError(ModelError):
    """A MIDI file is missing, is no MIDI file, is cut off, or holds no notes."""


class PackError(ModelError):
    """A pack is missing, damaged, of another version, or its parts do not fit together."""


class MemoryFileError(ModelError):
    """A remembered file is missing, damaged, of another version, or was heard with another vocabulary."""


class PictureError(ModelError):
    """A picture cannot be drawn: what draws it is not installed."""
