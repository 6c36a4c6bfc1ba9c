import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from model.extras import install_hint
from model.harmony.forms import FORMS
from model.pack import pack as packs
from server import cli
from server.cli.export_cli import SET_BY_EXPORT
from server.cli.judge_cli import SET_BY_JUDGE
from server.controls.control_table import CONTROLS
from tests.music import BROKEN_MIDI_FILES, Part, line, midi_bytes
from tests.server.takes.journals import write_journal

COMMANDS = (
    "jam",
    "export",
    "judge",
    "takes",
    "ports",
    "controls",
    "config",
    "layout",
    "learn",
    "packs",
    "setup",
    "calibrate",
    "doctor",
    "train",
    "evaluate",
    "compare",
)
# The console command, as its wrapper in the environment's bin folder calls it.
FOURS = (sys.executable, "-W", "error", "-c", "import sys; from server.cli import main; sys.exit(main())")
PATIENCE_S = 30


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The exit status of a command, and what it printed."""

    status: int
    out: str
    err: str


class Fours:
    """Runs `fours` in this process, in the test's own working folder."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def __call__(self, *arguments: str | Path) -> CommandResult:
        self._monkeypatch.setattr(sys, "argv", ["fours", *map(str, arguments)])
        status, error_text = 0, ""
        try:
            cli.main()
        except SystemExit as end:
            # As the interpreter does: a text is printed to stderr, and the status is 1.
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
            error_text = f"{end.code}\n" if isinstance(end.code, str) else ""
        printed = self._capsys.readouterr()
        return CommandResult(status, printed.out, printed.err + error_text)

    def refusal(self, *arguments: str | Path) -> str:
        """Runs a command that must fail; returns the one sentence that it ends with."""
        done = self(*arguments)
        assert done.status == 1
        assert not done.out
        assert done.err.startswith("fours: ")
        assert done.err.count("\n") == 1
        return done.err.removeprefix("fours: ").rstrip("\n")


