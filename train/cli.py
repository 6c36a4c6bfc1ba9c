"""`fours train`: the command around `train.build`; knows the options, not how a pack is trained or shown."""

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import torch
import typer

from model.approach import APPROACHES, Approach
from model.engines.network_shape import MOST_LAYERS, MOST_UNITS, Hyperparameters
from model.named_file import path_fault, shown_path
from model.pack.card import CARD_FILE, Card
from model.pack.pack import Pack, open_pack
from model.tokens.time_bins import BinChoice, TimeUnit
from train.build import AUTO_LANES, TrainingRequest, build_pack
from train.chords.refit import refit_chords
from train.command import ThreadsOption, WorkersOption, run_command
from train.console import (
    ProgressBars,
    console,
    held_out_table,
    shell_word,
    show_corpora,
    show_kept_weights,
    show_phrasing,
    show_vocabulary,
)
from train.corpus.cache import USER_CACHE
from train.corpus.corpora import Corpus, read_corpora
from train.corpus.manifest import printable
from train.corpus.reading import LineSelection, TrackChoice
from train.errors import CorpusError, OutputError, RecipeError
from train.evaluation.evaluate import choice_of
from train.experiment import notebook
from train.experiment.replay import replay_experiment
from train.learning.parallel import joined_world
from train.learning.recipe import Precision, Recipe
from train.learning.tracker import NO_TRACKER, TensorBoardTracker, Tracker
from train.memory.refit import refit_memory
from train.phrasing.refit import refit_phrasing
from train.staging import has_unfinished_training, training_folder

DEFAULTS = Recipe()
SHAPE = Hyperparameters()
# A pack that is trained further has learnt most already; a smaller step keeps that.
FINE_TUNING_RATE = 5e-4

# Smaller steps are lost in the rounding of the weights, so that nothing would be learnt.
LEAST_RATE = 1e-7
# Sixteen times the tokens of a step that suits a GPU, and far more than any that learns well: what does not fit into memory
# ends the process without a word.
MOST_LANES, MOST_CHUNK = 1024, 16_384
MOST_EPOCHS = 1_000_000

# Parameters of `train` that --from fixes.
_FIXED_BY_BASE_PACK = ("time_unit", "bins", "bin_count", "embedding", "hidden", "layers")

# Parameters of `train` that may be given with an option that fits one part of a pack only.
_FITS_ONLY = ("memory_only", "phrasing_only", "chords_only")
_ALLOWED_WITH_FITS_ONLY = ("sources", "out", *_FITS_ONLY, "threads", "workers", "cache")

# Parameters of `train` that the notebook's recipe does not fix.
_ALLOWED_WITH_NOTEBOOK = (
    *("sources", "out", "resume", "force", "time_budget", "recipe", "epochs", "random_seed"),
    *("precision", "threads", "workers", "cache"),
)

RecipeName = Literal["ours", "notebook"]
_DURATION = re.compile(r"(?:(?P<h>\d+(?:\.\d+)?)h)?(?:(?P<m>\d+(?:\.\d+)?)m)?(?:(?P<s>\d+(?:\.\d+)?)s?)?")


def parse_duration(text: str) -> float:
    """`90`, `90s`, `30m`, `1h30m` in seconds. Raises typer.BadParameter for anything else."""
    match = _DURATION.fullmatch(text.strip())
    seconds = sum(float(match[unit] or 0) * of for unit, of in (("h", 3600), ("m", 60), ("s", 1))) if match else 0.0
    if seconds <= 0:
        raise typer.BadParameter(f"{text!r} is no time; write it like 90s, 30m or 1h30m")
    return seconds


