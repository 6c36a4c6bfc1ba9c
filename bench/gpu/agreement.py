"""Whether a device computes what the CPU's reference engine computes: logits over many carried steps, and composed notes."""

from dataclasses import dataclass
from itertools import islice
from random import Random

import numpy as np

from model.approach import APPROACHES, Approach
from model.engines.engine import Engine
from model.engines.torch_engine import TorchEngine
from model.improvising.improvisers import create_improviser
from model.improvising.sampling_settings import SamplingSettings
from model.notes import Note
from model.pack.pack import PACKS_FOLDER, Pack, open_pack

COMPOSED_NOTES = 64
ANSWER_BEATS = 256.0
"""Long enough for that many notes by either approach."""
PHRASE = tuple(Note(pitch, 0.5 * place, 0.5, 80) for place, pitch in enumerate((60, 62, 64, 67, 65, 64, 62, 60)))
RANDOM_SEED = 7


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far one network on the device is from the reference: its logits, and the notes that it composes."""

    pack: str
    approach: Approach
    engine: str
    steps: int
    largest_difference: float
    composed_notes: int
    same_notes: int
    """How many notes are the same before the first that differs."""


def compare_packs(device: str, steps: int) -> list[Agreement]:
    """Both networks of each pack that comes with the program."""
    packs = [open_pack(str(folder)) for folder in sorted(PACKS_FOLDER.iterdir()) if (folder / "card.json").is_file()]
    return [compare(pack, approach, device, steps) for pack in packs for approach in APPROACHES]


def compare(pack: Pack, approach: Approach, device: str, steps: int) -> Agreement:
    """Each engine carries its own state, so errors add up as they do in a jam; both hear the tokens that the reference draws."""
    reference = pack.reference_engine(approach)
    engine = TorchEngine(pack.weights(approach), pack.card.approaches[approach].network, device)
    random = np.random.default_rng(RANDOM_SEED)
    largest, token = 0.0, 0
    state, expected_state = engine.initial_state(), reference.initial_state()
    for _ in range(steps):
        logits, state = engine.step(token, state)
        expected, expected_state = reference.step(token, expected_state)
        largest = max(largest, float(np.abs(logits - expected).max()))
        shares = np.exp(expected - expected.max(), dtype=np.float64)
        token = int(random.choice(len(shares), p=shares / shares.sum()))
    notes, expected_notes = (_compose(pack, approach, each) for each in (engine, reference))
    same = next((i for i, pair in enumerate(zip(notes, expected_notes, strict=True)) if pair[0] != pair[1]), len(notes))
    return Agreement(pack.name, approach, engine.device, steps, largest, len(expected_notes), same)


def _compose(pack: Pack, approach: Approach, engine: Engine) -> list[Note]:
    improviser = create_improviser(engine, pack.vocabulary(approach), pack.memory(approach), pack.phrasing())
    for note in PHRASE:
        improviser.hear(note)
    answer = improviser.compose(4.0, 4.0 + ANSWER_BEATS, SamplingSettings(top_p=0.95), Random(RANDOM_SEED))
    return [planned.note for planned in islice(answer, COMPOSED_NOTES)]
