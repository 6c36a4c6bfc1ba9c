"""Something small to learn: one exercise in several keys, prepared for the trainer."""

from collections.abc import Sequence
from pathlib import Path

from model.engines.network_shape import Hyperparameters
from model.tokens.vocabulary import Vocabulary
from tests.music import exercise
from train.corpus.corpora import Line
from train.corpus.dataset import pieces_in_memory, pitch_vocabulary
from train.learning.recipe import Recipe
from train.learning.trainer import LearningTask, Outcome

TUNES = [Line.of(Path(f"{key}.mid"), exercise(key=key)) for key in range(57, 65)]
HELD_OUT = [Line.of(Path("held out.mid"), exercise(key=65, start=3))]
VOCABULARY = pitch_vocabulary(TUNES)
SMALL = Hyperparameters(embedding=8, hidden=16, layers=1, dropout=0.0)
DROPPED_OUT = Hyperparameters(embedding=8, hidden=16, layers=2, dropout=0.2)
BRIEF = Recipe(epochs=2, lanes=4, chunk=16, learning_rate=0.02, warm_up_steps=4, average_decay=0.9, precision="fp32")
# Two lines of 64 targets in each of BRIEF's lanes, 16 at a time.
STEPS_OF_AN_EPOCH = 2 * 4


def learning_task(
    tunes: Sequence[Line] = TUNES,
    held_out: Sequence[Line] = HELD_OUT,
    shape: Hyperparameters = SMALL,
    vocabulary: Vocabulary = VOCABULARY,
) -> LearningTask:
    return LearningTask(
        vocabulary.size,
        shape,
        pieces_in_memory(vocabulary, tunes),
        pieces_in_memory(vocabulary, held_out),
        valid_notes=sum(len(line) for line in held_out),
    )


def weights_of(outcome: Outcome) -> dict[str, list[float]]:
    return {name: value.flatten().tolist() for name, value in outcome.network.state_dict().items()}


def stopped_clock() -> float:
    """A clock that stands still."""
    return 0.0
