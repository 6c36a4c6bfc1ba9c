"""Answers for the judge: each composed by a `Jam`, the same code that answers in a session.

Opens no port and writes no file.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from model.approach import Approach
from model.files.seed import Seed
from model.notes import Note
from server.config.config import load
from server.controls.control_table import Value
from server.export import answer_to, jam_for_answer, timeline_of
from server.music.packs.pack_loader import load_pack

AnswerSeed = Callable[[Seed, Approach, float, float, int], tuple[Note, ...]]
"""The answer of an approach to a seed, from one beat to another, with this random seed. Beat 0 is a bar line."""


def open_answerer(controls: dict[str, Value], config_file: Path | None = None) -> AnswerSeed:
    """Loads the pack of the controls once. Raises PackError, and ConfigError where the configuration is wrong."""
    config = load(config_file).with_values({f"controls.{name}": value for name, value in controls.items()})
    loaded_pack = load_pack(config.settings.pack, config)

    def answer(
        seed: Seed, approach: Approach, start_beats: float, until_beats: float, random_seed: int
    ) -> tuple[Note, ...]:
        settings = replace(config.settings, approach=approach, answer_length=until_beats - start_beats)
        jam = jam_for_answer(loaded_pack, settings, random_seed, timeline_of(seed, seed.tempo_bpm, start_beats))
        return tuple(answer_to(seed, jam, start_beats))

    return answer
