"""Says, each sentence once, that the notes which should make chords make none. It reads no clock and sends nothing."""

from model.harmony.chord import OCTAVE
from model.harmony.chord_naming import FEWEST_PITCH_CLASSES, MOST_PITCH_CLASSES
from server.controls.control_table import Settings

# So many hands of one or two notes in a row, with no chord among them, are no left hand that rests on a root and a fifth now and then.
UNNAMED_HANDS = 8


class ChordRemarks:
    """Follows the keys of the chords. A hand is all that goes down from the first key until every key is up again."""

    def __init__(self) -> None:
        self._held: set[int] = set()
        self._hand: set[int] = set()  # the pitch classes of this hand
        self._small_hands = 0
        self._said: set[str] = set()
        self._waiting: list[str] = []

    def press(self, pitch: int, settings: Settings) -> None:
        """A key of the chords goes down."""
        self._held.add(pitch)
        self._hand.add(pitch % OCTAVE)
        if len({held % OCTAVE for held in self._held}) > MOST_PITCH_CLASSES:
            self._say(
                f"{_source(settings)} had more than {MOST_PITCH_CLASSES} different notes at once, which name no chord, so the chord "
                f"before them stays; a chord has {FEWEST_PITCH_CLASSES} to {MOST_PITCH_CLASSES}"
            )

    def release(self, pitch: int, settings: Settings) -> None:
        """A key of the chords comes up."""
        if pitch not in self._held:
            return
        self._held.discard(pitch)
        if self._held:
            return
        self._small_hands = self._small_hands + 1 if len(self._hand) < FEWEST_PITCH_CLASSES else 0
        self._hand.clear()
        if self._small_hands >= UNNAMED_HANDS:
            self._say(
                f"{_source(settings)} had one or two notes at a time so far, which name no chord, so the chord before them stays; a "
                f"chord has {FEWEST_PITCH_CLASSES} to {MOST_PITCH_CLASSES} different notes"
            )

    def take(self) -> list[str]:
        """The sentences that are new since the last call."""
        taken, self._waiting = self._waiting, []
        return taken

    def _say(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            self._waiting.append(sentence)


def _source(settings: Settings) -> str:
    if settings.chords_from == "channel":
        return f"the chord channel, {settings.chord_channel},"
    return f"the keys below note {settings.chords_below}, which play the chords,"
