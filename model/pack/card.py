"""`Card`: everything about a trained pack except the weights, in one checked JSON file; opens no other file."""

from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from model.approach import APPROACHES, Approach
from model.defaults import DEFAULT_TEMPO_BPM
from model.engines.network_shape import Hyperparameters
from model.errors import PackError, cut_short
from model.harmony.preference.chord_preference import ChordPreference
from model.memory.backoff import DEFAULT_BACKOFFS, Backoff, Trust
from model.memory.context_kinds import ContextKind, kind_named
from model.pack.card_phrasing import CardPhrasing
from model.phrasing.phrasing import PLAIN, Phrasing
from model.tokens.time_bins import TimeBins, TimeUnit
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary

PACK_FORMAT = 1
CARD_FILE = "card.json"

LONGEST_FILE_NAME = 255
"""In bytes, with its suffix: the limit of common file systems."""
LONGEST_SHOWN = 200
"""In characters: an error shows only the beginning of a longer text."""
LARGEST_CARD_BYTES = 16 << 20
"""A training of a thousand epochs has a card of some hundred kilobytes."""

Pitch = Annotated[int, Field(ge=0, le=127)]


def _check_file_name(name: str) -> str:
    """Refuses a path, as all files of a pack lie in its folder, and a name that no file can have."""
    if len(name.encode(errors="replace")) > LONGEST_FILE_NAME:
        raise ValueError("a file's name has 255 bytes at most")
    if not name or "\0" in name or {"/", "\\"} & set(name):
        raise ValueError("a file of a pack lies in its folder")
    return name


FileName = Annotated[str, AfterValidator(_check_file_name)]


class CardPart(BaseModel):
    # A NaN would pass most checks of a range, and what is computed with it plays no note and ends none.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class CardBins(CardPart):
    """The time bins of the event vocabulary: the shift that each one plays, and the edges between them, in `unit`."""

    unit: TimeUnit = "beats"
    choice: str
    shifts: tuple[float, ...]
    edges: tuple[float, ...]

    def to_time_bins(self, tempo_bpm: float) -> TimeBins:
        """The bins in beats. Bins in seconds are converted at `tempo_bpm`.

        Raises ValueError where shifts and edges contradict each other.
        """
        beats_per_unit = tempo_bpm / 60 if self.unit == "seconds" else 1.0
        shifts, edges = (tuple(value * beats_per_unit for value in values) for values in (self.shifts, self.edges))
        return TimeBins(shifts, edges)


class HeldOut(CardPart):
    """How well the network predicts music that it was not trained on, in bits per note; `time_bits` for `event` only.

    The bits `with_memory` are those of the network together with a memory of each piece so far. `ppm` holds the bits of
    interpolated PPM baselines by order, trained on the same transposed copies, pitch and time together; `ppm_time` is the
    part of them for time.
    """

    notes: int
    pitch_bits: float
    time_bits: float | None = None
    pitch_bits_with_memory: float | None = None
    time_bits_with_memory: float | None = None
    ppm: dict[str, float] = {}
    ppm_time: dict[str, float] = {}


class ContextTrust(CardPart):
    """The numbers of `model.memory.backoff.Trust`: a concentration for each context by its name, from the least trusted one up."""

    concentrations: dict[str, float]
    variety: float
    evidence: float

    @classmethod
    def from_trust(cls, trust: Trust) -> Self:
        names = map(str, trust.kinds)
        return cls(
            concentrations=dict(zip(names, trust.concentrations, strict=True)),
            variety=trust.variety,
            evidence=trust.evidence,
        )

    def to_trust(self) -> Trust:
        """Raises ValueError where a context has no such name, or a number is not possible."""
        kinds = tuple(map(kind_named, self.concentrations))
        return Trust(kinds, tuple(self.concentrations.values()), self.variety, self.evidence)


class MemoryTrust(CardPart):
    """How far a memory is trusted beside the network: the numbers of `model.memory.backoff.Backoff`, fitted on validation music."""

    notes: ContextTrust
    times: ContextTrust | None = None

    @classmethod
    def from_backoff(cls, backoff: Backoff) -> Self:
        times = None if backoff.times is None else ContextTrust.from_trust(backoff.times)
        return cls(notes=ContextTrust.from_trust(backoff.notes), times=times)

    def to_backoff(self, approach: Approach) -> Backoff:
        """Raises ValueError where the numbers contradict each other or the approach."""
        if (self.times is None) != (approach == "pitch"):
            raise ValueError("a memory of the event approach has numbers for times, and no other has")
        return Backoff(self.notes.to_trust(), None if self.times is None else self.times.to_trust())


