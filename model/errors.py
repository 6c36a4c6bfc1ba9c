"""The errors of the model: what can be wrong with music files, packs, memory files and pictures. Each message is one sentence.

ModelError
├── SeedError      a file cannot serve as music to answer
├── UnreadableError  a file's content is no music; the text follows the file's name
│   └── MissingLibraryError  or what would read it is not installed
├── PackError      a pack is missing, damaged, of another version, or does not fit together
├── ChordError     a text is no chord symbol
├── ChartError     a chart is missing, empty, or nothing that can be read as one
├── MemoryFileError  a memory file is missing, damaged, or of another vocabulary
├── BrokenForecast  a network's forecast is not a number
└── PictureError   a picture cannot be drawn, as matplotlib is not installed
"""


class ModelError(Exception):
    """The base class. Its text is one sentence for the musician."""


class SeedError(ModelError):
    """A music file is missing, is not one, or holds no notes to answer."""


class UnreadableError(ModelError):
    """A file's content cannot be read as music. Its text follows the file's name in a sentence: "holds no notes"."""


class MissingLibraryError(UnreadableError):
    """A file's content could be read by a library that is not installed."""


class PackError(ModelError):
    """A pack is missing, damaged, of another version, or its parts do not fit together."""


class ChordError(ModelError):
    """A text is no chord symbol."""


class ChartError(ModelError):
    """A chart is missing, is empty, or cannot be read as one."""


class MemoryFileError(ModelError):
    """A memory file is missing, damaged, of another version, or belongs to another vocabulary."""


class BrokenForecast(ModelError):
    """A network's forecast is not a number, or infinite. What was heard and played so far is not affected."""


class PictureError(ModelError):
    """A picture cannot be drawn: matplotlib is not installed."""


def cut_short(text: str, longest: int) -> str:
    """A text that someone wrote, cut so that it fits into a sentence: `longest` characters at most, and an ellipsis."""
    return text if len(text) <= longest else f"{text[:longest]}…"
