"""Opens a pack and its engines; knows no jam and no thread."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from model.approach import APPROACHES, Approach
from model.engines.engine import Engine
from model.improvising.improviser import Improviser
from model.improvising.improvisers import create_improviser
from model.pack.dummy_pack import DUMMY_PACK, DummyPack
from model.pack.pack import Pack, find_pack, open_pack
from model.phrasing.phrasing import PLAIN
from server.config.config import Config

PLAYS_PLAINLY = "made before touch and phrase ends: it plays plainly until `fours train --phrasing-only`"


@dataclass(frozen=True, slots=True)
class LoadedPack:
    """A pack whose engines are ready to play."""

    pack: Pack | DummyPack
    engines: Mapping[Approach, Engine]

    @property
    def remark(self) -> str:
        """What a trained pack of an older version cannot do, whose card has neither touch nor phrase ends; empty for any other."""
        is_older = isinstance(self.pack, Pack) and self.pack.phrasing() == PLAIN
        return PLAYS_PLAINLY if is_older else ""

    def improvisers(
        self, tempo_bpm: float, before_step: Callable[[], None] = lambda: None
    ) -> dict[Approach, Improviser]:
        """New improvisers by approach, which have heard nothing.

        `tempo_bpm` matters to packs that count seconds and not beats: they convert by it. `before_step` is called before
        each step that keeps the interpreter for some milliseconds.
        """
        improvisers = {}
        for approach in APPROACHES:
            before_step()
            vocabulary, memory = self.pack.vocabulary(approach, tempo_bpm), self.pack.memory(approach, tempo_bpm)
            before_step()
            improvisers[approach] = create_improviser(
                self.engines[approach], vocabulary, memory, self.pack.phrasing(), self.pack.chord_preference(approach)
            )
        return improvisers


def check_pack_exists(name: str, config: Config) -> None:
    """Raises PackError where there is no pack of this name and no such folder."""
    if name != DUMMY_PACK:
        find_pack(name, config.pack_folders)


def load_pack(name: str, config: Config, before_step: Callable[[], None] = lambda: None) -> LoadedPack:
    """Opens the pack of this name, or in this folder, and its engines. Raises PackError.

    `before_step` is called before each step that keeps the interpreter for some milliseconds.
    """
    before_step()
    pack = DummyPack() if name == DUMMY_PACK else open_pack(name, config.pack_folders)
    engines = {}
    for approach in APPROACHES:
        engines[approach] = pack.engine(approach, config.engine.device, before_step)
    return LoadedPack(pack, engines)