class OlderMemoryTrust(CardPart):
    """The same on older cards, whose memories did not know the bar: concentrations by the number of tokens in a
    context, with the pitches as intervals and as they are.
    """

    intervals: tuple[float, ...]
    tokens: tuple[float, ...]
    variety: float
    evidence: float

    def to_backoff(self, approach: Approach) -> Backoff:
        """The same contexts, trusted as far as before. Raises ValueError where the number of concentrations is wrong."""
        lengths = (1, 2, 3, 4, 6, 8, 12, 16)
        if not len(self.intervals) == len(self.tokens) == len(lengths):
            raise ValueError(f"an older memory has {len(lengths)} concentrations of either kind")
        kinds = tuple(ContextKind(line, length) for length in lengths for line in ("steps", "tokens"))
        concentrations = tuple(chain.from_iterable(zip(self.intervals, self.tokens, strict=True)))
        trust = Trust(kinds, concentrations, self.variety, self.evidence)
        return Backoff(trust, trust if approach == "event" else None)


class ChordFigures(CardPart):
    """How well the network predicts the pitches of music with chord tracks, in bits per note, without and with the chords."""

    notes: int
    pitch_bits: float
    pitch_bits_with_chords: float
    pitch_bits_with_memory: float
    pitch_bits_with_memory_and_chords: float


class ChordTables(CardPart):
    """The numbers of `model.harmony.preference.chord_preference.ChordPreference` (notes over chords), and figures by corpus.

    `memory` has the concentrations of the memory's contexts over chords, by name; older cards have none, and no `song_spread`: they play
    every song with the same strengths.
    """

    by_place: tuple[float, ...]
    by_next: tuple[float, ...]
    by_interval: tuple[float, ...]
    strength: float
    strength_with_memory: float | None = None
    song_spread: float = 0.0
    ends: tuple[float, ...] = ()
    memory: dict[str, float] = {}
    held_out: dict[str, ChordFigures] = {}

    def to_trust(self, notes: Trust) -> Trust | None:
        """How far the contexts over chords are trusted, as evenly as those before any note; None where there are none.

        Raises ValueError where a context has no such name, or a number is not possible.
        """
        if not self.memory:
            return None
        kinds = tuple(map(kind_named, self.memory))
        return Trust(kinds, tuple(self.memory.values()), notes.variety, notes.evidence)


class Epoch(CardPart):
    """One pass over the corpus: bits per token during training, and bits per note on the validation music after it.

    `seconds` and `tokens` count from the start of the training.
    """

    epoch: int
    training_bits: float | None = None
    valid_bits: float | None = None
    seconds: float
    tokens: int


class Training(CardPart):
    """How the weights were trained. Bits are per note on the validation music: by torch, and by each ONNX graph.

    `base` is the pack that the training started from; empty where it started from random weights.
    """

    command: str = ""
    base: str = ""
    device: str = "cpu"
    tracks: str = "lead"
    drums: bool = False
    epochs: int
    best_epoch: int
    tokens_per_epoch: int
    seconds: float
    random_seed: int
    recipe: dict[str, int | float | str] = {}
    valid_bits: float | None = None
    int8_bits: float | None = None
    fp32_bits: float | None = None
    history: tuple[Epoch, ...] = ()


class ApproachCard(CardPart):
    """One trained network: its vocabulary, shape, files (name to SHA-256) and figures."""

    pitches: tuple[Pitch, ...] = Field(min_length=1)
    bins: CardBins | None = None
    network: Hyperparameters
    files: dict[FileName, str]
    training: Training
    held_out: dict[str, HeldOut] = {}
    memory: MemoryTrust | OlderMemoryTrust | None = None
    chords: ChordTables | None = None


class Source(CardPart):
    """A corpus that was trained on, with the attribution that its licence requires."""

    name: str
    files: int
    notes: int
    licences: dict[str, int] = {}
    sources: tuple[str, ...] = ()
    attribution: str = ""


