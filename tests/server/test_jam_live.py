import csv
import re
import signal
import statistics
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from bridge.osc.osc_packets import OscMessage
from model.files.seed import read_seed
from model.notes import Note
from tests.conftest import Jackd
from tests.music import line
from tests.programs import require_program
from tests.server.jam_process import (
    BEAT_S,
    FOURS_COMMAND,
    HOST,
    PATIENCE_S,
    Phone,
    RunningJam,
    free_port,
    osc_listener,
    recorded_port,
    running_jam,
    sounding_pitches,
)

# As hands play it, with the last key up a little early, so that the phrase and its answer are at most two beats long.
PHRASE = [*line(60, 62, 64, velocity=90), Note(65, 1.5, 0.25, 90)]
LONG_ANSWER = ("--answer-length", "256")
LATE_S = 0.05
"""The tolerance for the median gap between notes, on a machine that is busy with other things."""


@pytest.fixture(scope="module")
def jam(long_cycle_jackd: Jackd, tiny_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningJam]:
    """One jam for several tests; each test sets the approach that it needs."""
    assert long_cycle_jackd.name
    with running_jam(tmp_path_factory.mktemp("jam"), "--pack", str(tiny_pack), "--random-seed", "1") as running:
        yield running


def oscsend(port: int, *words: str) -> None:
    subprocess.run([require_program("oscsend"), HOST, str(port), *words], check=True, timeout=PATIENCE_S)


