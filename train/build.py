"""From folders of MIDI files to a pack: reads, trains both approaches, measures, writes all or nothing."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.approach import APPROACHES, Approach
from model.bins import BinChoice
from model.card import CARD_FILE, ApproachCard, Bins, Card, HeldOut, Hyperparameters, Training
from model.network import MusicLSTM
from model.onnx_engine import OnnxEngine
from model.pack import Pack, save_weights, sha256_of
from model.vocabulary import EventVocabulary, PitchVocabulary
from train.corpus import Corpus, Line, TrackChoice, joined
from train.dataset import event_vocabulary, pitch_vocabulary
from train.errors import CorpusError, OutputError
from train.evaluation import engine_bits, held_out, with_ppm
from train.onnx_graph import write_fp32, write_int8
from train.provenance import NOTICES_FILE, notices, source_of
from train.trainer import Outcome, Progress, Recipe, fit

# int8 ships where it costs no more than this share of the held-out bits per note, else fp32 does.
MOST_INT8_MAY_COST = 0.005

Report = Callable[[Approach, Progress], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: the pack's place, and how its networks are made.

    An approach without a recipe is taken over from the pack `kept`, as it is.
    """

    out: Path
    recipes: dict[Approach, Recipe]
    shape: Hyperparameters
    tracks: TrackChoice
    bin_choice: BinChoice
    bin_count: int
    device: str = "cpu"
    command: str = ""
    kept: Pack | None = None


def build_pack(corpora: Sequence[Corpus], folders: Sequence[Path], order: Order, report: Report) -> Card:
    """Trains both approaches and writes the pack to `order.out`, which appears whole or not at all.

    Raises OutputError before any training where the pack cannot be written, and CorpusError where
    nothing of the corpora falls to the training side or there is no rhythm in it.
    """
    training = joined(corpora, "train")
    if not training:
        raise CorpusError("no file of the corpus falls to the training side of the split; give it more files")
    with _appearing(order.out) as folder:
        approaches = {
            approach: _train_approach(approach, corpora, training, order, folder, report)
            if approach in order.recipes
            else _keep_approach(approach, order.kept, folder)
            for approach in APPROACHES
        }
        card = Card(
            name=order.out.name,
            corpora=tuple(source_of(corpus, place) for corpus, place in zip(corpora, folders, strict=True)),
            approaches=approaches,
        )
        (folder / CARD_FILE).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
        texts = notices(folders)
        if texts:
            (folder / NOTICES_FILE).write_text(texts, encoding="utf-8")
    return card


def _train_approach(
    approach: Approach, corpora: Sequence[Corpus], training: Sequence[Line], order: Order, folder: Path, report: Report
) -> ApproachCard:
    vocabulary: PitchVocabulary | EventVocabulary
    try:
        vocabulary = (
            pitch_vocabulary(training)
            if approach == "pitch"
            else event_vocabulary(training, order.bin_choice, order.bin_count)
        )
    except ValueError as error:
        raise CorpusError(str(error)) from error
    valid = joined(corpora, "valid")
    outcome = fit(
        vocabulary,
        training,
        valid,
        order.shape,
        order.recipes[approach],
        order.device,
        report=lambda progress: report(approach, progress),
    )
    network = outcome.network.to("cpu")
    weights = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    files, training_card = _write_network(approach, vocabulary, weights, valid, outcome, order, folder)
    bins = vocabulary.bins if isinstance(vocabulary, EventVocabulary) else None
    return ApproachCard(
        pitches=vocabulary.pitches,
        bins=Bins(choice=order.bin_choice, shifts=bins.shifts, edges=bins.edges) if bins else None,
        network=order.shape,
        files={path.name: sha256_of(path) for path in files},
        training=training_card,
        held_out=_measure(network, vocabulary, corpora, training),
    )


def _keep_approach(approach: Approach, pack: Pack | None, folder: Path) -> ApproachCard:
    if pack is None:
        raise OutputError(f"there is no recipe for {approach} and no pack to keep it from")
    for path in (pack.weights_file(approach), pack.graph_file(approach)):
        shutil.copy2(path, folder)
    return pack.card.approaches[approach]


def _write_network(
    approach: Approach,
    vocabulary: PitchVocabulary | EventVocabulary,
    weights: dict[str, npt.NDArray[np.float32]],
    valid: Sequence[Line],
    outcome: Outcome,
    order: Order,
    folder: Path,
) -> tuple[list[Path], Training]:
    weights_file = folder / f"{approach}.safetensors"
    save_weights(weights, weights_file)
    fp32, int8 = folder / f"{approach}.fp32.onnx", folder / f"{approach}.int8.onnx"
    write_fp32(weights, fp32)
    write_int8(weights, int8)
    fp32_bits, int8_bits = (
        engine_bits(OnnxEngine(path), vocabulary, valid) if valid else None for path in (fp32, int8)
    )
    keep_fp32 = fp32_bits is not None and int8_bits is not None and int8_bits > fp32_bits * (1 + MOST_INT8_MAY_COST)
    dropped, graph = (int8, fp32) if keep_fp32 else (fp32, int8)
    dropped.unlink()
    recipe = order.recipes[approach]
    return [weights_file, graph], Training(
        command=order.command,
        tracks=order.tracks,
        epochs=outcome.epochs,
        best_epoch=outcome.best_epoch,
        tokens_per_epoch=outcome.tokens_per_epoch,
        seconds=round(outcome.seconds, 1),
        random_seed=recipe.random_seed,
        recipe=asdict(recipe),
        valid_bits=outcome.valid_bits if valid else None,
        fp32_bits=fp32_bits,
        int8_bits=int8_bits,
    )


def _measure(
    network: MusicLSTM,
    vocabulary: PitchVocabulary | EventVocabulary,
    corpora: Sequence[Corpus],
    training: Sequence[Line],
) -> dict[str, HeldOut]:
    ppm = with_ppm(vocabulary, training, corpora)
    return {
        corpus.name: held_out(network, vocabulary, corpus.lines["test"]).model_copy(update={"ppm": ppm[corpus.name]})
        for corpus in corpora
        if corpus.lines["test"]
    }


@contextmanager
def _appearing(out: Path) -> Iterator[Path]:
    """A folder to write in that becomes `out` when all went well, and goes away when not.

    What stands at `out` makes room only if it is a pack, or an empty folder.
    """
    if out.exists() and not (out / CARD_FILE).is_file() and not (out.is_dir() and not any(out.iterdir())):
        raise OutputError(f"{out} is there and is no pack, so it is not replaced; choose another --out")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        replaced = folder.with_name(f"{folder.name}-replaced")
    except OSError as error:
        raise OutputError(f"{out} cannot be written ({error.strerror}); choose another --out") from error
    try:
        yield folder
        folder.chmod(0o755)
        if out.exists():
            out.rename(replaced)
        folder.rename(out)
    except OSError as error:
        raise OutputError(f"{out} cannot be written ({error.strerror}); choose another --out") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if replaced.exists() and not out.exists():
            replaced.rename(out)
        shutil.rmtree(replaced, ignore_errors=True)