def train(
    context: typer.Context,
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER",
            help="Folders with MIDI files, each a corpus of its own; or files, globs, or a .txt that lists files.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The folder of the pack to write.")],
    resume: Annotated[bool, typer.Option(help="Resume an interrupted training.")] = False,  # noqa: FBT002  a flag
    force: Annotated[bool, typer.Option(help="Replace a pack, or a training, that is already there.")] = False,  # noqa: FBT002
    base_name: Annotated[str | None, typer.Option("--from", help="Start from the weights of this pack.")] = None,
    time_budget: Annotated[
        float | None, typer.Option(parser=parse_duration, metavar="TIME", help="The most time to use, such as 30m.")
    ] = None,
    tracks: Annotated[
        TrackChoice,
        typer.Option(
            help="Which tracks are learnt from: lead-like ones; melodic ones too, with chords; the one with the most notes; or all, merged."
        ),
    ] = "lead",
    drums: Annotated[bool, typer.Option(help="Learn from drum tracks too.")] = False,  # noqa: FBT002
    time_unit: Annotated[TimeUnit, typer.Option(help="The unit of the time between notes.")] = "beats",
    bins: Annotated[BinChoice, typer.Option(help="How the time bins are chosen.")] = "commonest",
    bin_count: Annotated[int, typer.Option(min=1, max=32, help="The largest number of time bins.")] = 32,
    recipe: Annotated[
        RecipeName, typer.Option(help="notebook: the recipe of the old experiment, for comparison; it takes hours.")
    ] = "ours",
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST_EPOCHS,
            help=f"The largest number of passes over the corpus: {DEFAULTS.epochs}, by the notebook's recipe {notebook.EPOCHS}.",
            show_default=False,
        ),
    ] = None,
    patience: Annotated[
        int, typer.Option(min=1, max=MOST_EPOCHS, help="Stop after this many epochs without a better held-out figure.")
    ] = DEFAULTS.patience,
    lanes: Annotated[
        int,
        typer.Option(
            min=0, max=MOST_LANES, help="Lines trained side by side; 0 for what suits the size of the corpus."
        ),
    ] = AUTO_LANES,
    chunk: Annotated[
        int, typer.Option(min=2, max=MOST_CHUNK, help="Tokens between two steps of the optimiser.")
    ] = DEFAULTS.chunk,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            min=LEAST_RATE,
            max=1.0,
            help=f"The size of the optimiser's steps: {DEFAULTS.learning_rate}; with --from {FINE_TUNING_RATE}.",
            show_default=False,
        ),
    ] = None,
    dropout: Annotated[
        float,
        typer.Option(
            min=0.0, max=0.9, help="The share of the network that is silent in each step, against overfitting."
        ),
    ] = SHAPE.dropout,
    embedding: Annotated[
        int, typer.Option(min=1, max=MOST_UNITS, help="How many numbers the network knows each token by.")
    ] = SHAPE.embedding,
    hidden: Annotated[
        int, typer.Option(min=1, max=MOST_UNITS, help="Units of each layer: more learn more, and play slower.")
    ] = SHAPE.hidden,
    layers: Annotated[int, typer.Option(min=1, max=MOST_LAYERS, help="Layers of the network.")] = SHAPE.layers,
    precision: Annotated[Precision, typer.Option(help="auto: bf16 where the hardware supports it.")] = "auto",
    beside_memory: Annotated[
        bool, typer.Option(help="Learn what a memory of the piece so far does not know: networks play beside one.")
    ] = DEFAULTS.beside_memory,
    most_repeats: Annotated[
        int,
        typer.Option(
            min=1, help="How often the pieces of a small corpus may come in a pass, each time in another key."
        ),
    ] = DEFAULTS.most_repeats,
    random_seed: Annotated[
        int, typer.Option(min=0, help="The random seed: equal ones give equal weights on one CPU.")
    ] = 0,
    threads: ThreadsOption = 0,
    workers: WorkersOption = 2,
    approach: Annotated[
        Approach | None, typer.Option(help="Train this approach only, and keep the other one of the existing pack.")
    ] = None,
    memory_only: Annotated[bool, typer.Option(help="Fit the memory of the existing pack, and train nothing.")] = False,  # noqa: FBT002
    phrasing_only: Annotated[bool, typer.Option(help="Fit touch and phrase ends only, and train nothing.")] = False,  # noqa: FBT002
    chords_only: Annotated[bool, typer.Option(help="Fit notes over chords only, and train nothing.")] = False,  # noqa: FBT002
    tensorboard: Annotated[Path | None, typer.Option(help="Write curves for TensorBoard into this folder.")] = None,
    cache: Annotated[
        Path, typer.Option(help="The cache of files that were read; it may be deleted at any time.", show_default=False)
    ] = USER_CACHE,
) -> None:
    """Train both approaches on folders of MIDI files, and write a pack."""
    torch.set_num_threads(threads or torch.get_num_threads())
    if memory_only or phrasing_only or chords_only:
        _fit_only(context, out, sources, cache, workers)
        return
    _check_options(context, recipe, base_name, approach)
    base_pack = open_pack(base_name) if base_name is not None else None
    existing_pack = (
        _open_existing_pack(out, "keep the other approach of; train both, without --approach")
        if approach is not None
        else None
    )
    _check_out(out, resume=resume, force=force, updates=existing_pack is not None)
    trained = [name for name in APPROACHES if approach in {None, name}]
    choice = LineSelection(tracks, drums, _time_unit_of(base_pack) if base_pack else time_unit)
    if recipe == "notebook":
        choice = LineSelection("merged", drums=True, time_unit="seconds")
    custom_recipe = replace(
        DEFAULTS,
        epochs=epochs or (notebook.EPOCHS if recipe == "notebook" else DEFAULTS.epochs),
        patience=patience,
        lanes=lanes,
        chunk=chunk,
        learning_rate=_learning_rate(learning_rate, base_pack),
        random_seed=random_seed,
        precision=precision,
        beside_memory=beside_memory,
        most_repeats=most_repeats,
    )
    shape = Hyperparameters(embedding=embedding, hidden=hidden, layers=layers, dropout=dropout)
    request = TrainingRequest(
        out=out,
        recipes=dict.fromkeys(trained, custom_recipe),
        existing_pack=existing_pack,
        base_pack=base_pack,
        shape=_shape_of(base_pack, trained, dropout) if base_pack else shape,
        choice=choice,
        bin_choice=bins,
        bin_count=bin_count,
        resume=resume,
        budget_s=time_budget,
        command=shlex.join(["fours", "train", *context.obj]),
    )
    with joined_world() as world, _resume_hint(out, context.obj, shown=world.is_first):
        if world.size > 1:
            # Fills the cache, from which all processes read.
            world.run_on_first(lambda: len(read_corpora(sources, cache, choice, workers)))
        corpora = read_corpora(sources, cache, choice, workers)
        if existing_pack is not None:
            _check_same_corpora(existing_pack.card, corpora, base_pack)
        if world.is_first:
            show_corpora(corpora)
        with ProgressBars(shown=world.is_first) as bars:
            if recipe == "notebook":
                card: Card | None = replay_experiment(corpora, request, bars.show_progress, world)
            else:
                card = build_pack(
                    corpora,
                    request,
                    bars.show_progress,
                    world,
                    partial(_tracker, tensorboard, out),
                    partial(show_vocabulary, choice.time_unit),
                )
    if card is not None:
        show_kept_weights(card, trained)
        if any(part.held_out for part in card.approaches.values()):
            console.print(held_out_table(card))
        play = f"fours jam --pack {shell_word(_pack_argument(out))}"
        console.print(f"Pack written to {printable(out)}. Play with it: {play}", soft_wrap=True)