class TestTheStart:
    def test_prints_what_is_bound_where(self, jam: RunningJam) -> None:
        cycle = "jack, 1024 frames: notes"
        assert jam.start_line("MIDI in") == (
            f"Trading Fours:Trading Fours In ({cycle} dated by their frame, 21.3 ms before it)"
        )
        assert jam.start_line("MIDI out") == f"Trading Fours:Trading Fours Out ({cycle} on their frame, 21.3 ms ahead)"
        assert jam.start_line("OSC").startswith(f"{HOST}:{jam.osc_port}, ")
        assert str(jam.reply_port) in jam.start_line("OSC")
        assert jam.start_line("Pack") == "tiny"
        for approach in ("Pitch", "Event"):
            assert re.fullmatch(r"CPU.*, \d+\.\d\d ms per token", jam.start_line(approach))
        assert re.fullmatch(r"Ready in \d+\.\d s\. Play a phrase; Ctrl-C ends the jam\.", jam.printed_lines[-1])

    def test_a_second_jam_prints_the_names_of_its_own_ports(
        self, jam: RunningJam, tiny_pack: Path, tmp_path: Path
    ) -> None:
        with running_jam(tmp_path, "--pack", str(tiny_pack)) as second:
            assert second.midi_in == "Trading Fours-01:Trading Fours In"
            assert second.midi_out == "Trading Fours-01:Trading Fours Out"
            assert second.stop() == (0, "")

    def test_a_taken_osc_port_ends_it_with_one_sentence(self, jam: RunningJam, tiny_pack: Path, tmp_path: Path) -> None:
        command = [*FOURS_COMMAND, "jam", "--pack", str(tiny_pack), "--osc-port", str(jam.osc_port)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        assert done.returncode == 1
        assert done.stderr.startswith(f"fours: OSC port {jam.osc_port} on {HOST} is taken, perhaps by another jam.")
        assert done.stderr.count("\n") == 1
        assert "Ready" not in done.stdout

    def test_without_a_midi_system_it_prints_so_and_osc_works(
        self, tiny_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", "fours-tests-none")
        monkeypatch.setenv("JACK_NO_START_SERVER", "1")
        with running_jam(tmp_path, "--pack", str(tiny_pack), "--midi-api", "jack") as silent:
            assert silent.printed_lines[0].startswith("No JACK server is running. Start JACK (jackd ")
            assert silent.start_line("MIDI in") == silent.start_line("MIDI out") == "none (no MIDI system)"
            assert silent.phone.ask("/fours/tempo", 90.0) == OscMessage("/fours/tempo", (90.0,))
            assert silent.phone.ask("/fours/respond") == OscMessage("/fours/respond", (1.0,))
            assert silent.stop() == (0, "")


class TestAnswers:
    def test_a_phrase_is_answered_in_both_approaches_and_osc_switches_between_them(self, jam: RunningJam) -> None:
        with recorded_port(jam.midi_out) as recording, osc_listener(jam.reply_port) as next_line:
            oscsend(jam.osc_port, "/fours/approach", "s", "event")
            assert next_line('/fours/approach s "event"')
            jam.play(PHRASE)
            event = recording.next_answer()
            assert not sounding_pitches(event)

            oscsend(jam.osc_port, "/fours/approach", "s", "pitch")
            assert next_line('/fours/approach s "pitch"')
            oscsend(jam.osc_port, "/fours/temperature", "f", "0.5")
            assert next_line("/fours/temperature f 0.500000")
            jam.play(PHRASE)
            pitch = recording.next_answer()
            assert not sounding_pitches(pitch)
        note_ons = [message for message in pitch if message.is_note_on]
        # Two beats, with a step of half a beat.
        assert [message.data[2] for message in note_ons] == [90, 90, 90, 90]
        gaps_s = [after.at_s - before.at_s for before, after in pairwise(note_ons)]
        assert statistics.median(gaps_s) == pytest.approx(BEAT_S / 2, abs=LATE_S)

    def test_a_change_of_approach_during_an_answer_leaves_no_note_hanging(self, jam: RunningJam) -> None:
        jam.phone.ask("/fours/approach", "event")
        jam.phone.ask("/fours/answer_length", 12.0)
        with recorded_port(jam.midi_out) as recording:
            jam.play(PHRASE)
            recording.next_note_on()
            for approach in ("pitch", "event", "pitch"):
                assert jam.phone.ask("/fours/approach", approach).arguments == (approach,)
                jam.phone.ask("/fours/temperature", 1.5)
                recording.next_note_on()
            jam.phone.ask("/fours/stop")
            recording.until_quiet()
        jam.phone.ask("/fours/answer_length", 0.0)
        assert not sounding_pitches(recording.messages)
        # The answer was stopped long before its twelve beats were over.
        assert recording.messages[-1].at_s - recording.messages[0].at_s < 11 * BEAT_S

    def test_playing_over_an_answer_stops_it_and_is_answered_too(self, jam: RunningJam) -> None:
        jam.phone.ask("/fours/approach", "pitch")
        jam.phone.ask("/fours/answer_length", 64.0)
        with recorded_port(jam.midi_out) as recording:
            jam.play(PHRASE)
            recording.next_note_on()
            jam.play(line(48, 50, 52, velocity=33))
            jam.phone.ask("/fours/answer_length", 2.0)
            recording.until_quiet()
        assert not sounding_pitches(recording.messages)
        velocities = [note.data[2] for note in recording.messages if note.is_note_on]
        assert velocities == sorted(velocities, reverse=True)
        assert set(velocities) == {90, 33}
        jam.phone.ask("/fours/answer_length", 0.0)

    def test_a_tune_is_answered(self, jam: RunningJam, corpora: Path) -> None:
        with (corpora / "manifest.csv").open(encoding="utf-8", newline="") as manifest:
            rows = [row for row in csv.DictReader(manifest) if row["split"] == "test"]
        tune = next(row["path"] for row in rows if row["corpus"] == "openewld_pd")
        seed = read_seed(corpora / tune)
        start_beats = seed.notes[0].onset_beats
        notes = [note for note in seed.notes if note.end_beats <= start_beats + 8.0]
        assert len(notes) > 4
        jam.phone.ask("/fours/approach", "event")
        with recorded_port(jam.midi_out) as recording:
            jam.play(notes)
            answer = recording.next_answer()
        assert not sounding_pitches(answer)
        assert [message for message in answer if message.is_note_on]

    def test_a_pack_can_be_loaded_while_it_runs(self, jam: RunningJam, tiny_pack: Path) -> None:
        assert jam.phone.ask("/fours/pack", str(tiny_pack)).arguments == (str(tiny_pack),)
        with recorded_port(jam.midi_out) as recording:
            jam.play(PHRASE)
            assert not sounding_pitches(recording.next_answer())


class TestSeveralOscClients:
    def test_a_control_that_one_client_moves_is_sent_to_the_others(self, jam: RunningJam) -> None:
        other = Phone(jam.osc_port)
        try:
            other.ask("/fours/tempo")
            other.receive("/fours/beat/12")  # the last message that a new client gets
            jam.phone.send("/fours/temperature/norm", 0.5)
            (temperature,) = other.receive("/fours/temperature").arguments
            assert temperature == pytest.approx(1.05)
            assert other.receive("/fours/temperature/text").arguments == ("1.05",)
            assert jam.phone.receive("/fours/temperature/norm").arguments == (0.5,)
        finally:
            other.close()

    def test_the_button_of_a_choice_is_lit_on_other_clients(self, jam: RunningJam) -> None:
        with osc_listener(jam.reply_port) as next_line:
            oscsend(jam.osc_port, "/fours/quantize/1_8t", "f", "1")
            assert next_line('/fours/quantize s "1/8t"')
            assert next_line("/fours/quantize/off i 0")
            assert next_line("/fours/quantize/1_8t i 1")
            oscsend(jam.osc_port, "/fours/quantize/off", "f", "1")
            assert next_line("/fours/quantize/off i 1")

    def test_the_state_of_the_jam_and_the_beats_are_sent(self, jam: RunningJam) -> None:
        with osc_listener(jam.reply_port) as next_line:
            oscsend(jam.osc_port, "/fours/sync")
            assert next_line('/fours/state s "listening"')
            for beat in (1, 2, 3, 4, 1):
                assert next_line(f"/fours/beat i {beat}")
            jam.play(PHRASE)
            assert next_line('/fours/state s "waiting"')
            assert next_line("/fours/planned i ")
            assert next_line('/fours/state s "answering"')
            assert next_line("/fours/state/answering i 1")
            assert next_line('/fours/state s "listening"')


class TestBadOsc:
    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (("/fours/temperature", "f", "9"), "temperature is 0.1 to 2; 9 is out of range"),
            (("/fours/temperature", "s", "hot"), "temperature is a number, 0.1 to 2, not 'hot'"),
            (("/fours/temprature", "f", "1"), "there is no control temprature; did you mean temperature?"),
            (("/volume", "f", "1"), "there is no address /volume; controls are /fours/<control>"),
            (("/fours/pack", "s", "none such"), "there is no pack named none such and no such folder; there are "),
            (("/fours/tempo", "c", "x"), "/fours/tempo has an argument of type 'c'. Send i, f, s, T, F, h or d."),
            (("/fours/tempo", "ff", "90", "91"), "/fours/tempo takes one argument, not 2"),
        ],
    )
    def test_is_answered_at_fours_error_and_changes_nothing(
        self, jam: RunningJam, words: tuple[str, ...], sentence: str
    ) -> None:
        before = [jam.phone.ask(f"/fours/{name}") for name in ("temperature", "pack", "tempo")]
        with osc_listener(jam.reply_port) as next_line:
            oscsend(jam.osc_port, *words)
            assert next_line(f'/fours/error s "{sentence}')
        assert before == [jam.phone.ask(f"/fours/{name}") for name in ("temperature", "pack", "tempo")]

    def test_a_packet_that_is_not_osc_does_not_stop_it(self, jam: RunningJam) -> None:
        assert jam.phone.ask_raw(b"hello").address == "/fours/error"
        assert jam.phone.ask("/fours/tempo").address == "/fours/tempo"


