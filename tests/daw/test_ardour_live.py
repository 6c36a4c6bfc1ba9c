"""A jam beside a real DAW: Debian's Ardour, without its windows, on JACK's dummy driver.

What Ardour recorded of the answer, and what the jam says of its bars and tempo, are held against the session's own.
`python -m bench ardour` measures.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from bench.daw import ardour_program
from bench.daw.ardour_rolls import POLL_S, off_grid_ms, record, wait_until
from tests.conftest import Jackd
from tests.daw.studio import (
    BAR_BEATS,
    FROM,
    LOOP_BARS,
    PHRASE,
    STEP_BEATS,
    TEMPO_BPM,
    TO,
    Players,
    Studio,
    beats_in_samples,
)
from tests.programs import require_program

pytestmark = pytest.mark.timeout(900)  # a busy machine needs half a minute to start Ardour, and a case may be repeated

OTHER_TEMPOS_BPM = (100.0, TEMPO_BPM)
PERIOD_MS = 1024 / ardour_program.SAMPLE_RATE * 1000
"""Ardour compensates its latencies in whole periods, differently from roll to roll; half of an eighth would be 100 ms."""
MOST = 0.75
"""How many notes must be in their place: those of cycles that a busy machine misses are late, and no program could play them on time."""
RECORDED_BARS = 8
LATEST_BARS = 4
"""By how many bars later both must be together."""
LOOKS = 100
"""How often the jam may be found in another bar than the session: on a busy machine it shows a bar late."""


@pytest.fixture(scope="module")
def studio(long_cycle_jackd: Jackd, tiny_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """Ardour plays a phrase of one bar in each odd bar, and the jam trades single bars with it, on a grid of eighths."""
    assert long_cycle_jackd.name
    require_program(ardour_program.PROGRAM)
    opened = Studio(tiny_pack, tmp_path_factory.mktemp("studio"))
    yield opened
    opened.close()


def test_a_file_of_ours_that_is_put_into_a_session_is_read_note_for_note(studio: Studio) -> None:
    def case(players: Players) -> None:
        notes = [note for note in players.daw.notes(TO) if note.onset_beats < BAR_BEATS]
        assert [(note.pitch, note.onset_beats, note.velocity) for note in notes] == [
            (note.pitch, note.onset_beats, note.velocity) for note in PHRASE
        ]
        assert [note.length_beats for note in notes] == pytest.approx([0.9, 0.9, 0.9, 0.5], abs=1 / 480)

    studio.play(case)


def test_the_answer_is_recorded_in_the_partners_bars_on_the_sessions_grid_and_ends_with_the_song(
    studio: Studio,
) -> None:
    def case(players: Players) -> None:
        daw = players.daw
        daw.run(f'arm("{FROM}", true)')
        notes = record(daw, FROM, RECORDED_BARS * BAR_BEATS, TEMPO_BPM)
        daw.run(f'arm("{FROM}", false)')
        off_ms = off_grid_ms(notes, STEP_BEATS, TEMPO_BPM)
        bars = [int(round(note.onset_beats / STEP_BEATS) * STEP_BEATS // BAR_BEATS) for note in notes]
        answered = set(range(1, RECORDED_BARS, 2))
        assert answered <= set(bars)
        assert np.mean([bar in answered for bar in bars]) >= MOST
        shift_ms = float(np.median(off_ms))
        assert abs(shift_ms) <= 3 * PERIOD_MS
        assert np.mean(np.abs(off_ms - shift_ms) <= 2 * PERIOD_MS) >= MOST
        wait_until(lambda: _readout(players, "state") == "listening", "the jam plays on after the song has stopped")

    studio.play(case)


def test_the_jam_goes_with_the_song_to_another_bar_and_back(studio: Studio) -> None:
    def case(players: Players) -> None:
        players.daw.run("roll()")
        for bar in (8, 3, 6):
            players.daw.run(f"locate({beats_in_samples(bar * BAR_BEATS, TEMPO_BPM)}, true)")
            _assert_soon_together(players, TEMPO_BPM, from_bar=bar)

    studio.play(case)


def test_the_jam_follows_a_loop_round_its_edge(studio: Studio) -> None:
    def case(players: Players) -> None:
        first, last = LOOP_BARS[0], LOOP_BARS[1] - 1
        together: list[int] = []

        def is_round_twice() -> bool:
            bar = _bar_of_both(players, TEMPO_BPM)
            if bar is not None and together[-1:] != [bar]:
                together.append(bar)
            return together[-4:] == [first, last, first, last]

        players.daw.run("loop(true)")
        try:
            wait_until(is_round_twice, f"the jam does not go round with the loop: {together}")
        finally:
            players.daw.run("loop(false)")

    studio.play(case)


def test_the_jam_takes_another_tempo_of_the_rolling_song_and_finds_its_bar_again(studio: Studio) -> None:
    def case(players: Players) -> None:
        players.daw.run("roll()")
        for bpm in OTHER_TEMPOS_BPM:
            players.daw.run(f"set_tempo({bpm}, 0)")
            wait_until(partial(_has_tempo, players, bpm), f"the jam does not take {bpm} bpm")
            players.daw.run(f"locate({beats_in_samples(2 * BAR_BEATS, bpm)}, true)")
            _assert_soon_together(players, bpm, from_bar=2)

    studio.play(case)


def _assert_soon_together(players: Players, tempo_bpm: float, from_bar: int) -> None:
    """Fails unless both are in the same bar, and then in the next; a jam that took the song for another place would stay there."""
    together: set[int] = set()
    for _ in range(LOOKS):
        bar = _bar_of_both(players, tempo_bpm)
        if bar is not None and from_bar <= bar < from_bar + LATEST_BARS:
            together.add(bar)
        if len(together) >= 2:
            return
        Event().wait(POLL_S)
    song, jam = _bar_at(players, tempo_bpm) + 1, _readout(players, "bar")
    raise AssertionError(f"after the song went to bar {from_bar + 1} it is in bar {song}, and the jam in {jam}")


def _bar_of_both(players: Players, tempo_bpm: float) -> int | None:
    """The bar of the session, counted from 0, where the jam shows the same one; None where it shows another."""
    before, bar_of_jam, after = (
        _bar_at(players, tempo_bpm),
        _readout(players, "bar"),
        _bar_at(players, tempo_bpm),
    )
    return before if before + 1 == after + 1 == bar_of_jam else None


def _bar_at(players: Players, tempo_bpm: float) -> int:
    return players.daw.position // beats_in_samples(BAR_BEATS, tempo_bpm)


def _has_tempo(players: Players, bpm: float) -> bool:
    return _readout(players, "bpm") == pytest.approx(bpm, abs=0.5)


def _readout(players: Players, name: str) -> object:
    return players.jam.phone.ask(f"/fours/{name}").arguments[0]