def _pack_argument(out: Path) -> str:
    """What selects the pack at `out`: a single word would be a pack's name, and one of that name may come with the program."""
    return f"./{out}" if len(out.parts) == 1 else str(out)


def _given(context: typer.Context) -> dict[str, str]:
    """The parameters that the command line has, by name, and each one's option."""
    sources = {parameter: context.get_parameter_source(parameter.name or "") for parameter in context.command.params}
    return {
        parameter.name or "": parameter.opts[0]
        for parameter, source in sources.items()
        if source is not None and source.name == "COMMANDLINE"
    }


def _check_fits_only(context: typer.Context) -> None:
    option = next(f"--{name.replace('_', '-')}" for name in _FITS_ONLY if context.params[name])
    for name, superfluous in _given(context).items():
        if name not in _ALLOWED_WITH_FITS_ONLY:
            raise RecipeError(
                f"{option} trains nothing, and reads what the pack was trained on; leave out {superfluous}"
            )


def _fit_only(context: typer.Context, out: Path, sources: Sequence[Path], cache: Path, workers: int) -> None:
    """Fits what the options ask for, without a training."""
    _check_fits_only(context)
    if context.params["memory_only"]:
        _fit_memory(out, sources, cache, workers)
    if context.params["phrasing_only"]:
        _fit_phrasing(out, sources, cache, workers)
    if context.params["chords_only"]:
        _fit_chords(out, sources, cache, workers)


def _fit_memory(out: Path, sources: Sequence[Path], cache: Path, workers: int) -> None:
    pack = _open_existing_pack(out, "fit the memory of; train one first, without --memory-only")
    card = refit_memory(pack, read_corpora(sources, cache, choice_of(pack), workers))
    console.print(held_out_table(card))
    console.print(f"The memory's figures are on {out / CARD_FILE}.", soft_wrap=True)


def _fit_phrasing(out: Path, sources: Sequence[Path], cache: Path, workers: int) -> None:
    pack = _open_existing_pack(out, "fit the touch and the phrase ends of; train one first, without --phrasing-only")
    card = refit_phrasing(pack, read_corpora(sources, cache, choice_of(pack), workers))
    show_phrasing(card)
    console.print(f"Touch and phrase ends are on {out / CARD_FILE}.", soft_wrap=True)


