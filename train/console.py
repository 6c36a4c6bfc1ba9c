"""What `fours train` prints on a terminal: the corpora, the progress and the results; knows no command-line option."""

import math
import os
import shlex
import statistics
import string
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from model.approach import Approach
from model.pack.card import Card
from model.tokens.time_bins import TimeUnit
from model.tokens.vocabulary import EventVocabulary
from train.build import Vocabulary
from train.corpus.corpora import SPLITS, Corpus
from train.corpus.manifest import printable
from train.corpus.reading import NOMINAL_TEMPO_BPM
from train.learning.trainer import Progress as Step
from train.report.wording import counted

# A file name may look like markup of rich: "Song [live].mid".
console = Console(stderr=True, markup=False, emoji=False, highlight=False)
# How many files are named of those that were left out for one reason.
NAMED = 3


def shell_word(word: str | Path) -> str:
    """A word of a command, quoted for a shell; if its bytes are not UTF-8, by their numbers, as bash and zsh read them."""
    text = str(word)
    try:
        text.encode()
    except UnicodeEncodeError:
        plain = frozenset(string.ascii_letters + string.digits + "/.-_ ")
        letters = [chr(byte) if chr(byte) in plain else f"\\x{byte:02x}" for byte in os.fsencode(text)]
        return f"$'{''.join(letters)}'"
    return shlex.quote(text)