@pytest.fixture
def fours(working_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Fours:
    assert Path.cwd() == working_folder
    monkeypatch.setenv("COLUMNS", "200")
    return Fours(capsys, monkeypatch)


@pytest.fixture
def seed(working_folder: Path) -> Path:
    path = working_folder / "phrase.mid"
    path.write_bytes(midi_bytes(Part(line(60, 62, 64, 65))))
    return path


@pytest.fixture
def own_packs(working_folder: Path, tiny_pack: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's own packs, with a small one; the program's own packs are hidden."""
    monkeypatch.setattr(packs, "PACKS_FOLDER", working_folder / "no packs")
    shutil.copytree(tiny_pack, working_folder / "packs" / "tiny")
    return working_folder / "packs"


@pytest.fixture
def no_midi(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither JACK nor ALSA."""
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "fours-tests-none")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    monkeypatch.setattr("bridge.midi.rtmidi_module.ALSA_SEQUENCER", tmp_path / "seq")


class TestHelp:
    def test_lists_every_command(self, fours: Fours) -> None:
        done = fours("--help")
        assert done.status == 0
        for command in COMMANDS:
            assert f" {command} " in done.out

    @pytest.mark.parametrize("command", COMMANDS)
    def test_is_there_for_each_command(self, fours: Fours, command: str) -> None:
        done = fours(command, "--help")
        assert done.status == 0
        assert f"fours {command}" in done.out

    @pytest.mark.parametrize(("command", "left_out"), [("jam", ()), ("export", SET_BY_EXPORT), ("judge", SET_BY_JUDGE)])
    def test_has_every_control_that_has_an_effect(self, fours: Fours, command: str, left_out: Collection[str]) -> None:
        text = fours(command, "--help").out
        for row in CONTROLS:
            if row.kind != "action":
                option = re.search(rf"--{row.name.replace('_', '-')}\s", text)
                assert (option is not None) == (row.name not in left_out), row.name

    def test_of_export_names_the_length_of_an_answer_shortly_and_says_whose_tempo_it_is(self, fours: Fours) -> None:
        text = fours("export", "--help").out
        assert "--length,--answer-length " in text
        assert "20 to 400 bpm; default that of the seed" in text

    def test_is_shown_without_a_command(self, fours: Fours) -> None:
        done = fours()
        assert done.status == 2
        assert "Commands" in done.out + done.err

    def test_of_one_command_is_built_without_the_other_commands(self) -> None:
        def names(*arguments: str) -> list[str | None]:
            return [command.name for command in cli.command_line(*arguments).registered_commands]

        assert names("jam") == ["jam"]
        assert {"jam", "export", "doctor"} <= set(names()) == set(names("no such command"))

    def test_imports_no_slow_module(self) -> None:
        slow = {"onnxruntime", "numpy", "pydantic", "mido", "pretty_midi", "torch", "rtmidi"}
        script = (
            "import sys; from server import cli\n"
            "try:\n    cli.command_line()(['--help'])\nexcept SystemExit:\n    pass\n"
            f"print(sorted({slow} & set(sys.modules)), file=sys.stderr)"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=PATIENCE_S
        )
        assert done.stderr == "[]\n"


class TestAStartWithoutFilesAndPanel:
    """In a process of its own, which ends as soon as the jam is ready."""

    def test_imports_nothing_of_what_it_does_not_use(self, tmp_path: Path) -> None:
        unused = ("server.panel.panel", "server.panel.jam_handle", "server.panel.work", "server.remote.midi_learn", "server.music.seed_player", "server.takes.take_export",
                  "model.files.seed", "model.files.score_reader", "model.files.midi", "model.files.musicxml",
                  "model.files.charts", "symusic", "partitura", "pretty_midi")  # fmt: skip
        done = started(
            tmp_path,
            "--midi-api",
            "none",
            "--no-panel",
            then=f"print([name for name in {unused} if name in sys.modules], file=sys.stderr)",
        )
        assert done.stderr.splitlines()[-1] == "[]"

    def test_imports_numpy_before_it_is_deep_in_the_imports_of_a_session(self, tmp_path: Path) -> None:
        # A module is listed as its import begins.
        then = "names = list(sys.modules); print(names.index('numpy') < names.index('server.session.session'), file=sys.stderr)"
        done = started(tmp_path, "--midi-api", "none", "--no-panel", then=then)
        assert done.stderr.splitlines()[-1] == "True"

    def test_searches_for_garbage_as_python_does_once_it_is_ready_but_not_in_what_the_start_created(
        self, tmp_path: Path
    ) -> None:
        then = "import gc; print(gc.isenabled(), gc.get_threshold() == usual, gc.get_freeze_count() > 1000, file=sys.stderr)"
        done = started(tmp_path, "--midi-api", "none", "--no-panel", then=then)
        assert done.stderr.splitlines()[-1] == "True True True"

    def test_has_no_panel(self, tmp_path: Path) -> None:
        assert "Panel" not in started(tmp_path, "--midi-api", "none", "--no-panel").stdout

    def test_of_simple_rules_has_no_midi_ports_unless_they_are_asked_for(self, tmp_path: Path) -> None:
        assert "MIDI in    none" in started(tmp_path, "--dummy", "--no-panel").stdout
        no_jack = {"JACK_DEFAULT_SERVER": "fours-tests-none", "JACK_NO_START_SERVER": "1"}
        done = started(tmp_path, "--dummy", "--no-panel", "--midi-api", "jack", env=no_jack)
        assert done.stdout.startswith("No JACK server is running.")


def started(
    folder: Path, *options: str, then: str = "", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """A jam that ends at once when it is ready; `then` is run after it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = (
        "import asyncio, gc, sys\n"
        "usual = gc.get_threshold()\n"
        "from server import cli\n"
        "run = asyncio.run\n"
        "def run_until_ready(jam):\n"
        "    sys.modules['server.session.session'].Session.until_stopped = lambda self: asyncio.sleep(0)\n"
        "    run(jam)\n"
        "asyncio.run = run_until_ready\n"
        f"sys.argv = {['fours', 'jam', *options, '--osc-port', str(port)]}\n"
        f"try:\n    cli.main()\nfinally:\n    {then or 'pass'}\n"
    )
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={**os.environ, "XDG_DATA_HOME": str(folder), **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


class TestControls:
    def test_are_listed_with_their_addresses(self, fours: Fours) -> None:
        done = fours("controls")
        assert done.status == 0
        for control in CONTROLS:
            assert control.address in done.out
            assert control.help in done.out

    def test_the_forms_of_charts_are_listed_below(self, fours: Fours) -> None:
        (line,) = [line for line in fours("controls").out.splitlines() if line.startswith("Forms for /fours/chart: ")]
        assert line.endswith(f": {', '.join(FORMS)}.")

    def test_are_listed_as_json(self, fours: Fours) -> None:
        rows = json.loads(fours("controls", "--json").out)
        assert [row["address"] for row in rows] == [control.address for control in CONTROLS]
        by_name = {row["name"]: row for row in rows}
        assert by_name["temperature"] == {
            "address": "/fours/temperature",
            "name": "temperature",
            "kind": "number",
            "group": "partner",
            "help": "How daring the choice of notes is; 1 is as the model learnt it.",
            "default": 1.0,
            "low": 0.1,
            "high": 2.0,
        }
        assert by_name["approach"]["choices"] == ["pitch", "event"]
        assert by_name["answer_length"]["low"] == by_name["answer_length"]["default"] == 0.0
        assert set(by_name["stop"]) == {"address", "name", "kind", "group", "help"}

    def test_are_listed_as_a_markdown_page(self, fours: Fours) -> None:
        done = fours("controls", "--markdown")
        assert done.out.startswith("# Trading Fours by OSC\n")
        assert "| `/fours/temperature` |" in done.out


class TestLayout:
    def test_is_written_and_its_path_printed(self, fours: Fours, working_folder: Path) -> None:
        assert fours("layout") == CommandResult(0, "trading-fours.tosc\n", "")
        assert (working_folder / "trading-fours.tosc").is_file()

    def test_for_an_unknown_app_is_refused(self, fours: Fours) -> None:
        assert fours.refusal("layout", "--for", "lemur").startswith("there is no layout for lemur")


@pytest.mark.usefixtures("no_midi")
class TestPortsWithoutMidi:
    @pytest.mark.parametrize("options", [(), ("--json",)])
    def test_says_how_to_get_midi(self, fours: Fours, options: tuple[str, ...]) -> None:
        assert "Start JACK" in fours.refusal("ports", *options)


@pytest.mark.usefixtures("no_midi")
class TestLearnWithoutMidi:
    def test_says_how_to_get_midi(self, fours: Fours) -> None:
        assert "Start JACK" in fours.refusal("learn", "temperature")
        assert "Start JACK" in fours.refusal("calibrate")

    def test_a_misspelt_control_is_said_first(self, fours: Fours) -> None:
        assert fours.refusal("learn", "tempratur") == "there is no control tempratur; did you mean temperature?"


@pytest.mark.usefixtures("own_packs")
class TestPacks:
    def test_are_listed_with_their_folder(self, fours: Fours) -> None:
        assert "tiny  (packs/tiny)" in fours("packs").out

    def test_a_corpus_that_a_card_names_twice_is_listed_once_as_it_was_read_last(
        self, fours: Fours, own_packs: Path
    ) -> None:
        file = own_packs / "tiny" / "card.json"
        card = json.loads(file.read_text(encoding="utf-8"))
        corpus = {"name": "songs", "files": 3, "licences": {"CC0-1.0": 3}, "sources": [], "attribution": ""}
        card["corpora"] = [{**corpus, "notes": notes} for notes in (1234, 5678)]
        file.write_text(json.dumps(card), encoding="utf-8")
        lines = [line for line in fours("packs").out.splitlines() if "trained on songs" in line]
        assert ["5,678 notes" in line for line in lines] == [True]

    def test_are_listed_as_json(self, fours: Fours) -> None:
        (row,) = json.loads(fours("packs", "--json").out)
        assert (row["name"], row["folder"]) == ("tiny", "packs/tiny")
        assert set(row["approaches"]) == {"pitch", "event"}

    def test_may_be_in_a_configured_folder(self, fours: Fours, own_packs: Path, working_folder: Path) -> None:
        own_packs.rename(working_folder / "mine")
        (working_folder / "config.toml").write_text('[engine]\npacks_folder = "mine"\n', encoding="utf-8")
        assert "tiny  (mine/tiny)" in fours("packs").out

    def test_a_broken_one_is_reported_and_does_not_hide_the_others(
        self, fours: Fours, own_packs: Path, tiny_pack: Path
    ) -> None:
        shutil.copytree(tiny_pack, own_packs / "broken")
        (own_packs / "broken" / "card.json").write_text("{", encoding="utf-8")
        done = fours("packs")
        assert "tiny  (packs/tiny)" in done.out
        assert "packs/broken/card.json" in done.err


@pytest.mark.usefixtures("own_packs")
class TestExport:
    def test_writes_the_file_and_prints_its_path(self, fours: Fours, seed: Path, working_folder: Path) -> None:
        done = fours("export", seed, "-o", "answer.mid", "--pack", "tiny", "--approach", "event", "--length", "8")
        assert done == CommandResult(0, "answer.mid\n", "")
        assert (working_folder / "answer.mid").read_bytes().startswith(b"MThd")

    def test_the_same_arguments_give_the_same_bytes(self, fours: Fours, seed: Path, working_folder: Path) -> None:
        for name in ("one.mid", "two.mid"):
            fours("export", seed, "-o", name, "--pack", "tiny", "--temperature", "0.9", "--random-seed", "7")
        assert (working_folder / "one.mid").read_bytes() == (working_folder / "two.mid").read_bytes()

    def test_several_answers_and_their_pictures_are_printed_one_a_line(
        self, fours: Fours, seed: Path, working_folder: Path
    ) -> None:
        options = ("--pack", "tiny", "--count", "2", "--piano-roll", "roll.png", "--answer-only")
        done = fours("export", seed, "-o", "answer.mid", *options)
        assert done.out.splitlines() == ["answer-1.mid", "roll-1.png", "answer-2.mid", "roll-2.png"]
        assert all((working_folder / name).is_file() for name in done.out.splitlines())

    def test_uses_the_controls_of_the_configuration(self, fours: Fours, seed: Path, working_folder: Path) -> None:
        (working_folder / "config.toml").write_text('[controls]\npack = "tiny"\n', encoding="utf-8")
        assert fours("export", seed, "-o", "answer.mid").status == 0

    def test_of_a_missing_seed_is_refused(self, fours: Fours, working_folder: Path) -> None:
        sentence = fours.refusal("export", "none.mid", "-o", "answer.mid", "--pack", "tiny")
        assert sentence == "there is no file none.mid; a seed is a file of music with at least one pitched note"
        assert not (working_folder / "answer.mid").exists()

    def test_into_a_missing_folder_is_refused(self, fours: Fours, seed: Path) -> None:
        sentence = fours.refusal("export", seed, "-o", "none/answer.mid", "--pack", "tiny")
        assert sentence == "none/answer.mid cannot be written: No such file or directory; choose another place"

    def test_to_a_folder_instead_of_a_file_is_refused(self, fours: Fours, seed: Path) -> None:
        assert fours.refusal("export", seed, "-o", ".", "--pack", "tiny") == (
            ". is a folder; name a file, such as answer.mid"
        )

    def test_from_an_unknown_pack_is_refused(self, fours: Fours, seed: Path) -> None:
        sentence = fours.refusal("export", seed, "-o", "answer.mid", "--pack", "tinny")
        assert sentence == "there is no pack named tinny and no such folder; did you mean tiny?"

    @pytest.mark.parametrize("name", ["pitch.int8.onnx", "event.fp32.onnx"])
    def test_from_a_truncated_pack_is_refused(
        self, fours: Fours, seed: Path, own_packs: Path, working_folder: Path, name: str
    ) -> None:
        path = own_packs / "tiny" / name
        path.write_bytes(path.read_bytes()[:-1])
        assert "is cut off or was changed" in fours.refusal("export", seed, "-o", "answer.mid", "--pack", "tiny")
        assert not (working_folder / "answer.mid").exists()

    @pytest.mark.parametrize("option", [("--temperature", "9"), ("--count", "0"), ("--approach", "evnt"), ("--bogus",)])
    def test_a_bad_option_ends_it(self, fours: Fours, seed: Path, option: tuple[str, ...]) -> None:
        done = fours("export", seed, "-o", "answer.mid", *option)
        assert done.status == 2
        assert "Traceback" not in done.err
        assert option[0] in done.err


class TestJamThatCannotStart:
    """Each ends with one sentence; the live tests cover jams that can start."""

    def test_with_an_unknown_pack(self, fours: Fours) -> None:
        assert fours.refusal("jam", "--pack", "tinny").startswith("there is no pack named tinny and no such folder")

    def test_with_mistakes_in_its_configuration(self, fours: Fours, working_folder: Path) -> None:
        (working_folder / "config.toml").write_text("[osc]\nprt = 1\n[controls]\ntempo = 1\n", encoding="utf-8")
        done = fours("jam")
        assert (done.status, done.out) == (1, "")
        assert done.err.splitlines() == [
            "fours: config.toml: there is no key osc.prt; did you mean osc.port?",
            "config.toml: controls: tempo is 20 to 400 bpm; 1 is out of range",
        ]

    @pytest.mark.parametrize("content", BROKEN_MIDI_FILES.values(), ids=BROKEN_MIDI_FILES.keys())
    def test_with_a_seed_that_is_not_a_midi_file(self, fours: Fours, working_folder: Path, content: bytes) -> None:
        (working_folder / "tune.mid").write_bytes(content)
        sentence = fours.refusal("jam", "--dummy", "--seed", "tune.mid")
        assert sentence.startswith("tune.mid ")
        assert sentence.endswith("; a seed is a file of music with at least one pitched note")

    def test_with_a_missing_seed(self, fours: Fours) -> None:
        assert fours.refusal("jam", "--seed", "none.mid").startswith("there is no file none.mid; ")

    def test_with_the_memory_of_an_unknown_take(self, fours: Fours, working_folder: Path) -> None:
        (working_folder / "config.toml").write_text('[takes]\nfolder = "takes"\n', encoding="utf-8")
        assert fours.refusal("jam", "--remember", "1999").startswith("there is no jam 1999 in takes; ")

    def test_with_a_missing_configuration(self, fours: Fours) -> None:
        assert fours.refusal("jam", "--config", "none.toml") == "none.toml cannot be read: No such file or directory"

    @pytest.mark.parametrize(
        ("option", "sentence"),
        [
            (("--osc-port", "99999"), "the command line: osc.port: a port is a whole number from 1 to 65535"),
            (("--midi-api", "oss"), "the command line: midi.api should be 'auto', 'jack'"),
            (("--device", "gpu"), "the command line: engine.device should be 'auto', 'cpu' or 'cuda'"),
        ],
    )
    def test_with_an_option_out_of_its_range(self, fours: Fours, option: tuple[str, ...], sentence: str) -> None:
        assert fours.refusal("jam", *option).startswith(sentence)

    @pytest.mark.usefixtures("no_midi", "own_packs")
    def test_if_another_program_has_its_osc_port(self, fours: Fours) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            done = fours("jam", "--pack", "tiny", "--osc-port", str(port))
        assert done.status == 1
        assert done.err.startswith(f"fours: OSC port {port} on 127.0.0.1 is taken")
        assert "Ready" not in done.out

    @pytest.mark.usefixtures("no_midi", "own_packs")
    @pytest.mark.parametrize("option", ["--midi-in", "--midi-out"])
    def test_if_a_midi_port_is_requested_and_there_are_none(self, fours: Fours, option: str) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        done = fours("jam", "--pack", "tiny", "--osc-port", str(port), option, "Keystation")
        direction = option.removeprefix("--midi-") + "put"
        assert done.status == 1
        assert done.err.splitlines()[-1] == (
            f'fours: No MIDI {direction} port fits "Keystation": there are none. Connect a device and try again.'
        )
        assert "There is no MIDI system" in done.out


class TestTrain:
    def test_without_its_extra_says_how_to_get_it(self, fours: Fours, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delitem(sys.modules, "train.cli", raising=False)
        monkeypatch.setitem(sys.modules, "torch", None)
        assert fours.refusal("train", "folder", "--out", "pack") == (
            f"this command needs torch, which is not installed: {install_hint('train')}"
        )

    def test_passes_its_options_to_training(self, fours: Fours) -> None:
        done = fours("train", "none", "--out", "pack")
        assert done.status == 1
        assert done.err.startswith("fours: ")
        assert "none" in done.err


class TestCompare:
    def test_without_its_extra_says_how_to_get_it(self, fours: Fours, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("train.compare_cli", "train.report.document"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.setitem(sys.modules, "jinja2", None)
        assert fours.refusal("compare", "songbook", "--out", "report") == (
            f"this command needs jinja2, which is not installed: {install_hint('train')}"
        )

    def test_passes_its_options_to_the_comparison(self, fours: Fours) -> None:
        sentence = fours.refusal("compare", "sonbook", "--out", "report")
        assert sentence == "there is no pack named sonbook and no such folder; did you mean songbook?"
        assert not Path("report").exists()


def test_the_console_command_ends_with_status_1_and_a_sentence_on_stderr(tmp_path: Path) -> None:
    command = [*FOURS, "export", "none.mid", "-o", "answer.mid"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    sentence = "there is no file none.mid; a seed is a file of music with at least one pitched note"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"fours: {sentence}\n")


@pytest.mark.parametrize("encoding", ["cp437", "cp1252", "ascii"])
def test_what_a_windows_console_cannot_show_is_escaped_and_the_command_goes_on(encoding: str, tmp_path: Path) -> None:
    folder = tmp_path / "\u65e5\u672c \u03a9 \u2026"
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "XDG_DATA_HOME": str(tmp_path / "data")}
    for arguments in (["setup", "ardour", "--to", str(folder)], ["controls", "--markdown"]):
        done = subprocess.run(
            [*FOURS, *arguments], env=environment, capture_output=True, check=False, timeout=PATIENCE_S, cwd=tmp_path
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout
        if arguments[0] == "setup":
            assert "\\u65e5\\u672c" in done.stdout.decode(encoding)
            assert (folder / "scripts" / "trading_fours.lua").is_file()


def test_a_bug_ends_with_its_traceback(fours: Fours, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("server.config.config.load", broken)
    with pytest.raises(ZeroDivisionError):
        fours("jam")


@pytest.mark.parametrize("name", ["x" * 300, f"{'x' * 300}/a"], ids=["file", "folder"])
@pytest.mark.parametrize(
    "command",
    [
        ("jam", "--dummy", "--seed", "NAME.mid"),
        ("jam", "--dummy", "--chart", "NAME.txt"),
        ("jam", "--dummy", "--remember", "NAME.memory"),
        ("jam", "--dummy", "--remember", "NAME.jam"),
        ("jam", "--dummy", "--remember", "NAME"),
        ("jam", "--midi-api", "none", "--pack", "NAME"),
        ("jam", "--midi-api", "none", "--pack", "./NAME"),
        ("jam", "--dummy", "--config", "NAME.toml"),
        ("export", "NAME.mid", "-o", "answer.mid"),
        ("export", "SEED", "-o", "NAME.mid", "--pack", "dummy"),
        ("export", "SEED", "-o", "answer.mid", "--chart", "NAME.txt", "--pack", "dummy"),
        ("export", "SEED", "-o", "answer.mid", "--pack", "NAME"),
        ("export", "SEED", "-o", "answer.mid", "--piano-roll", "NAME.png", "--pack", "dummy"),
        ("takes", "export", "2026", "-o", "NAME.mid"),
        ("layout", "-o", "NAME.tosc"),
        ("config", "-o", "NAME.toml"),
        ("setup", "reaper", "--to", "NAME"),
    ],
    ids=" ".join,
)
def test_a_name_that_is_too_long_for_a_file_ends_a_command_with_one_sentence(
    fours: Fours, working_folder: Path, command: tuple[str, ...], name: str
) -> None:
    (working_folder / "config.toml").write_text('[takes]\nfolder = "takes"\n', encoding="utf-8")
    write_journal(working_folder / "takes")
    (working_folder / "seed.mid").write_bytes(midi_bytes(Part(line(60, 62, 64))))
    assert fours.refusal(*(word.replace("NAME", name).replace("SEED", "seed.mid") for word in command))
