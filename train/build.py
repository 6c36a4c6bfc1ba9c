"""From corpora to a pack: trains the approaches, measures them, writes all or nothing; knows no command line."""

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.approach import APPROACHES, Approach
from model.engines.network_shape import Hyperparameters
from model.engines.onnx_engine import OnnxEngine
from model.pack.card import CARD_FILE, ApproachCard, CardBins, Card, Epoch, MemoryTrust, Training
from model.pack.pack import Pack, save_weights, sha256_of
from model.tokens.time_bins import BinChoice
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary
from train.corpus.corpora import Corpus, Line, content_of, joined
from train.corpus.dataset import event_vocabulary, pieces_in_memory, pieces_on_disk, pitch_vocabulary
from train.corpus.reading import NOMINAL_TEMPO_BPM, Choice
from train.errors import CorpusError, OutputError
from train.finetune import grown, grown_weights
from train.judging.evaluation import engine_bits, held_out_figures
from train.learning.checkpoint import Checkpoints
from train.learning.parallel import ALONE, World
from train.learning.recipe import Recipe
from train.learning.tracker import NO_TRACKER, Tracker
from train.learning.trainer import Lesson, Outcome, Progress, fit
from train.memory.refit import fit_memory
from train.onnx_graph import write_fp32, write_int8
from train.provenance import NOTICES_FILE, notices, source_of
from train.staging import appearing, checkpoint_file, tokens_file, workshop_for

# int8 ships where it costs no more than this share of the held-out bits per note, else fp32 does.
MOST_INT8_MAY_COST = 0.005
# A large corpus has more notes held out than it takes to tell int8 from fp32.
MOST_NOTES_STEPPED = 50_000
# A checkpoint holds five copies of the weights in fp32: the network, its average, the best, and Adam's two moments.
COPIES_IN_A_CHECKPOINT = 5
# It is written beside the one before; then the pack's own files are small beside it.
CHECKPOINTS_ON_DISK = 2

Vocabulary = PitchVocabulary | EventVocabulary
Weights = Mapping[str, npt.NDArray[np.float32]]
Report = Callable[[Approach, Progress], None]
Say = Callable[[Approach, Vocabulary], None]