def _fit_chords(out: Path, sources: Sequence[Path], cache: Path, workers: int) -> None:
    pack = _open_existing_pack(out, "fit the chords of; train one first, without --chords-only")
    card = refit_chords(pack, read_corpora(sources, cache, choice_of(pack), workers))
    for approach, part in card.approaches.items():
        for name, bits in (part.chords.held_out if part.chords else {}).items():
            console.print(
                f"{approach}, {name}, {bits.notes:,} notes: {bits.pitch_bits:.3f} bits per note, with chords "
                f"{bits.pitch_bits_with_chords:.3f}; with memory {bits.pitch_bits_with_memory:.3f}, with both "
                f"{bits.pitch_bits_with_memory_and_chords:.3f}",
                soft_wrap=True,
            )
    console.print(f"The tables of notes over chords are on {out / CARD_FILE}.", soft_wrap=True)


def _check_options(
    context: typer.Context, recipe: RecipeName, base_name: str | None, approach: Approach | None
) -> None:
    """Refuses options that would have no effect."""
    if recipe == "notebook" and (base_name is not None or approach is not None):
        raise RecipeError("the notebook's recipe trains both approaches from nothing; leave out --from and --approach")
    for name, option in _given(context).items():
        if recipe == "notebook" and name not in _ALLOWED_WITH_NOTEBOOK:
            raise RecipeError(f"the notebook's recipe is as it was; leave out {option}")
        if base_name is not None and name in _FIXED_BY_BASE_PACK:
            raise RecipeError(f"with --from the pack's shape, time unit and bins are kept; leave out {option}")


def _open_existing_pack(out: Path, purpose: str) -> Pack:
    """Opens the pack by its path alone: a pack that comes with the program may have the same name."""
    if path_fault(out) or not out.is_dir():
        raise OutputError(f"there is no pack at {shown_path(out)} to {purpose}")
    return open_pack(str(out.resolve()))


def _learning_rate(requested: float | None, base_pack: Pack | None) -> float:
    if requested is not None:
        return requested
    return DEFAULTS.learning_rate if base_pack is None else FINE_TUNING_RATE


def _time_unit_of(pack: Pack) -> TimeUnit:
    bins = pack.card.approaches["event"].bins
    return bins.unit if bins else "beats"


def _shape_of(pack: Pack, approaches: Sequence[Approach], dropout: float) -> Hyperparameters:
    """The shape of both networks, with this dropout. Networks that were trained one by one may differ in shape."""
    shapes = {pack.card.approaches[approach].network.model_copy(update={"dropout": dropout}) for approach in approaches}
    if len(shapes) > 1:
        raise CorpusError(
            f"the two networks of {pack.name} differ in shape, so both cannot be trained on; use --approach"
        )
    return shapes.pop()


def _check_out(out: Path, *, resume: bool, force: bool, updates: bool) -> None:
    if not out.name:
        raise OutputError(f"{out} is no place for a pack; name a folder of its own with --out")
    if fault := path_fault(out) or path_fault(training_folder(out)):
        raise OutputError(f"{shown_path(out)} {fault}; choose another --out")
    if out.exists() and not (force or updates):
        raise OutputError(f"{out} is already there; choose another --out, or use --force to replace it")
    if has_unfinished_training(out) and not (force or resume):
        raise OutputError(f"a training of {out} was interrupted; resume it with --resume, or start again with --force")


def _check_same_corpora(card: Card, corpora: Sequence[Corpus], base_pack: Pack | None) -> None:
    """The card names one list of corpora for both approaches, so both must have been trained on the same ones."""
    trained_on, now = {source.name for source in card.corpora}, {corpus.name for corpus in corpora}
    if trained_on != now | {source.name for source in (base_pack.card.corpora if base_pack else ())}:
        raise CorpusError(
            f"the existing pack was trained on {', '.join(sorted(trained_on))}; one approach can be trained again on the "
            f"same, from the same pack"
        )


@contextmanager
def _resume_hint(out: Path, arguments: Sequence[str], *, shown: bool) -> Iterator[None]:
    """On Ctrl-C: prints how to resume the training, and exits with status 130, as a shell expects."""
    try:
        yield
    except KeyboardInterrupt:
        if shown and has_unfinished_training(out):
            # --force is needed again where the pack that is to be replaced still exists, and only there.
            superfluous = {"--resume"} if out.exists() else {"--resume", "--force"}
            resume_arguments = [argument for argument in arguments if argument not in superfluous]
            console.print(
                f"Stopped; nothing is lost. Go on with: {' '.join(map(shell_word, ['fours', 'train', *resume_arguments, '--resume']))}",
                soft_wrap=True,
            )
        raise SystemExit(130) from None


def _tracker(folder: Path | None, out: Path, approach: Approach) -> Tracker:
    if folder is None:
        return NO_TRACKER
    try:
        return TensorBoardTracker(folder / f"{out.name}-{approach}")
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written ({error.strerror or error}); choose another --tensorboard"
        ) from error


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command on `arguments`, or on those of this process; reports errors as one sentence."""
    run_command(train, "fours train", arguments)
