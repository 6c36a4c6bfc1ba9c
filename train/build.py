"""Builds a pack from corpora: trains the networks, measures them, and writes everything or nothing.

It knows no command line.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.approach import APPROACHES, Approach
from model.engines.network_shape import Hyperparameters
from model.memory.backoff import DEFAULT_BACKOFFS
from model.pack.card import ApproachCard, Card, CardBins, MemoryTrust, Training
from model.pack.pack import Pack, sha256_of
from model.tokens.time_bins import BinChoice
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary
from train.corpus.corpora import Corpus, Line, content_of, joined
from train.corpus.dataset import event_vocabulary, pieces_in_memory, pieces_on_disk, pitch_vocabulary
from train.corpus.manifest import printable
from train.corpus.reading import NOMINAL_TEMPO_BPM, LineSelection
from train.errors import CorpusError, OutputError
from train.evaluation.bits_per_note import held_out_figures
from train.finetune import grow_vocabulary, grow_weights
from train.learning.checkpoint import CheckpointSettings
from train.learning.parallel import SINGLE_PROCESS, World
from train.learning.recipe import Recipe
from train.learning.tracker import NO_TRACKER, Tracker
from train.learning.trainer import LearningTask, Outcome, Progress, fit
from train.memory.refit import fit_memory
from train.memory.remembered import remember_lines
from train.pack_writing import card_history, copy_approach, write_card, write_network
from train.staging import atomic_folder, checkpoint_file, staging_folder_for, tokens_file

# A checkpoint holds five copies of the weights in fp32: the network, its average, the best, and Adam's two moments.
COPIES_IN_A_CHECKPOINT = 5
# Each is written beside the one before it. The files of the pack are small compared with both.
CHECKPOINTS_ON_DISK = 2

Vocabulary = PitchVocabulary | EventVocabulary
OnProgress = Callable[[Approach, Progress], None]
OnVocabulary = Callable[[Approach, Vocabulary], None]

# The number of lanes that suits the corpus: few enough that an epoch has this many steps of the optimiser, and within
# these limits.
AUTO_LANES = 0
MIN_STEPS_PER_EPOCH = 32
LANES = (16, 32)


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What to train: the place of the pack, and how its networks are made.

    `recipes` has one recipe for each approach to train; the other approach is copied from `existing_pack` as it is.
    Training starts from the weights of `base_pack`, if there is one, which must have the shape `shape`. With `resume`
    an interrupted training goes on. `budget_s` is the time for both approaches together, `command` the command line
    for the card.
    """

    out: Path
    recipes: dict[Approach, Recipe]
    shape: Hyperparameters
    choice: LineSelection
    bin_choice: BinChoice = "commonest"
    bin_count: int = 32
    command: str = ""
    existing_pack: Pack | None = None
    base_pack: Pack | None = None
    resume: bool = False
    budget_s: float | None = None


@dataclass(frozen=True, slots=True)
class PreparedTraining:
    """All that one approach needs for its training; a checkpoint must have the same `fingerprint` to be resumed."""

    vocabulary: Vocabulary
    task: LearningTask
    recipe: Recipe
    fingerprint: str


def build_pack(
    corpora: Sequence[Corpus],
    request: TrainingRequest,
    on_progress: OnProgress,
    world: World = SINGLE_PROCESS,
    tracker: Callable[[Approach], Tracker] = lambda _: NO_TRACKER,
    on_vocabulary: OnVocabulary = lambda *_: None,
) -> Card | None:
    """Trains the approaches and writes the pack to `request.out`, as a whole or not at all.

    `on_vocabulary` is called with each vocabulary before any training, `on_progress` after every step, both on the
    caller's thread. Of several processes only the first writes the pack, and gets its card; the others get None.
    Raises OutputError before any training where the pack cannot be written, and CorpusError where no file of the
    corpora is on the training side, where there is too little music there, or where it has no rhythm.
    """
    training = joined(corpora, "train")
    if not training:
        raise CorpusError("no file of the corpus is on the training side of the split; give it more files")
    with staging_folder_for(
        request.out, staging_bytes_needed(request.shape, len(request.recipes)), world, resume=request.resume
    ) as staging_folder:
        prepared = _prepare(corpora, training, request, staging_folder, world)
        if world.is_first:
            for approach, part in prepared.items():
                on_vocabulary(approach, part.vocabulary)
        outcomes = _train(prepared, request, staging_folder, on_progress, world, tracker)
        if not world.is_first:
            return None
        with atomic_folder(request.out, staging_folder) as folder:
            approaches = {
                approach: _write_approach(
                    approach, prepared[approach], outcomes[approach], corpora, request, folder, world.device
                )
                if approach in prepared
                else copy_approach(approach, request.existing_pack, folder)
                for approach in APPROACHES
            }
            return write_card(folder, request.out.name, approaches, corpora, request.base_pack)


