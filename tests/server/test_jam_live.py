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
from model.files.midi_file import read_seed
from model.notes import Note
from tests.conftest import Jackd
from tests.music import line
from tests.programs import require_program
from tests.server.jam_process import (
    BEAT_S,
    FOURS,
    HOST,
    PATIENCE_S,
    Phone,
    RunningJam,
    free_port,
    oscdump,
    recording,
    running_jam,
    sounding_pitches,
)

# As hands play it: let go of a little early, so that it is two beats long at most, and so is its answer.
PHRASE = [*line(60, 62, 64, velocity=90), Note(65, 1.5, 0.25, 90)]
LONG_ANSWER = ("--answer-length", "256")
LATE_S = 0.05
"""How far the median of the gaps between notes may be off on a machine that is busy with other things."""


@pytest.fixture(scope="module")
def jam(long_cycle_jackd: Jackd, tiny_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningJam]:
    """One jam that several tests play with; each says which approach it wants."""
    assert long_cycle_jackd.name
    with running_jam(tmp_path_factory.mktemp("jam"), "--pack", str(tiny_pack), "--random-seed", "1") as running:
        yield running


def oscsend(port: int, *words: str) -> None:
    subprocess.run([require_program("oscsend"), HOST, str(port), *words], check=True, timeout=PATIENCE_S)


