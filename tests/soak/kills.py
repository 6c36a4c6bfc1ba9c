"""Kills a playing jam at random moments, and starts it again: `python -m tests.soak.kills --count 200`.

It fails if more than a second of the take or of the memory is lost, or if a note that sounded at a kill still sounds a second
after the next start. Every other kill takes the jam's JACK client along, which otherwise ends the notes by itself.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from bridge.midi.messages import NoteOn
from server.music.feed import MessagePlayed, MessageReceived
from server.takes.journal.record_reader import read_records
from tests.server.jam_process import free_port
from tests.soak.evidence import TimedMessage, soundings
from tests.soak.processes import JamProcess, PeerProcess, jack_server, running_peer

LOST_S = SILENT_S = 1.0
FORGIVEN_S = 0.5
"""So close to an xrun JACK itself loses messages."""
FIRST_S = 0.5
"""A connection that was just made loses messages."""
LIVES_S = (1.0, 4.0)
POLL_S = 0.1
OPTIONS = ("--midi-in", "soak-player", "--no-panel", "--mode", "continuous", "--over", "overlap", "--tempo", "160")


@dataclass(slots=True)
class Count:
    """What the kills have shown so far."""

    kills: int = 0
    notes_cut: int = 0
    """How many notes sounded at the receiver at the moment of a kill."""
    notes: int = 0
    longest_lost_s: float = 0.0
    """The longest time before a kill from which a note is missing in the take."""
    broken: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--server", default="fours-soak-kills", help="the name of the JACK server")
    parser.add_argument("--random-seed", type=int, default=None)
    arguments = parser.parse_args()
    random_seed = random.SystemRandom().randrange(2**31) if arguments.random_seed is None else arguments.random_seed
    print(f"random seed {random_seed}", flush=True)
    count = Count()
    with (
        jack_server(arguments.server, 1024),
        tempfile.TemporaryDirectory(prefix="fours-kills-") as folder,
        running_peer("synth", random_seed) as synth,
        running_peer("player", random_seed) as player,
    ):
        kill_again_and_again(Path(folder), synth, player, Random(random_seed), arguments.count, count)
    print(*(f"BROKEN: {line}" for line in count.broken), sep="\n")
    return int(bool(count.broken))


def kill_again_and_again(
    folder: Path, synth: PeerProcess, player: PeerProcess, random: Random, kills: int, count: Count
) -> None:
    """Kills a jam so many times. Its memories go on from one life to the next, in one file."""
    options = (*OPTIONS, "--osc-port", str(free_port()), "--remember", str(folder / "all.memory"))
    jam, began_s = JamProcess(folder, *options), time.monotonic()
    while count.kills < kills:
        seconds = random.uniform(*LIVES_S)
        remembered = _live(jam, began_s + seconds)
        killed_s = time.monotonic()
        sounding = [note for note in soundings(synth.messages("got")) if note.until_s == float("inf")]
        jam.kill(with_helpers=count.kills % 2 == 0)
        next_jam, next_s = JamProcess(folder, *options), time.monotonic()
        time.sleep(SILENT_S)
        count.kills += 1
        count.notes_cut += len(sounding)
        _check_silence(synth, killed_s, next_s, count)
        _check_memory(remembered, killed_s, next_jam.report().remembered, count)
        journal = next(iter(sorted(jam.takes.glob("*.jam"))[-2:-1]), None)
        _check_take(journal, (began_s, killed_s), synth, player, count)
        jam, began_s = next_jam, next_s
        print(
            f"{count.kills} kills: {count.notes_cut} notes cut off, {count.notes} notes compared with the takes, "
            f"{count.longest_lost_s:.2f} s of a take lost at most, {len(count.broken)} broken promises",
            flush=True,
        )
    jam.stop()


def _live(jam: JamProcess, until_s: float) -> list[tuple[float, tuple[int, ...]]]:
    """Lets a jam play; returns how many contexts it remembered at each moment."""
    remembered = []
    while time.monotonic() < until_s:
        time.sleep(POLL_S)
        counts = jam.report().remembered
        remembered.append((time.monotonic(), counts))
    return remembered


def _check_silence(synth: PeerProcess, killed_s: float, next_s: float, count: Count) -> None:
    until_s = next_s + SILENT_S
    got = [item for item in synth.messages("got") if item.at_s <= until_s]
    hanging = [note for note in soundings(got) if note.from_s <= killed_s and note.until_s == float("inf")]
    count.broken += [f"kill {count.kills}: {note} sounded {SILENT_S} s after the next start" for note in hanging]


def _check_memory(
    remembered: list[tuple[float, tuple[int, ...]]], killed_s: float, found: tuple[int, ...], count: Count
) -> None:
    due = [counts for at_s, counts in remembered if at_s <= killed_s - LOST_S]
    if due and any(now < before for now, before in zip(found, due[-1], strict=True)):
        count.broken.append(f"kill {count.kills}: {found} contexts are remembered, and there were {due[-1]}")


def _check_take(
    journal: Path | None,
    lived_s: tuple[float, float],
    synth: PeerProcess,
    player: PeerProcess,
    count: Count,
) -> None:
    """Compares the take with what the player sent and the synth got while the jam lived."""
    kept: Counter[tuple[type, NoteOn]] = Counter()
    records = [] if journal is None else read_records(journal.read_bytes()).records
    for record in records:
        if isinstance(record, MessageReceived | MessagePlayed) and isinstance(record.message, NoteOn):
            kept[type(record), record.message] += 1
    disturbed_s = [at_s for peer in (synth, player) for what, at_s, _ in peer.events if what in {"gap", "xrun"}]
    began_s, killed_s = lived_s
    for kind, sent in ((MessageReceived, player.messages("sent")), (MessagePlayed, synth.messages("got"))):
        lived = [item for item in sent if began_s + FIRST_S < item.at_s < killed_s and isinstance(item.message, NoteOn)]
        count.notes += len(lived)
        for item in _missing(lived, kind, kept):
            if any(abs(item.at_s - moment_s) <= FORGIVEN_S for moment_s in disturbed_s):
                continue
            lost_s = killed_s - item.at_s
            count.longest_lost_s = max(count.longest_lost_s, lost_s)
            if lost_s > LOST_S:
                count.broken.append(f"kill {count.kills}: {item} is not in the take, {lost_s:.2f} s before the kill")


def _missing(sent: list[TimedMessage], kind: type, kept: Counter[tuple[type, NoteOn]]) -> list[TimedMessage]:
    missing = []
    for item in sent:
        assert isinstance(item.message, NoteOn)
        key = (kind, item.message)
        if kept[key]:
            kept[key] -= 1
        else:
            missing.append(item)
    return missing


if __name__ == "__main__":
    sys.exit(main())
