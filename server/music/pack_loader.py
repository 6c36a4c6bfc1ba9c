"""Opens a pack and its engines; knows no jam and no thread."""

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
        """New improvisers by approach, which have heard nothing.

        `tempo_bpm` matters to packs that count seconds and not beats: they convert by it.
        """
        return {
            approach: create_improviser(
                self.engines[approach],
                self.pack.vocabulary(approach, tempo_bpm),
                self.pack.memory(approach, tempo_bpm),
            )
            for approach in APPROACHES
        }


def load_pack(name: str, config: Config) -> LoadedPack:
    """Opens the pack of this name, or in this folder, and its engines. Raises PackError."""
    pack = DummyPack() if name == DUMMY_PACK else open_pack(name, config.pack_folders)
    return LoadedPack(pack, {approach: pack.engine(approach, config.engine.device) for approach in APPROACHES})
