"""A session in Ardour with a jam beside it, both started again, and the case repeated, where a busy machine spoils it.

Ardour holds the session: its clock leads the jam, a region of it plays the phrase, and it records the answer.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.daw import ardour_program
from bench.daw.ardour_program import Ardour, ArdourError
from bench.daw.ardour_rolls import go_to_start, settle, stop, wire
from bench.daw.ardour_session import Region, running_session, split_tracks
from bridge.timing.clock import MonotonicClock
from model.files.midi.midi_writer import as_midi
from model.files.song import Track
from model.notes import Note
from tests.server.jam_process import RunningJam, running_jam

log = logging.getLogger("fours.tests.daw")

TEMPO_BPM = 150.0
BAR_BEATS = 4
BARS = 12
LOOP_BARS = (2, 4)
"""From the beginning of the third bar to the end of the fourth, counted from 0."""
TO, FROM = "To the partner", "From the partner"
PHRASE = [Note(60, 0.0, 0.9, 90), Note(62, 1.0, 0.9, 80), Note(64, 2.0, 0.9, 70), Note(67, 3.0, 0.5, 100)]
STEP_BEATS = 0.5
ATTEMPTS = 4
NO_NEW_ATTEMPT_AFTER_S = 240.0
"""With this a case ends, one way or the other, before pytest ends it."""


@dataclass(frozen=True, slots=True)
class Players:
    """The DAW and the jam beside it, wired: the clock has been heard, and it is known that Ardour sends positions in ticks."""

    daw: Ardour
    jam: RunningJam


class Studio:
    """Opens session and jam when they are needed, and keeps them from case to case."""

    def __init__(self, pack: Path, folder: Path) -> None:
        self._pack = pack
        self._folder = folder
        self._number = 0
        self._open = ExitStack()
        self._players: Players | None = None

    def play(self, case: Callable[[Players], None]) -> None:
        """Plays a case with the song stopped at its start; with a new session where one failed.

        Raises the error of the last attempt: a case that fails each time is at fault, and not the machine.
        """
        clock = MonotonicClock()
        until_s = clock.now_s() + NO_NEW_ATTEMPT_AFTER_S
        for attempt in range(1, ATTEMPTS + 1):
            try:
                if self._players is None:
                    self._players = self._open.enter_context(self._playing())
                go_to_start(self._players.daw)
                case(self._players)
                stop(self._players.daw)
            except (ArdourError, AssertionError, TimeoutError) as mistake:
                log.warning("attempt %d: %.400r", attempt, mistake)
                self.close()
                if attempt == ATTEMPTS or clock.now_s() > until_s:
                    raise
            else:
                return

    def close(self) -> None:
        """Ends both."""
        self._players = None
        self._open.close()

    @contextmanager
    def _playing(self) -> Iterator[Players]:
        self._number += 1
        folder = self._folder / str(self._number)
        (folder / "jam").mkdir(parents=True)
        midi_file = folder / "phrase.mid"
        midi_file.write_bytes(as_midi([Track("Phrase", PHRASE)], TEMPO_BPM))
        phrase = split_tracks(midi_file, folder)[-1]
        regions = [Region(TO, phrase, bar * BAR_BEATS, BAR_BEATS) for bar in range(0, BARS, 2)]
        loop_beats = (float(LOOP_BARS[0] * BAR_BEATS), float(LOOP_BARS[1] * BAR_BEATS))
        options = ("--pack", str(self._pack), "--random-seed", "1", "--mode", "fours", "--turn-bars", "1")
        with (
            running_session(folder, (TO, FROM), regions, tempo_bpm=TEMPO_BPM, loop_beats=loop_beats) as daw,
            running_jam(folder / "jam", *options, "--quantize", "1/8") as jam,
        ):
            wire(
                (ardour_program.CLOCK_PORT, jam.midi_in),
                (f"ardour:{TO}/midi_out 1", jam.midi_in),
                (jam.midi_out, f"ardour:{FROM}/midi_in 1"),
            )
            settle(daw, TEMPO_BPM)
            # The song goes on where it was stopped: its position shows the unit.
            daw.run("roll()")
            daw.wait_for(daw.position + beats_in_samples(2, TEMPO_BPM))
            stop(daw)
            yield Players(daw, jam)


def beats_in_samples(beats: float, tempo_bpm: float) -> int:
    """How many samples that many beats last."""
    return round(beats * 60 / tempo_bpm * ardour_program.SAMPLE_RATE)
