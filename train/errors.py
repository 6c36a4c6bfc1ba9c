"""All errors of this room: what can be wrong with a corpus or a training, each with a text of one sentence."""


class TrainError(Exception):
    """The root of the tree; its text is one sentence for the user who trains."""


class CorpusError(TrainError):
    """No music to train on: the folder is missing, holds no file of music, or none that can be read."""


class OutputError(TrainError):
    """A file or folder cannot be written at the requested place."""


class CheckpointError(TrainError):
    """A checkpoint that cannot be resumed from: cut off, of another version, or of another training."""


class RecipeError(TrainError):
    """Settings that contradict each other, or with which no network learns."""
