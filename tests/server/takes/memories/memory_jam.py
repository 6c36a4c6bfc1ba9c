"""A jam of untrained networks that remember what they hear."""

from collections.abc import Sequence

from bridge.midi.messages import NoteOn
from model.approach import APPROACHES, Approach
from model.improvising.improvisers import create_improviser
from model.memory.backoff import DEFAULT_BACKOFFS
from model.memory.memory import Memory
from model.notes import Note
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary
from server.controls.control_table import Value
from server.jam.jam import Jam
from server.jam.jam_output import TimedMessage
from tests.engines import RandomEngine
from tests.music import line
from tests.server.jams import as_played, do_all_work, plain_settings, run_jam_until
from tests.tiny_pack import VOCABULARIES

RIFF = line(60, 63, 65, 66, 65, 63, 60, 58, 60, 63, 65, 66, 70, 66, 65, 63)


class MemoryJam:
    """A jam of untrained networks, each with a memory."""

    def __init__(self, approach: Approach = "pitch", **controls: Value) -> None:
        vocabularies: dict[Approach, PitchVocabulary | EventVocabulary] = dict(VOCABULARIES)
        self.memories = {name: Memory(vocabularies[name], DEFAULT_BACKOFFS[name]) for name in APPROACHES}
        improvisers = {
            name: create_improviser(RandomEngine(vocabularies[name].size, 3), vocabularies[name], self.memories[name])
            for name in APPROACHES
        }
        settings = plain_settings(approach=approach, answer_length=16.0)
        for name, value in controls.items():
            settings = settings.with_value(name, value)
        self.jam = Jam(improvisers, settings, 1)
        self.beat = 0.0

    def play(self, notes: Sequence[Note]) -> None:
        start_beats = self.beat
        for timed in as_played(notes):
            self.run_until(start_beats + timed.beat)
            self.jam.receive(timed.message, start_beats + timed.beat)

    def run_until(self, beat: float) -> list[TimedMessage]:
        self.beat = beat
        return run_jam_until(self.jam, beat)

    def next_answer_pitches(self) -> list[int]:
        """Runs through the next answer, and returns its pitches."""
        return [item.message.pitch for item in self.run_until(self.beat + 20.0) if isinstance(item.message, NoteOn)]

    def do_all_work(self) -> None:
        do_all_work(self.jam)
