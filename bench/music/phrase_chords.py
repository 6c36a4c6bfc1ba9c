"""How often the chord of a bar is named right from the melody alone (`chords_from = phrase`), in songs that no pack was trained on.

Bars of the test songs of openewld_pd that have a melody and chords. A bar's chord is the one that lasts longest in it. The alternatives are
one chord for the whole song: that of its first bar, and the one that is right most often, which nobody could know beforehand.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from bench.corpora import CORPORA
from bench.table import show
from bridge.timing.meter import Meter
from bridge.timing.timeline import Timeline
from model.harmony.chord import Chord
from server.jam.chords.chord_listener import ChordListener
from train.chords.chord_lines import ChordLine, chord_lines
from train.corpus.cache import USER_CACHE
from train.corpus.corpora import read_corpora
from train.corpus.reading import LineSelection

TEMPO_BPM = 120.0
RIGHT: Mapping[str, Callable[[Chord, Chord], bool]] = {
    "root and family": lambda named, true: (named.root, named.kind) == (true.root, true.kind),
    "root": lambda named, true: named.root == true.root,
    "two notes or more in common": lambda named, true: len(_pitch_classes(named) & _pitch_classes(true)) >= 2,
}
BY_PHRASE, FIRST, COMMONEST = "the melody of the bar", "the first chord of the song", "the commonest chord of the song"


def run() -> None:
    """Prints the table."""
    (corpus,) = read_corpora([CORPORA / "openewld_pd"], USER_CACHE, LineSelection())
    songs = [bars for line in chord_lines(corpus, "test") if (bars := list(_bars(line)))]
    total = sum(map(len, songs))
    right: dict[str, Counter[str]] = defaultdict(Counter)
    unnamed = 0
    for bars in songs:
        trues = [true for true, _ in bars]
        guesses: dict[str, Sequence[Chord | None]] = {
            BY_PHRASE: [named for _, named in bars],
            FIRST: [trues[0]] * len(bars),
            COMMONEST: [Counter(trues).most_common(1)[0][0]] * len(bars),
        }
        unnamed += sum(named is None for _, named in bars)
        for who, named in guesses.items():
            _count(right[who], named, trues)
    show(
        f"{total} bars of {len(songs)} test songs of openewld_pd; no chord was named in {unnamed / total:.1%}",
        ("chord from", *RIGHT),
        [(who, *(f"{right[who][kind] / total:.1%}" for kind in RIGHT)) for who in (BY_PHRASE, FIRST, COMMONEST)],
    )


def _count(right: Counter[str], named: Sequence[Chord | None], trues: Sequence[Chord]) -> None:
    for guess, true in zip(named, trues, strict=True):
        right.update(kind for kind, is_right in RIGHT.items() if guess is not None and is_right(guess, true))


def _bars(line: ChordLine) -> Iterator[tuple[Chord, Chord | None]]:
    """The true chord of each bar that has notes and a chord, and the one that a jam names at the bar's end."""
    span = line.changes.at(line.notes[len(line.notes) // 2].onset_beats)
    if span is None:
        return
    bar_beats = span.beats_per_bar
    whole = bar_beats == round(bar_beats)
    meter = Meter(round(bar_beats), 4) if whole else Meter(round(2 * bar_beats), 8)
    timeline = Timeline.start(TEMPO_BPM, meter=meter).with_downbeat(
        line.changes.bar_line_before(line.notes[0].onset_beats)
    )
    listener = ChordListener()  # which is never told that a bar is over, so it foresees no form
    for bar in range(timeline.bar_at(line.notes[-1].onset_beats)[0] + 1):
        start, end = timeline.bar_line(bar), timeline.bar_line(bar + 1)
        notes = [note for note in line.notes if note.onset_beats < end and note.end_beats > start]
        true = _longest(line, start, end)
        if true is None or not notes:
            continue
        listener.hear_phrase(notes, timeline, bar)
        yield true, None if listener.changes is None else listener.changes.chart.bars[0].chords[0]


def _longest(line: ChordLine, start: float, end: float) -> Chord | None:
    """The chord that sounds longest between two beats; of equals the first."""
    beats: dict[Chord, float] = defaultdict(float)
    for begin, until, chord in line.changes.spans:
        if (overlap := min(until, end) - max(begin, start)) > 0.0:
            beats[chord] += overlap
    return max(beats, key=lambda chord: beats[chord]) if beats else None


def _pitch_classes(chord: Chord) -> frozenset[int]:
    return frozenset((chord.root + interval) % 12 for interval in chord.intervals)