def staging_bytes_needed(shape: Hyperparameters, networks: int) -> float:
    """About how many bytes the checkpoints of this many networks take on disk."""
    gates = shape.hidden * (shape.embedding + shape.hidden * (2 * shape.layers - 1))
    weights = 4 * (gates + 256 * shape.hidden)
    return 4.0 * weights * COPIES_IN_A_CHECKPOINT * CHECKPOINTS_ON_DISK * networks


def _prepare(
    corpora: Sequence[Corpus], training: Sequence[Line], request: TrainingRequest, staging_folder: Path, world: World
) -> dict[Approach, PreparedTraining]:
    valid = joined(corpora, "valid")
    prepared = {}
    for approach, requested in request.recipes.items():
        vocabulary = _choose_vocabulary(approach, training, request)
        tokens = tokens_file(staging_folder, approach, world.rank)
        try:
            pieces, content = pieces_on_disk(vocabulary, training, tokens)
        except OSError as error:
            raise OutputError(
                f"{tokens} cannot be written ({error.strerror or error}); make room, or choose another --out"
            ) from error
        targets = int((pieces.lengths - 1).sum())
        if targets < requested.chunk:
            raise CorpusError(
                f"the training side has {targets} tokens for {approach}, fewer than one chunk of {requested.chunk}; give it more "
                f"files, or a smaller --chunk"
            )
        most_lanes = targets // requested.chunk
        if requested.lanes > most_lanes:  # the others would stay empty
            raise CorpusError(
                f"the training side has {targets} tokens for {approach}, fewer than one chunk of {requested.chunk} for each of "
                f"{requested.lanes} lanes; choose at most {most_lanes} for --lanes, or a smaller --chunk"
            )
        recipe = replace(requested, lanes=requested.lanes or _choose_lanes(targets, requested.chunk, world))
        valid_pieces = pieces_in_memory(vocabulary, valid)
        initial = None if request.base_pack is None else _initial_weights(request.base_pack, approach, vocabulary)
        task = LearningTask(
            vocabulary.size,
            request.shape,
            pieces,
            valid_pieces,
            sum(len(line) for line in valid),
            initial=initial,
            repeats=repeats_of_lines(corpora, recipe.most_repeats),
        )
        if recipe.beside_memory:
            backoff = (
                DEFAULT_BACKOFFS[approach] if request.base_pack is None else request.base_pack.card.backoff(approach)
            )
            remembered, valid_remembered = (remember_lines(vocabulary, backoff, lines) for lines in (training, valid))
            task = replace(task, remembered=remembered, valid_remembered=valid_remembered)
        fingerprint = _fingerprint(vocabulary, recipe, request, content, content_of(valid))
        prepared[approach] = PreparedTraining(vocabulary, task, recipe, fingerprint)
    return prepared


def repeats_of_lines(corpora: Sequence[Corpus], most: int) -> list[int]:
    """How often each training line comes in an epoch: so often that its corpus counts like the largest, but `most` times at most."""
    notes = [sum(len(line) for line in corpus.lines["train"]) for corpus in corpora]
    repeats = [min(most, max(1, round(max(notes) / max(count, 1)))) for count in notes]
    return [times for corpus, times in zip(corpora, repeats, strict=True) for _ in corpus.lines["train"]]