class ProgressBars:
    """One bar per approach, which counts the steps of all epochs, and one line per epoch."""

    def __init__(self, *, shown: bool = True) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=not shown,
        )
        self._tasks: dict[Approach, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def show_progress(self, approach: Approach, step: Step) -> None:
        """Moves the bar of an approach to this step; at the end of an epoch it prints a line.

        It can be passed as `train.build.OnProgress`.
        """
        if step.epoch == 0:
            if step.valid_bits is not None and not math.isnan(step.valid_bits):
                console.print(f"{approach} before training: held out {step.valid_bits:.4f} bits/note", soft_wrap=True)
            return
        if approach not in self._tasks:
            self._tasks[approach] = self._progress.add_task(approach, total=step.epochs * step.steps, speed="")
        self._progress.update(
            self._tasks[approach],
            total=step.epochs * step.steps,
            completed=(step.epoch - 1) * step.steps + step.step,
            speed=f"{step.tokens_per_s:,.0f} tokens/s",
            refresh=False,
        )
        if step.valid_bits is not None:
            held_out = f"held out {step.valid_bits:.4f} bits/note{' (best)' if step.is_best else ''}"
            console.print(
                f"{approach} epoch {step.epoch}: training {step.loss_bits:.3f} bits/token, "
                f"{'nothing held out' if math.isnan(step.valid_bits) else held_out}, "
                f"{step.tokens_per_s:,.0f} tokens/s",
                soft_wrap=True,
            )


def show_corpora(corpora: Sequence[Corpus]) -> None:
    """Prints what was found, what was left out and why, and what follows from it."""
    table = Table("corpus", "side", "files", "lines", "notes", title="Found", title_justify="left")
    for corpus in corpora:
        for split in SPLITS:
            lines = corpus.lines[split]
            table.add_row(corpus.name, split, str(corpus.files(split)), str(len(lines)), f"{corpus.notes(split):,}")
    console.print(table)
    for corpus in corpora:
        for sentence in _what_was_wrong(corpus):
            console.print(sentence, style="yellow", soft_wrap=True)
    for corpus in corpora:
        console.print(_description(corpus), soft_wrap=True)
        if corpus.duplicates_across_splits:
            count = corpus.duplicates_across_splits
            duplicates = "1 file is a near-duplicate" if count == 1 else f"{count:,} files are near-duplicates"
            console.print(
                f"{corpus.name}: {duplicates} of one on another side of its manifest's split",
                style="yellow",
                soft_wrap=True,
            )
    if not any(corpus.lines["valid"] for corpus in corpora):
        has_test = any(corpus.lines["test"] for corpus in corpora)
        why = (
            "No file is on the validation side of the split"
            if has_test
            else "Nothing is held out, as there are too few files: all are learnt from"
        )
        console.print(
            f"{why}, and the last epoch is kept, since no epoch can be called the best.",
            style="yellow",
            soft_wrap=True,
        )


def _what_was_wrong(corpus: Corpus) -> Iterator[str]:
    """What was left out, or read although something is wrong with it: a sentence for each reason, with the first names."""
    kinds = (
        ("left out", "file", "", [(broken.reason, printable(broken.file)) for broken in corpus.broken]),
        ("read all the same", "file", "", [(broken.reason, printable(broken.file)) for broken in corpus.incomplete]),
        ("left out", "file", "", [(_why_without_lead(corpus, file), printable(file)) for file in corpus.without_lead]),
        ("left out", "row", " of the manifest", [("has no file", path) for path in corpus.rows_without_file]),
    )
    for verb, thing, of, items in kinds:
        by_reason: dict[str, list[str]] = defaultdict(list)
        for reason, name in items:
            by_reason[reason].append(name)
        for reason, names in by_reason.items():
            which = "which" if len(names) == 1 else "each of which"
            named = ", ".join(Path(name).name for name in names[:NAMED])
            more = ", ..." if len(names) > NAMED else ""
            yield f"{corpus.name}: {verb} {counted(len(names), thing)}{of}, {which} {reason}: {named}{more}"


def _why_without_lead(corpus: Corpus, file: Path) -> str:
    return "holds no notes, or only drums" if file in corpus.without_notes else "has no line to learn from"


def _description(corpus: Corpus) -> str:
    keys = Counter(corpus.keys)
    commonest = ", ".join(f"{key} {count}" for key, count in keys.most_common(4))
    slowest, middle, fastest = min(corpus.tempi_bpm), statistics.median(corpus.tempi_bpm), max(corpus.tempi_bpm)
    near_duplicates = f", {counted(corpus.near_duplicates, 'near-duplicate')}" if corpus.near_duplicates else ""
    hours = corpus.seconds / 3600
    length = f"{hours:,.1f} hours" if hours >= 1 else f"{corpus.seconds / 60:.1f} minutes"
    return (
        f"{corpus.name}: {counted(corpus.found, 'file')}{near_duplicates}, {length}; in {counted(len(keys), 'key')} ({commonest}); "
        f"tempi {slowest:.0f} to {fastest:.0f}, median {middle:.0f}"
    )


def show_vocabulary(unit: TimeUnit, approach: Approach, vocabulary: Vocabulary) -> None:
    """Prints the pitches and, for event, the time bins in `unit`."""
    pitches = f"{len(vocabulary.pitches)} {'pitch' if len(vocabulary.pitches) == 1 else 'pitches'}, {vocabulary.pitches[0]} to {vocabulary.pitches[-1]}"
    if isinstance(vocabulary, EventVocabulary):
        shifts = ", ".join(_shift_text(shift, unit) for shift in vocabulary.bins.shifts)
        pitches += f"; {counted(len(vocabulary.bins), 'time bin')}, in {unit}: {shifts}"
    console.print(f"{approach}: {pitches}", soft_wrap=True)


def _shift_text(beats: float, unit: TimeUnit) -> str:
    """1/3 or 3/2 for a shift on the grid of 1/24 beat, otherwise three digits."""
    if unit == "seconds":
        return f"{beats * 60 / NOMINAL_TEMPO_BPM:.3g}"
    fraction = Fraction(beats).limit_denominator(24)
    return str(fraction) if abs(fraction - Fraction(beats)) < Fraction(1, 1000) else f"{beats:.3g}"


def show_kept_weights(card: Card, trained: Sequence[Approach]) -> None:
    """Prints a line for each of the trained networks that has the weights of the pack it started from, as no epoch was better."""
    for approach in trained:
        training = card.approaches[approach].training
        # Epoch 0 is that of the weights before training.
        if training.base and training.epochs and training.best_epoch == 0 and training.valid_bits is not None:
            console.print(
                f"{approach} keeps {training.base}'s weights: no epoch was better than they are on what is held out",
                style="yellow",
                soft_wrap=True,
            )


def held_out_table(card: Card) -> Table:
    """Bits per note on the test files: a row for each approach and corpus."""
    table = Table(
        "approach",
        "corpus",
        "pitch",
        "time",
        "with memory",
        "best PPM",
        title="Bits per note, test files",
        title_justify="left",
    )
    for approach, part in card.approaches.items():
        for corpus, held_out in part.held_out.items():
            time_bits = "" if held_out.time_bits is None else f"{held_out.time_bits:.3f}"
            with_memory = [held_out.pitch_bits_with_memory, held_out.time_bits_with_memory]
            order, best = min(held_out.ppm.items(), key=lambda item: item[1], default=("", math.nan))
            table.add_row(
                approach,
                corpus,
                f"{held_out.pitch_bits:.3f}",
                time_bits,
                " + ".join(f"{bits:.3f}" for bits in with_memory if bits is not None),
                f"{best:.3f} ({order})" if order else "",
            )
    return table


def show_phrasing(card: Card) -> None:
    """Prints one line about the touch of a card and one about its phrase ends: what each was fitted to."""
    phrasing = card.phrasing
    touch = phrasing.touch if phrasing else None
    ends = phrasing.ends if phrasing else None
    if touch is None:
        console.print("Touch       none: the corpora have no lines to learn it from")
    elif touch.loudness_notes:
        console.print(
            f"Touch       loudness of {counted(touch.loudness_notes, 'note')}, lengths of {touch.length_notes}"
        )
    else:
        console.print(
            f"Touch       lengths of {counted(touch.length_notes, 'note')}; no corpus has dynamics note by note"
        )
    console.print(
        f"Phrase ends {counted(ends.phrases, 'phrase')}" if ends else "Phrase ends none: there are too few phrases"
    )
