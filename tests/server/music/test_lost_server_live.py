"""A running jam whose JACK server is killed in the middle of an answer and comes back, or stands still every second."""

import os
import signal
import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread

import pytest

from bridge.midi.jack.jack_ports import JackSystem
from bridge.timing.clock import MonotonicClock
from model.notes import Note
from tests.conftest import Jackd, running_jackd
from tests.music import line
from tests.server.jam_process import PATIENCE_S, RunningJam, recorded_port, running_jam

SERVER = "fours-lost-server"
FRAMES = 256
BACK_WITHIN_S = 3.0
"""From the server's return to the first note that another program receives; `python -m bench lost_server` measures it."""
MOST_LOSSES = 4
"""On a busy machine, the programs that listen take longer than that to start: then the server is lost once more."""
RECONNECT_STARTS_S = 1.5
"""After this, the new process that waits for a server has started."""
AWAY_S = 4.0
MOST_MEASUREMENTS = 4
MOST_CPU_WHILE_AWAY = 0.02
PHRASE = [*line(60, 62, 64, velocity=90), Note(65, 1.5, 0.25, 90)]
SENTENCES = [
    'MIDI input "Trading Fours:Trading Fours In" is back',
    'MIDI input "Trading Fours:Trading Fours In" is lost; it is used again when it is back',
    'MIDI output "Trading Fours:Trading Fours Out" is back',
    'MIDI output "Trading Fours:Trading Fours Out" is lost; it is used again when it is back',
]
TEMPO_BPM, STEP_BEATS = 120.0, 0.5
STEP_S = STEP_BEATS * 60.0 / TEMPO_BPM
OFF_ITS_PLACE_S = 0.003
"""For the median: with the period or the sample rate of another server, all notes would be 6 ms off and more."""
LATEST_S, ARRIVAL_S = 0.1, 0.04
"""No note begins later than `LATEST_S`, and the listener gets it `ARRIVAL_S` later than usual at most."""
EARLIEST_S = 0.06
"""A note that is farther before a step than this is a late note of the step before."""
NOTES, OVERRUNS = 40, 8
"""In the ten seconds of these notes there are at least so many overruns."""
EVERY_S, STANDSTILL_S = 0.95, 0.05
GRID = ("--approach", "pitch", "--rhythm", "fixed", "--step", str(STEP_BEATS), "--quantize", "1/8")
OPTIONS = ("--mode", "continuous", *GRID, "--tempo", str(TEMPO_BPM))


def wait_for_readout(jam: RunningJam, address: str, value: str) -> None:
    while jam.phone.ask(address).arguments != (value,):
        Event().wait(0.02)


def cpu_s(pid: int) -> float:
    """The CPU time of a process and of those that it has started."""
    total = 0
    pids = [pid]
    while pids:
        number = pids.pop()
        fields = Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
        for children in Path(f"/proc/{number}/task").glob("*/children"):
            pids += map(int, children.read_text().split())
    return total / os.sysconf("SC_CLK_TCK")


def lowest_cpu_share(jam: RunningJam) -> float:
    """The share of a core that it uses, measured again where a busy machine made it high: starting and switching cost more there."""
    clock = MonotonicClock()
    shares: list[float] = []
    while len(shares) < MOST_MEASUREMENTS and (not shares or shares[-1] >= MOST_CPU_WHILE_AWAY):
        Event().wait(RECONNECT_STARTS_S)
        before_s, since_s = cpu_s(jam.process.pid), clock.now_s()
        Event().wait(AWAY_S)
        shares.append((cpu_s(jam.process.pid) - before_s) / (clock.now_s() - since_s))
    return shares[-1]


def lose_server(server: Jackd, jam: RunningJam) -> None:
    """Kills the server, and the keyboard that was connected to it; returns once the jam has noticed."""
    server.kill()
    if jam.keyboard is not None:
        jam.keyboard.kill()
        jam.keyboard = None
    wait_for_readout(jam, "/fours/midi_out", "lost")
    wait_for_readout(jam, "/fours/midi_in", "lost")
    assert jam.phone.ask("/fours/state").arguments == ("listening",)


