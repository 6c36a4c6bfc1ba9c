"""The cost of int8: held-out bits per note of the included graph, against the same weights in fp32."""

from bench.corpora import CORPORA
from bench.table import show
from model.approach import APPROACHES
from model.pack.pack import available_packs, open_pack
from train.corpus.cache import USER_CACHE
from train.corpus.corpora import joined, read_corpora
from train.corpus.reading import LineSelection
from train.evaluation.bits_per_note import engine_bits


def run() -> None:
    """Prints bits per note on the test files of each included pack's corpora."""
    rows = []
    for name in available_packs():
        pack = open_pack(name)
        folders = [CORPORA / source.name for source in pack.card.corpora]
        lines = joined(read_corpora(folders, USER_CACHE, LineSelection()), "test")
        for approach in APPROACHES:
            vocabulary = pack.vocabulary(approach)
            graph = engine_bits(pack.engine(approach, "cpu"), vocabulary, lines)
            fp32 = engine_bits(pack.reference_engine(approach), vocabulary, lines)
            rows.append((name, approach, f"{graph:.4f}", f"{fp32:.4f}", f"{graph / fp32 - 1:+.3%}"))
    show("Bits per note on test files", ("pack", "approach", "as it ships", "fp32", "cost"), rows)