class TestTheStart:
    def test_says_what_is_bound_where(self, jam: RunningJam) -> None:
        assert jam.start_line("MIDI in") == "Trading Fours:Trading Fours In (jack)"
        assert jam.start_line("MIDI out") == "Trading Fours Out:Trading Fours Out (jack)"
        assert jam.start_line("OSC").startswith(f"{HOST}:{jam.osc_port}, ")
        assert str(jam.reply_port) in jam.start_line("OSC")
        assert jam.start_line("Pack") == "tiny"
        for approach in ("Pitch", "Event"):
            assert re.fullmatch(r"CPU.*, \d+\.\d\d ms per token", jam.start_line(approach))
        assert re.fullmatch(r"Ready in \d+\.\d s\. Play a phrase; Ctrl-C ends the jam\.", jam.printed_lines[-1])

    def test_a_second_jam_tells_its_own_port_names(self, jam: RunningJam, tiny_pack: Path, tmp_path: Path) -> None:
        with running_jam(tmp_path, "--pack", str(tiny_pack)) as second:
            assert second.midi_in == "Trading Fours-01:Trading Fours In"
            assert second.midi_out == "Trading Fours Out-01:Trading Fours Out"
            assert second.stop() == (0, "")

    def test_a_taken_osc_port_is_one_sentence(self, jam: RunningJam, tiny_pack: Path, tmp_path: Path) -> None:
        command = [*FOURS, "jam", "--pack", str(tiny_pack), "--osc-port", str(jam.osc_port)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        assert done.returncode == 1
        assert done.stderr.startswith(f"fours: OSC port {jam.osc_port} on {HOST} is taken, perhaps by another jam.")
        assert done.stderr.count("\n") == 1
        assert "Ready" not in done.stdout

    def test_without_a_midi_system_says_so_and_osc_works(
        self, tiny_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", "fours-tests-none")
        monkeypatch.setenv("JACK_NO_START_SERVER", "1")
        with running_jam(tmp_path, "--pack", str(tiny_pack), "--midi-api", "jack") as silent:
            assert silent.printed_lines[0].startswith("No JACK server is running. Start one (jackd ")
            assert silent.start_line("MIDI in") == silent.start_line("MIDI out") == "none (no MIDI system)"
            assert silent.phone.ask("/fours/tempo", 90.0) == OscMessage("/fours/tempo", (90.0,))
            assert silent.phone.ask("/fours/respond") == OscMessage("/fours/respond", (1.0,))
            assert silent.stop() == (0, "")


class TestAnswers:
    def test_a_phrase_is_answered_in_both_approaches_which_osc_changes_while_it_runs(self, jam: RunningJam) -> None:
        with recording(jam.midi_out) as heard, oscdump(jam.reply_port) as reply:
            oscsend(jam.osc_port, "/fours/approach", "s", "event")
            assert reply('/fours/approach s "event"')
            jam.play(PHRASE)
            event = heard.next_answer()
            assert not sounding_pitches(event)

            oscsend(jam.osc_port, "/fours/approach", "s", "pitch")
            assert reply('/fours/approach s "pitch"')
            oscsend(jam.osc_port, "/fours/temperature", "f", "0.5")
            assert reply("/fours/temperature f 0.500000")
            jam.play(PHRASE)
            pitch = heard.next_answer()
            assert not sounding_pitches(pitch)
        ons = [came for came in pitch if came.is_note_on]
        # Two beats by half a beat.
        assert [came.data[2] for came in ons] == [90, 90, 90, 90]
        gaps_s = [after.at_s - before.at_s for before, after in pairwise(ons)]
        assert statistics.median(gaps_s) == pytest.approx(BEAT_S / 2, abs=LATE_S)

    def test_in_an_answer_the_approach_changes_and_no_note_hangs(self, jam: RunningJam) -> None:
        jam.phone.ask("/fours/approach", "event")
        jam.phone.ask("/fours/answer_length", 12.0)
        with recording(jam.midi_out) as heard:
            jam.play(PHRASE)
            heard.next_note_on()
            for approach in ("pitch", "event", "pitch"):
                assert jam.phone.ask("/fours/approach", approach).arguments == (approach,)
                jam.phone.ask("/fours/temperature", 1.5)
                heard.next_note_on()
            jam.phone.ask("/fours/stop")
            heard.until_quiet()
        jam.phone.ask("/fours/answer_length", 0.0)
        assert not sounding_pitches(heard.messages)
        # It was stopped long before its twelve beats were over.
        assert heard.messages[-1].at_s - heard.messages[0].at_s < 11 * BEAT_S

    def test_playing_over_an_answer_ends_it_and_is_answered_in_turn(self, jam: RunningJam) -> None:
        jam.phone.ask("/fours/approach", "pitch")
        jam.phone.ask("/fours/answer_length", 64.0)
        with recording(jam.midi_out) as heard:
            jam.play(PHRASE)
            heard.next_note_on()
            jam.play(line(48, 50, 52, velocity=33))
            jam.phone.ask("/fours/answer_length", 2.0)
            heard.until_quiet()
        assert not sounding_pitches(heard.messages)
        velocities = [note.data[2] for note in heard.messages if note.is_note_on]
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
        with recording(jam.midi_out) as heard:
            jam.play(notes)
            answered = heard.next_answer()
        assert not sounding_pitches(answered)
        assert [came for came in answered if came.is_note_on]

    def test_another_pack_takes_over_while_it_runs(self, jam: RunningJam, tiny_pack: Path) -> None:
        assert jam.phone.ask("/fours/pack", str(tiny_pack)).arguments == (str(tiny_pack),)
        with recording(jam.midi_out) as heard:
            jam.play(PHRASE)
            assert not sounding_pitches(heard.next_answer())


class TestManyScreens:
    def test_what_a_phone_moves_arrives_on_every_other_screen(self, jam: RunningJam) -> None:
        other = Phone(jam.osc_port)
        try:
            other.ask("/fours/tempo")
            other.receive("/fours/beat/12")  # the last of all that it is told at first
            jam.phone.send("/fours/temperature/norm", 0.5)
            (temperature,) = other.receive("/fours/temperature").arguments
            assert temperature == pytest.approx(1.05)
            assert other.receive("/fours/temperature/text").arguments == ("1.05",)
            assert jam.phone.receive("/fours/temperature/norm").arguments == (0.5,)
        finally:
            other.close()

    def test_a_radio_button_of_oscsend_lights_up_at_oscdump(self, jam: RunningJam) -> None:
        with oscdump(jam.reply_port) as reply:
            oscsend(jam.osc_port, "/fours/quantize/1_8t", "f", "1")
            assert reply('/fours/quantize s "1/8t"')
            assert reply("/fours/quantize/off i 0")
            assert reply("/fours/quantize/1_8t i 1")
            oscsend(jam.osc_port, "/fours/quantize/off", "f", "1")
            assert reply("/fours/quantize/off i 1")

    def test_the_state_of_the_jam_and_the_beats_are_told(self, jam: RunningJam) -> None:
        with oscdump(jam.reply_port) as reply:
            oscsend(jam.osc_port, "/fours/sync")
            assert reply('/fours/state s "listening"')
            for beat in (1, 2, 3, 4, 1):
                assert reply(f"/fours/beat i {beat}")
            jam.play(PHRASE)
            assert reply('/fours/state s "waiting"')
            assert reply("/fours/planned i ")
            assert reply('/fours/state s "answering"')
            assert reply("/fours/state/answering i 1")
            assert reply('/fours/state s "listening"')


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
    def test_is_answered_on_fours_error_and_changes_nothing(
        self, jam: RunningJam, words: tuple[str, ...], sentence: str
    ) -> None:
        before = [jam.phone.ask(f"/fours/{name}") for name in ("temperature", "pack", "tempo")]
        with oscdump(jam.reply_port) as reply:
            oscsend(jam.osc_port, *words)
            assert reply(f'/fours/error s "{sentence}')
        assert before == [jam.phone.ask(f"/fours/{name}") for name in ("temperature", "pack", "tempo")]

    def test_what_is_no_osc_at_all_does_not_stop_it(self, jam: RunningJam) -> None:
        assert jam.phone.ask_raw(b"hello").address == "/fours/error"
        assert jam.phone.ask("/fours/tempo").address == "/fours/tempo"


@pytest.mark.usefixtures("long_cycle_jackd")
class TestTheEnd:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    @pytest.mark.parametrize("approach", ["pitch", "event"])
    def test_a_signal_in_an_answer_leaves_no_note_sounding(
        self, tiny_pack: Path, tmp_path: Path, number: signal.Signals, approach: str
    ) -> None:
        options = ("--pack", str(tiny_pack), "--approach", approach, *LONG_ANSWER)
        with running_jam(tmp_path, *options) as jam, recording(jam.midi_out) as heard:
            jam.play(PHRASE)
            heard.next_note_on()
            assert jam.stop(number) == (0, "")
            # What is still to come has come by the end of the process, but for the recorder's own way of printing it.
            heard.until_quiet()
        assert not sounding_pitches(heard.messages)

    def test_of_a_jam_that_never_played_is_as_quiet(self, tiny_pack: Path, tmp_path: Path) -> None:
        with running_jam(tmp_path, "--pack", str(tiny_pack)) as jam:
            assert jam.stop(signal.SIGHUP) == (0, "")

    def test_gives_its_osc_port_back(self, tiny_pack: Path, tmp_path: Path) -> None:
        port = free_port()
        for _ in range(2):
            with running_jam(tmp_path, "--pack", str(tiny_pack), osc_port=port) as jam:
                assert jam.stop() == (0, "")