# As many lanes as suit the corpus: enough steps an epoch for the optimiser to get somewhere, else as many as are fast.
AUTO_LANES = 0
LEAST_STEPS_PER_EPOCH = 32
LANES = (16, 32)


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: the pack's place, and how its networks are made.

    An approach without a recipe is taken over from the pack `kept`, as it is. Training starts from the pack `base`, if
    there is one, whose shape must be `shape`. With `resume` it goes on where it was broken off. `budget_s` is for both
    approaches together.
    """

    out: Path
    recipes: dict[Approach, Recipe]
    shape: Hyperparameters
    choice: Choice
    bin_choice: BinChoice = "commonest"
    bin_count: int = 32
    command: str = ""
    kept: Pack | None = None
    base: Pack | None = None
    resume: bool = False
    budget_s: float | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """One approach, ready to be trained."""

    vocabulary: Vocabulary
    lesson: Lesson
    recipe: Recipe
    fingerprint: str


def build_pack(
    corpora: Sequence[Corpus],
    order: Order,
    report: Report,
    world: World = ALONE,
    tracker: Callable[[Approach], Tracker] = lambda _: NO_TRACKER,
    say: Say = lambda *_: None,
) -> Card | None:
    """Trains the approaches and writes the pack to `order.out`, which appears whole or not at all.

    `say` hears of each vocabulary before any training, `report` of every step. Of several processes only the first
    writes the pack, and gets its card; the others get None.
    Raises OutputError before any training where the pack cannot be written, and CorpusError where nothing of the
    corpora falls to the training side, there is too little of it, or there is no rhythm in it.
    """
    training = joined(corpora, "train")
    if not training:
        raise CorpusError("no file of the corpus falls to the training side of the split; give it more files")
    with workshop_for(order.out, room_for(order.shape, len(order.recipes)), world, resume=order.resume) as workshop:
        prepared = _prepare(corpora, training, order, workshop, world)
        if world.first:
            for approach, part in prepared.items():
                say(approach, part.vocabulary)
        outcomes = _train(prepared, order, workshop, report, world, tracker)
        if not world.first:
            return None
        with appearing(order.out, workshop) as folder:
            approaches = {
                approach: _finish(
                    approach, prepared[approach], outcomes[approach], corpora, order, folder, world.device
                )
                if approach in prepared
                else _keep_approach(approach, order.kept, folder)
                for approach in APPROACHES
            }
            return write_card(folder, order.out.name, approaches, corpora, order.base)


def room_for(shape: Hyperparameters, networks: int) -> float:
    """About how many bytes the checkpoints of so many networks take."""
    gates = shape.hidden * (shape.embedding + shape.hidden * (2 * shape.layers - 1))
    weights = 4 * (gates + 256 * shape.hidden)
    return 4.0 * weights * COPIES_IN_A_CHECKPOINT * CHECKPOINTS_ON_DISK * networks


def write_card(
    folder: Path,
    name: str,
    approaches: dict[Approach, ApproachCard],
    corpora: Sequence[Corpus],
    base: Pack | None = None,
) -> Card:
    """Writes the card, and beside it what the licences of the corpora, and of the pack it started from, ask to be said."""
    trained = tuple(source_of(corpus) for corpus in corpora)
    before = tuple(source for source in (base.card.corpora if base else ()) if source not in trained)
    card = Card(name=name, corpora=before + trained, approaches=approaches)
    (folder / CARD_FILE).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    texts = notices(corpora)
    if base and (base.folder / NOTICES_FILE).is_file():
        theirs = (base.folder / NOTICES_FILE).read_text(encoding="utf-8")
        texts = theirs if texts in theirs else f"{theirs}\n{texts}"
    if texts:
        (folder / NOTICES_FILE).write_text(texts, encoding="utf-8")
    return card


def _prepare(
    corpora: Sequence[Corpus], training: Sequence[Line], order: Order, workshop: Path, world: World
) -> dict[Approach, Prepared]:
    valid = joined(corpora, "valid")
    prepared = {}
    for approach, asked in order.recipes.items():
        vocabulary = _vocabulary(approach, training, order)
        tokens = tokens_file(workshop, approach, world.rank)
        try:
            pieces, content = pieces_on_disk(vocabulary, training, tokens)
        except OSError as error:
            raise OutputError(
                f"{tokens} cannot be written ({error.strerror or error}); make room, or choose another --out"
            ) from error
        targets = int((pieces.lengths - 1).sum())
        if targets < asked.chunk:
            raise CorpusError(
                f"the training side has {targets} tokens for {approach}, fewer than one chunk of {asked.chunk}; give it more "
                f"files, or a smaller --chunk"
            )
        recipe = replace(asked, lanes=asked.lanes or _lanes(targets, asked.chunk, world))
        measured = pieces_in_memory(vocabulary, valid)
        initial = None if order.base is None else _initial(order.base, approach, vocabulary)
        lesson = Lesson(
            vocabulary.size, order.shape, pieces, measured, sum(len(line) for line in valid), initial=initial
        )
        fingerprint = _fingerprint(vocabulary, recipe, order, content, content_of(valid))
        prepared[approach] = Prepared(vocabulary, lesson, recipe, fingerprint)
    return prepared


def _lanes(targets: int, chunk: int, world: World) -> int:
    fewest, most = LANES
    lanes = min(max(targets // (chunk * LEAST_STEPS_PER_EPOCH), fewest), most)
    return -(-lanes // world.size) * world.size


def _vocabulary(approach: Approach, training: Sequence[Line], order: Order) -> Vocabulary:
    if order.base is not None:
        return grown(order.base.vocabulary(approach, NOMINAL_TEMPO_BPM), training)
    try:
        if approach == "pitch":
            return pitch_vocabulary(training)
        return event_vocabulary(training, order.bin_choice, order.bin_count)
    except ValueError as error:
        raise CorpusError(str(error)) from error


def _initial(base: Pack, approach: Approach, vocabulary: Vocabulary) -> dict[str, npt.NDArray[np.float32]]:
    return grown_weights(base.weights(approach), base.vocabulary(approach, NOMINAL_TEMPO_BPM), vocabulary)


def _fingerprint(vocabulary: Vocabulary, recipe: Recipe, order: Order, *contents: str) -> str:
    """A hash of all that decides what a training comes to, so that it is not resumed as another one."""
    base = {} if order.base is None else {name: part.files for name, part in order.base.card.approaches.items()}
    said = [repr(vocabulary), asdict(recipe), order.shape.model_dump(), base, contents]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _train(
    prepared: Mapping[Approach, Prepared],
    order: Order,
    workshop: Path,
    report: Report,
    world: World,
    tracker: Callable[[Approach], Tracker],
) -> dict[Approach, Outcome]:
    tokens = {approach: int(part.lesson.training.lengths.sum()) for approach, part in prepared.items()}
    outcomes = {}
    for approach, part in prepared.items():
        share = tokens[approach] / sum(tokens.values())
        writer = tracker(approach) if world.first else NO_TRACKER
        try:
            outcomes[approach] = fit(
                part.lesson,
                part.recipe,
                world,
                checkpoints=Checkpoints(checkpoint_file(workshop, approach), part.fingerprint, resume=order.resume),
                budget_s=None if order.budget_s is None else order.budget_s * share,
                tracker=writer,
                report=lambda progress, approach=approach: report(approach, progress),  # type: ignore[misc]  # bound now
            )
        finally:
            writer.close()
    return outcomes


def _finish(
    approach: Approach,
    part: Prepared,
    outcome: Outcome,
    corpora: Sequence[Corpus],
    order: Order,
    folder: Path,
    device: str,
) -> ApproachCard:
    network = outcome.network.to("cpu")
    weights = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    files, fp32_bits, int8_bits = write_network(approach, weights, part.vocabulary, joined(corpora, "valid"), folder)
    backoff = fit_memory(network, part.vocabulary, corpora)
    return ApproachCard(
        pitches=part.vocabulary.pitches,
        bins=_bins_card(part.vocabulary, order),
        network=order.shape,
        files={path.name: sha256_of(path) for path in files},
        training=Training(
            command=order.command,
            base=order.base.name if order.base else "",
            device=device,
            tracks=order.choice.tracks,
            drums=order.choice.drums,
            epochs=outcome.epochs,
            best_epoch=outcome.best_epoch,
            tokens_per_epoch=outcome.tokens_per_epoch,
            seconds=round(outcome.seconds, 1),
            random_seed=part.recipe.random_seed,
            recipe=asdict(part.recipe),
            valid_bits=outcome.valid_bits if part.lesson.valid_notes else None,
            fp32_bits=fp32_bits,
            int8_bits=int8_bits,
            history=tuple(
                Epoch(
                    epoch=row.epoch,
                    training_bits=_rounded(row.training_bits),
                    valid_bits=_rounded(row.valid_bits),
                    seconds=round(row.seconds, 1),
                    tokens=row.tokens,
                )
                for row in outcome.history
            ),
        ),
        held_out=held_out_figures(network, part.vocabulary, corpora, backoff=backoff),
        memory=MemoryTrust.from_backoff(backoff),
    )


def _rounded(bits: float) -> float | None:
    """None where there is no such figure: before training, or with nothing held out."""
    return None if math.isnan(bits) else round(bits, 4)


def _bins_card(vocabulary: Vocabulary, order: Order) -> CardBins | None:
    if isinstance(vocabulary, PitchVocabulary):
        return None
    before = order.base.card.approaches["event"].bins if order.base else None
    unit = order.choice.time_unit
    units_per_beat = 60 / NOMINAL_TEMPO_BPM if unit == "seconds" else 1.0
    shifts, edges = (
        tuple(value * units_per_beat for value in v) for v in (vocabulary.bins.shifts, vocabulary.bins.edges)
    )
    return CardBins(unit=unit, choice=before.choice if before else order.bin_choice, shifts=shifts, edges=edges)


def _keep_approach(approach: Approach, pack: Pack | None, folder: Path) -> ApproachCard:
    if pack is None:
        raise OutputError(f"there is no recipe for {approach} and no pack to keep it from")
    for path in (pack.weights_file(approach), pack.graph_file(approach)):
        shutil.copy2(path, folder)
    return pack.card.approaches[approach]


def write_network(
    approach: Approach, weights: Weights, vocabulary: Vocabulary, valid: Sequence[Line], folder: Path
) -> tuple[list[Path], float | None, float | None]:
    """Writes the weights and the graph that ships; the files, and what fp32 and int8 cost in bits per note on `valid`."""
    weights_file = folder / f"{approach}.safetensors"
    save_weights(weights, weights_file)
    fp32, int8 = folder / f"{approach}.fp32.onnx", folder / f"{approach}.int8.onnx"
    write_fp32(weights, fp32)
    write_int8(weights, int8)
    stepped = _few(valid)
    fp32_bits, int8_bits = (
        engine_bits(OnnxEngine(path), vocabulary, stepped) if stepped else None for path in (fp32, int8)
    )
    keep_fp32 = fp32_bits is not None and int8_bits is not None and int8_bits > fp32_bits * (1 + MOST_INT8_MAY_COST)
    dropped, graph = (int8, fp32) if keep_fp32 else (fp32, int8)
    dropped.unlink()
    return [weights_file, graph], fp32_bits, int8_bits


def _few(lines: Sequence[Line]) -> Sequence[Line]:
    """The first lines, as many as are stepped through one token at a time within a minute or two."""
    within = np.cumsum([len(line) for line in lines]) <= MOST_NOTES_STEPPED
    return lines[: max(1, int(within.sum()))]
