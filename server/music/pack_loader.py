"""Opens a pack and its engines, ready to play; knows no jam and no thread."""

from collections.abc import Mapping
from dataclasses import dataclass

from model.approach import APPROACHES, Approach
from model.engines.engine import Engine
from model.improvising.improviser import Improviser, create_improviser
from model.pack.dummy_pack import DUMMY_PACK, DummyPack
from model.pack.pack import Pack, open_pack
from server.config.config import Config


@dataclass(frozen=True, slots=True)
class LoadedPack:
    """A pack whose engines are ready to play."""

    pack: Pack | DummyPack
    engines: Mapping[Approach, Engine]

    def improvisers(self, tempo_bpm: float) -> dict[Approach, Improviser]:
        """Fresh improvisers, who have heard nothing; at this tempo, if it is one of a pack that counts seconds."""
        return {
            approach: create_improviser(
                self.engines[approach],
                self.pack.vocabulary(approach, tempo_bpm),
                self.pack.memory(approach, tempo_bpm),
            )
            for approach in APPROACHES
        }


def load_pack(name: str, config: Config) -> LoadedPack:
    """Opens a pack and its engines. Raises PackError."""
    pack = DummyPack() if name == DUMMY_PACK else open_pack(name, config.pack_folders)
    return LoadedPack(pack, {approach: pack.engine(approach, config.engine.device) for approach in APPROACHES})
