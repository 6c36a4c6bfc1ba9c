"""A network that takes 200 ms for a token: for a time it cannot keep up, and what it plays must be in time all the same."""

import pytest

from bridge.midi.messages import NoteOff, NoteOn, parse
from bridge.timing.clock import ManualClock
from model.approach import APPROACHES, Approach
from model.engines.engine import EngineState, Logits
from model.improvising.improvisers import create_improviser
from model.pack.dummy_pack import DummyPack
from server.controls.choices import ModeName
from tests.engines import RandomEngine
from tests.music import line
from tests.server.jams import plain_settings
from tests.server.music_thread_harness import START_S, MusicThreadHarness

PHRASE = line(48, 50, 52, 53)
STEP_S = 0.2
LATEST_S = 0.1
"""A note-on that would be later is left out (docs/promises.md)."""
SLOW_STEPS = 60


class SlowEngine(RandomEngine):
    """A random engine whose next `slow_steps` steps take `STEP_S` each, by the clock it is given."""

    clock: ManualClock | None = None
    slow_steps = 0
    slow_until_s = 0.0

    def step(self, token: int, state: EngineState) -> tuple[Logits, EngineState]:
        if self.clock is not None and self.slow_steps:
            self.slow_steps -= 1
            self.clock.advance(STEP_S)
            self.slow_until_s = self.clock.now_s() - START_S
        return super().step(token, state)


@pytest.mark.parametrize("mode", ["answer", "continuous"])
@pytest.mark.parametrize("approach", APPROACHES)
def test_late_notes_are_left_out_and_then_it_plays_in_time(mode: ModeName, approach: Approach) -> None:
    vocabulary = DummyPack().vocabulary(approach)
    engine = SlowEngine(vocabulary.size, 1)
    improviser = create_improviser(engine, vocabulary)
    harness = MusicThreadHarness(
        plain_settings(mode=mode, approach=approach, answer_length=16.0), dict.fromkeys(APPROACHES, improviser)
    )
    harness.play(PHRASE)
    harness.let_pass(2.0)
    engine.clock, engine.slow_steps = harness.clock, SLOW_STEPS
    harness.music_thread.change("temperature", 0.9)  # composes anew what is planned
    harness.let_pass(SLOW_STEPS * STEP_S + 8.0)
    for at_s in (harness.now_s, harness.now_s + 0.25):
        harness.receive(NoteOn(48, 80), at_s)
        harness.receive(NoteOff(48), at_s + 0.2)
    harness.let_pass(12.0)
    assert engine.slow_steps == 0
    assert not harness.music_thread.faults.counts
    late_s = lateness_s(harness)
    assert max(late for _, late in late_s) <= LATEST_S
    later_s = [late for at_s, late in late_s if at_s > engine.slow_until_s + 1.0]
    assert later_s
    assert max(later_s) < 1e-3
    harness.music_thread.change("mode", "listen")
    harness.music_thread.act("stop")
    harness.let_pass(1.0)
    assert not harness.music_thread._live_jam._sender._ledger.pending_note_offs


def lateness_s(harness: MusicThreadHarness) -> list[tuple[float, float]]:
    """For each note-on the second at which it was sent, and by how much it was late."""
    pairs = zip(harness.output.sent, harness.output.due_s, strict=True)
    return [(at_s - START_S, at_s - due_s) for (data, at_s), due_s in pairs if isinstance(parse(data), NoteOn)]