@pytest.mark.usefixtures("long_cycle_jackd")
class TestTheEnd:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    @pytest.mark.parametrize("approach", ["pitch", "event"])
    def test_a_signal_during_an_answer_leaves_no_note_sounding(
        self, tiny_pack: Path, tmp_path: Path, number: signal.Signals, approach: str
    ) -> None:
        options = ("--pack", str(tiny_pack), "--approach", approach, *LONG_ANSWER)
        with running_jam(tmp_path, *options) as jam, recorded_port(jam.midi_out) as recording:
            jam.play(PHRASE)
            recording.next_note_on()
            assert jam.stop(number) == (0, "")
            # When the process ends, all its messages are sent; the recorder may still have to print some.
            recording.until_quiet()
        assert not sounding_pitches(recording.messages)

    def test_of_a_jam_that_never_played_prints_no_error(self, tiny_pack: Path, tmp_path: Path) -> None:
        with running_jam(tmp_path, "--pack", str(tiny_pack)) as jam:
            assert jam.stop(signal.SIGHUP) == (0, "")

    def test_releases_its_osc_port(self, tiny_pack: Path, tmp_path: Path) -> None:
        port = free_port()
        for _ in range(2):
            with running_jam(tmp_path, "--pack", str(tiny_pack), osc_port=port) as jam:
                assert jam.stop() == (0, "")