def play_again(jam: RunningJam, mode: str) -> float:
    """Waits until a note arrives at another program; returns how many seconds that took."""
    clock = MonotonicClock()
    back_s = clock.now_s()
    wait_for_readout(jam, "/fours/midi_out", "ok")
    wait_for_readout(jam, "/fours/midi_in", "ok")
    with recorded_port(jam.midi_out) as recording:
        if mode == "answer":
            jam.play(PHRASE)
        recording.next_note_on()
        return clock.now_s() - back_s


@pytest.mark.parametrize(
    ("frames", "mode"), [(FRAMES, "answer"), (FRAMES, "continuous"), (FRAMES, "fours"), (1024, "fours")]
)
def test_a_jam_plays_again_within_three_seconds_of_the_servers_return(
    tiny_pack: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, frames: int, mode: str
) -> None:
    options = ("--pack", str(tiny_pack), "--mode", mode, "--answer-length", "256", "--turn-bars", "1")
    took_s: list[float] = []
    with ExitStack() as stack:
        with running_jackd(SERVER, tmp_path_factory, frames) as server:
            jam = stack.enter_context(running_jam(tmp_path, *options))
            with recorded_port(jam.midi_out) as recording:
                jam.play(PHRASE)
                recording.next_note_on()
                server.kill()
            lose_server(server, jam)
        cpu_share = lowest_cpu_share(jam)
        while len(took_s) < MOST_LOSSES and (not took_s or took_s[-1] >= BACK_WITHIN_S):
            with running_jackd(SERVER, tmp_path_factory, frames) as server:
                took_s.append(play_again(jam, mode))
                if took_s[-1] < BACK_WITHIN_S:
                    status, printed = jam.stop()
                else:
                    lose_server(server, jam)
    assert took_s[-1] < BACK_WITHIN_S, took_s
    assert cpu_share < MOST_CPU_WHILE_AWAY
    assert status == 0
    sentences = [line.partition("fours.session: ")[2] for line in printed.splitlines()]
    assert sorted(sentences) == sorted(SENTENCES * len(took_s))


class Listener:
    """Another program that hears the jam, also after the server was gone; each note-on with its second."""

    def __init__(self) -> None:
        self._incoming: SimpleQueue[tuple[bytes, float, float]] = SimpleQueue()
        self.arrived_s: list[float] = []
        """When each of the note-ons that were asked for arrived. Right after a standstill the date of a note may be earlier by all of it."""
        clock = MonotonicClock()
        # By this part of its name, as the jam's client may be called "Trading Fours-01" on the next server.
        self._system = JackSystem()
        self._port = self._system.open_input(
            "Trading Fours Out", lambda data, at_s: self._incoming.put((data, at_s, clock.now_s()))
        )

    @property
    def overruns(self) -> int:
        """How many overruns the server has reported."""
        return self._system.connection.state.xruns

    def next_onset_s(self) -> float:
        """The second of the next note-on."""
        while True:
            data, at_s, arrived_s = self._incoming.get(timeout=PATIENCE_S)
            if data[0] >> 4 == 9 and data[2]:
                self.arrived_s.append(arrived_s)
                return at_s

    def next_onsets_s(self, count: int) -> list[float]:
        """The seconds of the next note-ons."""
        return [self.next_onset_s() for _ in range(count)]

    def forget(self) -> None:
        """Drops what has arrived so far."""
        while not self._incoming.empty():
            self._incoming.get()

    def close(self) -> None:
        self._port.close()


@contextmanager
def standing_still_every_second(server: Jackd) -> Iterator[None]:
    """Suspends the server for a moment once a second, as a sound card does that misses its time."""
    done = Event()

    def run() -> None:
        while not done.wait(EVERY_S):
            server.process.send_signal(signal.SIGSTOP)
            done.wait(STANDSTILL_S)
            server.process.send_signal(signal.SIGCONT)

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def listener() -> Iterator[Listener]:
    opened = Listener()
    try:
        yield opened
    finally:
        opened.close()


def distances_s(onsets_s: list[float], phase_s: float) -> list[float]:
    """How far each onset is from the nearest step, where one step is at `phase_s`."""
    return [abs((at_s - phase_s + STEP_S / 2) % STEP_S - STEP_S / 2) for at_s in onsets_s]