def _choose_lanes(targets: int, chunk: int, world: World) -> int:
    fewest, most = LANES
    lanes = min(max(targets // (chunk * MIN_STEPS_PER_EPOCH), fewest), most)
    return -(-lanes // world.size) * world.size


def _choose_vocabulary(approach: Approach, training: Sequence[Line], request: TrainingRequest) -> Vocabulary:
    if request.base_pack is not None:
        return grow_vocabulary(request.base_pack.vocabulary(approach, NOMINAL_TEMPO_BPM), training)
    try:
        if approach == "pitch":
            return pitch_vocabulary(training)
        return event_vocabulary(training, request.bin_choice, request.bin_count)
    except ValueError as error:
        raise CorpusError(str(error)) from error


def _initial_weights(base_pack: Pack, approach: Approach, vocabulary: Vocabulary) -> dict[str, npt.NDArray[np.float32]]:
    return grow_weights(base_pack.weights(approach), base_pack.vocabulary(approach, NOMINAL_TEMPO_BPM), vocabulary)


def _fingerprint(vocabulary: Vocabulary, recipe: Recipe, request: TrainingRequest, *contents: str) -> str:
    """A hash of everything that decides the result of a training; a checkpoint with another hash is refused."""
    base_files = (
        {}
        if request.base_pack is None
        else {name: part.files for name, part in request.base_pack.card.approaches.items()}
    )
    facts = [repr(vocabulary), asdict(recipe), request.shape.model_dump(), base_files, contents]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _train(
    prepared: Mapping[Approach, PreparedTraining],
    request: TrainingRequest,
    staging_folder: Path,
    on_progress: OnProgress,
    world: World,
    tracker: Callable[[Approach], Tracker],
) -> dict[Approach, Outcome]:
    tokens = {approach: int(part.task.training.lengths.sum()) for approach, part in prepared.items()}
    outcomes = {}
    for approach, part in prepared.items():
        share = tokens[approach] / sum(tokens.values())
        writer = tracker(approach) if world.is_first else NO_TRACKER
        try:
            outcomes[approach] = fit(
                part.task,
                part.recipe,
                world,
                checkpoints=CheckpointSettings(
                    checkpoint_file(staging_folder, approach), part.fingerprint, resume=request.resume
                ),
                budget_s=None if request.budget_s is None else request.budget_s * share,
                tracker=writer,
                on_progress=lambda progress, approach=approach: on_progress(approach, progress),  # type: ignore[misc]  # bound now
            )
        finally:
            writer.close()
    return outcomes


def _write_approach(
    approach: Approach,
    part: PreparedTraining,
    outcome: Outcome,
    corpora: Sequence[Corpus],
    request: TrainingRequest,
    folder: Path,
    device: str,
) -> ApproachCard:
    network = outcome.network.to("cpu")
    weights = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    files, fp32_bits, int8_bits = write_network(approach, weights, part.vocabulary, joined(corpora, "valid"), folder)
    backoff = fit_memory(network, part.vocabulary, corpora)
    return ApproachCard(
        pitches=part.vocabulary.pitches,
        bins=_bins_card(part.vocabulary, request),
        network=request.shape,
        files={path.name: sha256_of(path) for path in files},
        training=Training(
            command=printable(request.command),
            base=request.base_pack.name if request.base_pack else "",
            device=device,
            tracks=request.choice.tracks,
            drums=request.choice.drums,
            epochs=outcome.epochs,
            best_epoch=outcome.best_epoch,
            tokens_per_epoch=outcome.tokens_per_epoch,
            seconds=round(outcome.seconds, 1),
            random_seed=part.recipe.random_seed,
            recipe=asdict(part.recipe),
            valid_bits=outcome.valid_bits if part.task.valid_notes else None,
            fp32_bits=fp32_bits,
            int8_bits=int8_bits,
            history=card_history(outcome.history),
        ),
        held_out=held_out_figures(network, part.vocabulary, corpora, backoff=backoff),
        memory=MemoryTrust.from_backoff(backoff),
    )


def _bins_card(vocabulary: Vocabulary, request: TrainingRequest) -> CardBins | None:
    if isinstance(vocabulary, PitchVocabulary):
        return None
    bins_of_base = request.base_pack.card.approaches["event"].bins if request.base_pack else None
    unit = request.choice.time_unit
    units_per_beat = 60 / NOMINAL_TEMPO_BPM if unit == "seconds" else 1.0
    shifts, edges = (
        tuple(value * units_per_beat for value in v) for v in (vocabulary.bins.shifts, vocabulary.bins.edges)
    )
    return CardBins(
        unit=unit, choice=bins_of_base.choice if bins_of_base else request.bin_choice, shifts=shifts, edges=edges
    )
