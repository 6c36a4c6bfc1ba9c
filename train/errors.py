"""What can be wrong with a corpus or a training run, each said in one sentence; the whole tree of this room."""


class TrainError(Exception):
    """The root: its text is one sentence for the person who trains."""


class CorpusError(TrainError):
    """No music to train on: the folder is missing, holds no file of music, or none that can be read."""


class OutputError(TrainError):
    """The pack cannot be written where it was asked for."""


class CheckpointError(TrainError):
    """A checkpoint that this training cannot go on from: cut off, of another version, or of another training."""


class RecipeError(TrainError):
    """Settings that do not go together, or that no network learns by."""