def phase_of(onsets_s: list[float]) -> float:
    """A second at which there is a step: the onset with most others in places."""
    return min(onsets_s, key=lambda phase_s: statistics.median(distances_s(onsets_s, phase_s)))


@pytest.mark.parametrize(("before", "after"), [(256, 1024), (1024, 256)])
def test_notes_stay_on_the_beat_when_the_server_comes_back_at_another_sample_rate(
    tiny_pack: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, before: int, after: int
) -> None:
    with ExitStack() as stack:
        with running_jackd(SERVER, tmp_path_factory, before, is_realtime=True) as server:
            jam = stack.enter_context(running_jam(tmp_path, "--pack", str(tiny_pack), *OPTIONS))
            heard = stack.enter_context(listener())
            jam.play(PHRASE)
            first_s = heard.next_onsets_s(12)
            lose_server(server, jam)
        with running_jackd(SERVER, tmp_path_factory, after, 44_100, is_realtime=True):
            wait_for_readout(jam, "/fours/midi_out", "ok")
            heard.forget()
            later_s = heard.next_onsets_s(16)
            status, printed = jam.stop()
    assert status == 0, printed
    phase_s = phase_of(first_s)
    assert statistics.median(distances_s(first_s, phase_s)) < OFF_ITS_PLACE_S, first_s
    assert statistics.median(distances_s(later_s, phase_s)) < OFF_ITS_PLACE_S, (first_s, later_s)


def steps_and_lateness_s(onsets_s: list[float], phase_s: float) -> list[tuple[int, float]]:
    """The number of the step that each onset belongs to, and how much later than its step it is."""
    placed = [divmod(at_s - phase_s + EARLIEST_S, STEP_S) for at_s in onsets_s]
    return [(round(step), late_s - EARLIEST_S) for step, late_s in placed]


def late_notes_s(onsets_s: list[float], phase_s: float) -> list[tuple[int, float]]:
    """Step and lateness of each note that began too late, or that is the second one at its step, as one of the two is late by whole steps."""
    placed = steps_and_lateness_s(onsets_s, phase_s)
    return [
        (step, late_s)
        for (before, _), (step, late_s) in pairwise([(-1, 0.0), *placed])
        if late_s >= LATEST_S + ARRIVAL_S or step <= before
    ]


@pytest.mark.parametrize("late_s", [0.15, 0.18, STEP_S, 0.3])
def test_one_late_note_among_others_on_time_is_seen(late_s: float) -> None:
    on_time_s = [10.0 + step * STEP_S for step in range(NOTES)]
    assert not late_notes_s(on_time_s, 10.0)
    assert not late_notes_s([at_s + 0.09 * (step == 7) for step, at_s in enumerate(on_time_s)], 10.0)
    assert late_notes_s(sorted(at_s + late_s * (step == 7) for step, at_s in enumerate(on_time_s)), 10.0)


@pytest.mark.parametrize("frames", [256, 1024])
def test_no_note_is_late_and_most_are_in_their_places_with_an_overrun_every_second(
    tiny_pack: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, frames: int
) -> None:
    with running_jackd(SERVER, tmp_path_factory, frames, is_realtime=True) as server, ExitStack() as stack:
        jam = stack.enter_context(running_jam(tmp_path, "--pack", str(tiny_pack), *OPTIONS))
        heard = stack.enter_context(listener())
        jam.play(PHRASE)
        phase_s = phase_of(heard.next_onsets_s(12))
        arrival_phase_s = phase_of(heard.arrived_s)
        overruns_before = heard.overruns
        with standing_still_every_second(server):
            onsets_s = heard.next_onsets_s(NOTES)
        overruns = heard.overruns - overruns_before
        status, printed = jam.stop()
    assert status == 0, printed
    assert overruns >= OVERRUNS
    off_s = distances_s(onsets_s, phase_s)
    assert statistics.median(off_s) < OFF_ITS_PLACE_S, off_s
    assert not late_notes_s(heard.arrived_s[-NOTES:], arrival_phase_s)
