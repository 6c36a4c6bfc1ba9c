import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest

from bridge.midi.messages import NoteOff, NoteOn, encode, parse
from bridge.timing.timeline import Timeline
from model.files.seed import Seed
from model.files.time_signature import TimeSignature
from model.notes import Note
from server.controls.control_table import Settings
from server.music.seed_player import LONGEST_WAIT_S, as_messages, play_seed, seed_playing, seed_values
from tests.music import line
from tests.server.music_thread_harness import START_S, MusicThreadHarness

TUNE = line(60, 62, 64, 65, velocity=90)
LATE_S = 0.003


def play(harness: MusicThreadHarness, seed: Seed, at: dict[float, Callable[[], None]] | None = None) -> None:
    """Plays the seed to the harness's music thread; `at` maps seconds to what is done then."""
    pending = dict(at or {})

    async def wait(seconds: float) -> None:
        assert 0.0 < seconds <= LONGEST_WAIT_S
        harness.run_until(harness.now_s + seconds + LATE_S)
        for at_s in [at_s for at_s in pending if at_s <= harness.now_s]:
            pending.pop(at_s)()
        harness.run_pending_work()

    music_thread = harness.music_thread
    asyncio.run(play_seed(seed, music_thread.receive_midi, lambda: music_thread.timeline, harness.clock, wait))
    harness.run_pending_work()


@pytest.fixture
def harness() -> MusicThreadHarness:
    return MusicThreadHarness()


class TestASeed:
    def test_begins_at_a_bar_line_with_exact_times_even_where_each_wait_ends_late(
        self, harness: MusicThreadHarness
    ) -> None:
        play(harness, Seed(tuple(TUNE)))
        assert harness.event.heard_notes == [(note.pitch, 4.0 + note.onset_beats) for note in TUNE]

    def test_is_answered_and_the_jam_goes_on_listening(self, harness: MusicThreadHarness) -> None:
        play(harness, Seed(tuple(TUNE)))
        harness.run_until(20.0)
        assert [message for message, _ in harness.sent if isinstance(message, NoteOn)] == [
            NoteOn(pitch, 90) for pitch in (72, 74, 76)
        ]
        harness.receive(NoteOn(48, 70), 21.0)
        harness.receive(NoteOff(48), 21.5)
        harness.run_until(40.0)
        assert NoteOn(72, 70) in [message for message, _ in harness.sent]

    def test_follows_a_change_of_tempo_while_it_plays(self, harness: MusicThreadHarness) -> None:
        received: list[tuple[bytes, float]] = []
        harness.music_thread.receive_midi = lambda data, at_s: received.append((data, at_s - START_S))  # type: ignore[method-assign]
        play(harness, Seed(tuple(TUNE)), {2.1: lambda: harness.music_thread.change("tempo", 60.0)})
        on = [at_s for data, at_s in received if isinstance(parse(data), NoteOn)]
        # Half a beat at 120 bpm, and after it at 60.
        assert on[0] == pytest.approx(2.0)
        assert [after_s - before_s for before_s, after_s in pairwise(on[1:])] == pytest.approx([0.5, 0.5])

    def test_whole_bars_of_rest_at_its_beginning_are_left_out_but_a_pickup_stays_one(
        self, harness: MusicThreadHarness
    ) -> None:
        play(harness, Seed((Note(60, 11.0, 1.0, 80), Note(62, 12.0, 1.0, 80))))
        assert harness.event.heard_notes == [(60, 7.0), (62, 8.0)]

    def test_that_is_cancelled_releases_its_keys(self) -> None:
        harness, received = MusicThreadHarness(), []

        async def run() -> None:
            at_once = Timeline.start(120.0, at_s=START_S - 100.0, beat=-0.001)
            held = Seed((Note(60, 0.0, 4.0, 80),))
            async with seed_playing(held, lambda data, _: received.append(parse(data)), lambda: at_once, harness.clock):
                while not received:
                    harness.clock.advance(1.0)
                    await asyncio.get_running_loop().run_in_executor(None, int)

        asyncio.run(run())
        assert received == [NoteOn(60, 80), NoteOff(60)]


class TestItsControls:
    def test_are_its_tempo_and_meter(self) -> None:
        assert seed_values(Seed(tuple(TUNE), 96.0, TimeSignature(3, 4))) == {"tempo": 96.0, "meter": "3/4"}

    @pytest.mark.parametrize(("tempo_bpm", "within"), [(5.0, 20.0), (900.0, 400.0)])
    def test_are_limited_to_the_range_of_the_controls(self, tempo_bpm: float, within: float) -> None:
        values = seed_values(Seed(tuple(TUNE), tempo_bpm, TimeSignature(11, 8)))
        assert values == {"tempo": within}
        assert Settings().with_value("tempo", values["tempo"]).tempo == within


def test_where_a_note_ends_and_the_same_pitch_begins_the_note_off_comes_first() -> None:
    assert [encode(message).hex() for _, message in as_messages(line(60, 60))] == [
        "903c50",
        "803c00",
        "903c50",
        "803c00",
    ]
