import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pretty_midi
import pytest

from bridge.midi.messages import ControlChange, NoteOff, NoteOn, OtherMessage
from model.files.midi.midi_writer import as_midi_file
from model.files.song import Song
from server.errors import ExportError, TakeError
from server.music.feed import MessagePlayed, MessageReceived
from server.takes.journal.records import JournalBegun
from server.takes.songs.take_song import song_from
from server.takes.take import read_recording, take_from
from server.takes.take_export import export_last, export_take
from server.takes.take_library import TakeLibrary
from tests.programs import require_program
from tests.server.takes.journals import write_journal

SOUNDFONT = Path(pretty_midi.__file__).parent / "TimGM6mb.sf2"
SAMPLE_RATE = 44_100
PATIENCE_S = 60


@pytest.fixture
def library(tmp_path: Path) -> TakeLibrary:
    folder = tmp_path / "takes"
    write_journal(folder, is_marked=True)
    write_journal(folder, days_ago=1)
    return TakeLibrary(folder)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "take.mid"


def tracks(path: Path) -> dict[str, int]:
    return {part.name: len(part.notes) for part in pretty_midi.PrettyMIDI(str(path)).instruments}


class TestTake:
    def test_is_exported_by_the_id_of_its_jam(self, library: TakeLibrary, out: Path) -> None:
        assert export_take(library, "2026-02-02", out) == out
        assert tracks(out) == {"Player": 4, "Answer": 4}

    def test_is_exported_by_its_mark(self, library: TakeLibrary, out: Path) -> None:
        export_take(library, "02-03:1", out)
        assert tracks(out) == {"Player": 4, "Answer": 4}

    def test_of_a_jam_that_was_cut_off_holds_what_was_written(self, library: TakeLibrary, out: Path) -> None:
        write_journal(library.folder, days_ago=2, is_ended=False, cut_bytes=100)
        export_take(library, "02-01", out)
        assert tracks(out) == {"Player": 4, "Answer": 2}

    def test_the_last_is_the_last_mark_of_the_last_jam(self, library: TakeLibrary, out: Path) -> None:
        export_last(library, out)
        marked = out.read_bytes()
        export_take(library, "02-03:1", out)
        assert out.read_bytes() == marked

    def test_is_rendered_by_a_synthesizer_without_complaint(
        self, library: TakeLibrary, out: Path, tmp_path: Path
    ) -> None:
        export_take(library, "02-03", out)
        sound = tmp_path / "take.wav"
        command = [
            require_program("fluidsynth"),
            "-ni",
            "-r",
            str(SAMPLE_RATE),
            "-F",
            str(sound),
            str(SOUNDFONT),
            str(out),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE_S)
        complaints = [text for text in done.stderr.splitlines() if "warning" in text.lower() or "error" in text.lower()]
        # Complaints about real-time priority and a missing sound card are not about the file.
        assert [text for text in complaints if "midi" in text.lower() or "parser" in text.lower()] == []
        # Four seconds of two beats each, in 16 bits and two channels.
        assert sound.stat().st_size > 4.0 * SAMPLE_RATE * 4


class TestRefusal:
    @pytest.mark.parametrize(
        ("name", "sentence"),
        [
            ("1999", "there is no jam 1999 in "),
            ("2026", "2026 fits 2 jams, 2026-02-02-201500, 2026-02-03-201500; give more of the id"),
            ("02-03:2", "there is no mark 2 in this jam; its marks are 1 to 1"),
            ("02-02:1", "there is no mark 1 in this jam; it has none"),
            ("02-03:one", "a mark is a number, such as 02-03:1, not 'one'"),
            ("02-03:", "a mark is a number, such as 02-03:1, not ''"),
        ],
    )
    def test_a_missing_take_is_refused_with_the_existing_ones(
        self, library: TakeLibrary, out: Path, name: str, sentence: str
    ) -> None:
        with pytest.raises(TakeError) as raised:
            export_take(library, name, out)
        assert str(raised.value).startswith(sentence)
        assert not out.exists()

    def test_of_a_jam_in_which_nothing_was_played(self, library: TakeLibrary, out: Path) -> None:
        write_journal(library.folder, days_ago=9, notes=0)
        with pytest.raises(TakeError, match="nothing was played in this take"):
            export_take(library, "01-25", out)

    def test_to_a_folder(self, library: TakeLibrary, tmp_path: Path) -> None:
        with pytest.raises(ExportError, match=r"is a folder; name a file, such as .*take\.mid"):
            export_last(library, tmp_path)

    def test_to_a_missing_folder(self, library: TakeLibrary, tmp_path: Path) -> None:
        with pytest.raises(ExportError, match="cannot be written: No such file or directory; choose another place"):
            export_last(library, tmp_path / "none" / "take.mid")


class TestOneSynthForBoth:
    """Player and answer of a take in one synthesizer: pedal, program and note-offs of the one do not touch the other."""

    def rendered(self, song: Song, folder: Path) -> npt.NDArray[np.float32]:
        path, sound = folder / "song.mid", folder / "song.wav"
        path.write_bytes(as_midi_file(song))
        settings = ["synth.reverb.active=0", "synth.chorus.active=0"]
        command = [require_program("fluidsynth"), "-ni", "-q", "-g", "0.3", "-r", str(SAMPLE_RATE), "-O", "float"]
        command += [word for setting in settings for word in ("-o", setting)]
        command += ["-F", str(sound), str(SOUNDFONT), str(path)]
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S)
        content = sound.read_bytes()
        return np.frombuffer(content[content.index(b"data") + 8 :], "<f4")

    def test_both_tracks_sound_as_the_two_do_apart(self, tmp_path: Path) -> None:
        player, answer = [MessageReceived(OtherMessage(b"\xc0\x28"), 0.0, 0.0)], []
        for beat in range(8):
            pedal = ControlChange(64, 127 if beat % 2 else 0)
            player += [MessageReceived(message, beat / 2, float(beat)) for message in (pedal, NoteOn(60, 90))]
            player.append(MessageReceived(NoteOff(60), beat / 2 + 0.4, beat + 0.8))
            answer.append(MessagePlayed(NoteOn(60, 90), beat / 2 + 0.25, beat + 0.5))
            answer.append(MessagePlayed(NoteOff(60), beat / 2 + 0.6, beat + 1.2))
        song = song_from(take_from(read_recording([JournalBegun("", 5.0, 8.0), *player, *answer])))
        alone = [replace(track, events=()) for track in song.tracks]
        both = self.rendered(song, tmp_path)
        apart = [
            self.rendered(replace(song, tracks=tracks), tmp_path)
            for tracks in ([song.tracks[0], alone[1]], [alone[0], song.tracks[1]])
        ]
        length = min(len(sound) for sound in (both, *apart))
        difference = both[:length] - apart[0][:length] - apart[1][:length]
        assert np.sqrt((difference**2).mean()) < 0.01 * np.sqrt((both**2).mean())