class Card(CardPart):
    """The whole card."""

    format: Literal[1] = 1
    name: str
    corpora: tuple[Source, ...] = ()
    approaches: dict[Approach, ApproachCard]
    phrasing: CardPhrasing | None = None

    def vocabulary(self, approach: Approach, tempo_bpm: float = DEFAULT_TEMPO_BPM) -> PitchVocabulary | EventVocabulary:
        """The vocabulary that the approach's weights were trained with, with time bins in beats.

        Bins in seconds are converted at `tempo_bpm`. Raises PackError where the card's vocabulary contradicts itself.
        """
        part = self.approaches[approach]
        if approach == "pitch":
            return PitchVocabulary(part.pitches)
        if part.bins is None:
            raise PackError(f"pack {self.name}: the card's event vocabulary has no time bins; train the pack again")
        try:
            return EventVocabulary(part.pitches, part.bins.to_time_bins(tempo_bpm))
        except ValueError as error:
            raise PackError(
                f"pack {self.name}: the card's time bins are wrong ({error}); train the pack again"
            ) from error

    def backoff(self, approach: Approach) -> Backoff:
        """How far the approach's memory is trusted; the default where the card has no entry.

        Raises PackError where the entry contradicts itself.
        """
        part = self.approaches[approach]
        try:
            plain = DEFAULT_BACKOFFS[approach] if part.memory is None else part.memory.to_backoff(approach)
            return plain if part.chords is None else replace(plain, chords=part.chords.to_trust(plain.notes))
        except ValueError as error:
            raise PackError(f"pack {self.name}: the card's memory is wrong ({error}); train the pack again") from error

    def chord_preference(self, approach: Approach) -> ChordPreference | None:
        """What the approach has learnt of notes over chords; None where the card has no tables.

        Raises PackError where they contradict themselves.
        """
        tables = self.approaches[approach].chords
        if tables is None:
            return None
        try:
            return _preference_of(tables)
        except ValueError as error:
            raise PackError(f"pack {self.name}: the card's chords are wrong ({error}); train the pack again") from error

    def to_phrasing(self) -> Phrasing:
        """The touch and the phrase ends of the corpora; plain ones where the card has no entry, as older cards have
        none.

        Raises PackError where the entry contradicts itself.
        """
        if self.phrasing is None:
            return PLAIN
        try:
            return self.phrasing.to_phrasing()
        except ValueError as error:
            raise PackError(
                f"pack {self.name}: the card's phrasing is wrong ({error}); train the pack again"
            ) from error


def _preference_of(tables: ChordTables) -> ChordPreference:
    return ChordPreference(
        tables.by_place,
        tables.by_next,
        tables.by_interval,
        tables.strength,
        tables.ends,
        tables.strength_with_memory,
        tables.song_spread,
    )


def read_card(folder: Path) -> Card:
    """Reads and checks the card of the pack in `folder`.

    Raises PackError where it is missing, cut off, of another version, or incomplete.
    """
    path = folder / CARD_FILE
    try:
        # Opening a pipe would wait without end.
        if path.exists() and not path.is_file():
            raise PackError(f"{path} is no file; copy the pack again")
        if path.stat().st_size > LARGEST_CARD_BYTES:
            raise PackError(
                f"{path} is larger than {LARGEST_CARD_BYTES >> 20} MB, which no card is; copy the pack again"
            )
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise PackError(f"{folder} is no pack: it has no {CARD_FILE}; `fours packs` lists those there are") from error
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(f"{path} cannot be read: {error}") from error
    try:
        card = Card.model_validate_json(text)
    except ValidationError as error:
        raise PackError(_describe_error(path, error)) from error
    # Packs can be renamed: what is said of a card names the folder, by which the pack was chosen.
    card = card.model_copy(update={"name": folder.resolve().name})
    missing = [approach for approach in APPROACHES if approach not in card.approaches]
    if missing:
        raise PackError(f"{path} describes no {' and no '.join(missing)} model; a pack holds both approaches")
    return card


def _describe_error(path: Path, error: ValidationError) -> str:
    first = error.errors()[0]
    where = cut_short(".".join(str(step) for step in first["loc"]), LONGEST_SHOWN)
    if first["type"] == "json_invalid":
        return f"{path} is not whole JSON ({first['msg']}); copy the pack again"
    if where == "format":
        shown = repr(first["input"])[:LONGEST_SHOWN]
        return f"{path} is of pack format {shown}; this program reads format {PACK_FORMAT}"
    if first["type"] == "extra_forbidden":
        return f"{path}: this program does not know {where}; a newer one may have made the pack, so update this one or train the pack again"
    return f"{path}: {f'{where}: ' if where else ''}{first['msg'].lower()}; train the pack again or copy it again"
