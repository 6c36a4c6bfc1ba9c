import os
import re
import sys
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from bridge.midi.midi_systems import MidiApi
from server.config.config import ALL_INTERFACES, MOST_MISTAKES, Config, host_and_port, load, reachable_host
from server.config.toml_file import LARGEST_BYTES
from server.controls.cc_bindings import CcBinding
from server.controls.control_table import CONTROLS, Settings
from server.errors import ConfigError
from tests.conftest import CHECKOUT

DEFAULT_FILE = CHECKOUT / "config.toml"
*FIRST_APIS, LAST_API = get_args(MidiApi)
API_CHOICES = f"{', '.join(map(repr, FIRST_APIS))} or {LAST_API!r}"


@pytest.fixture
def config_path(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def mistakes(config_path: Path, text: str) -> list[str]:
    """The mistakes that are reported for a file with this text, without the path at the start of each line."""
    config_path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refusal:
        load(config_path)
    lines = str(refusal.value).splitlines()
    assert all(line.startswith(f"{config_path}: ") for line in lines)
    return [line.removeprefix(f"{config_path}: ") for line in lines]


class TestDefaultFile:
    """config.toml at the top of the checkout."""

    def test_it_has_every_key_and_every_control_with_its_default_and_nothing_else(self) -> None:
        defaults = Config().model_dump()
        defaults["controls"] = {row.name: row.default for row in CONTROLS if row.kind != "action"}
        assert tomllib.loads(DEFAULT_FILE.read_text(encoding="utf-8")) == defaults

    def test_loading_it_changes_nothing(self) -> None:
        loaded = load(DEFAULT_FILE)
        assert loaded.settings == Settings()
        assert loaded.model_copy(update={"controls": {}}) == Config()

    def test_every_key_has_a_comment(self) -> None:
        lines = DEFAULT_FILE.read_text(encoding="utf-8").splitlines()
        keys = [text for text in lines if re.match(r"\w+ *=", text)]
        assert keys
        assert all("# " in text for text in keys)

    def test_the_comment_of_the_midi_api_names_every_choice(self) -> None:
        (line,) = (text for text in DEFAULT_FILE.read_text(encoding="utf-8").splitlines() if text.startswith("api = "))
        assert not [choice for choice in get_args(MidiApi) if choice not in line]


class TestLoad:
    def test_without_a_file_the_defaults_are_used(self, working_folder: Path) -> None:
        assert load() == Config()
        assert load().settings == Settings()

    def test_the_file_in_the_working_folder_is_read(self, working_folder: Path) -> None:
        (working_folder / "config.toml").write_text("[osc]\nport = 9001\n", encoding="utf-8")
        assert load().osc.port == 9001

    def test_a_file_with_a_byte_order_mark_is_read(self, config_path: Path) -> None:
        config_path.write_text("[osc]\nport = 9001\n", encoding="utf-8-sig")
        assert load(config_path).osc.port == 9001

    @pytest.mark.parametrize(
        ("text", "is_advertised"),
        [
            ("", False),
            ('host = "0.0.0.0"', True),
            ('host = "0.0.0.0"\nadvertise = "off"', False),
            ('advertise = "on"', True),
            ("advertise = true", True),
            ('host = "0.0.0.0"\nadvertise = false', False),
        ],
    )
    def test_osc_is_announced_if_the_network_can_reach_it_or_on_request(
        self, config_path: Path, text: str, *, is_advertised: bool
    ) -> None:
        config_path.write_text(f"[osc]\n{text}\n", encoding="utf-8")
        assert load(config_path).effective_osc.is_advertised == is_advertised

    def test_lan_announces_osc_too(self, config_path: Path) -> None:
        config_path.write_text("[panel]\nlan = true\n", encoding="utf-8")
        assert load(config_path).effective_osc.is_advertised

    def test_a_given_file_is_read_instead_of_it(self, working_folder: Path, config_path: Path) -> None:
        (working_folder / "config.toml").write_text("nonsense", encoding="utf-8")
        config_path.write_text("[osc]\nport = 9002\n", encoding="utf-8")
        assert load(config_path).osc.port == 9002

    def test_a_missing_key_has_its_default(self, config_path: Path) -> None:
        config_path.write_text('[midi]\ninput = "Keystation"\n[controls]\ntempo = 90\n', encoding="utf-8")
        config = load(config_path)
        assert (config.midi.input, config.midi.output) == ("Keystation", "")
        assert config.settings == Settings(tempo=90.0)

    def test_a_choice_is_given_by_its_name(self, config_path: Path) -> None:
        config_path.write_text('[controls]\napproach = "pitch"\n', encoding="utf-8")
        assert load(config_path).settings.approach == "pitch"

    @pytest.mark.parametrize(
        ("text", "bound"),
        [
            ("", "127.0.0.1"),
            ('host = "::1"', "::1"),
            ('host = "localhost"', "localhost"),
            ("lan = true", "0.0.0.0"),  # noqa: S104  what lan asks for
            ('host = "192.168.1.5"\nlan = true', "192.168.1.5"),
        ],
    )
    def test_the_panel_is_bound_to_this_machine_unless_lan_opens_it(
        self, config_path: Path, text: str, bound: str
    ) -> None:
        config_path.write_text(f"[panel]\n{text}\n", encoding="utf-8")
        assert load(config_path).panel.bind_host == bound

    @pytest.mark.parametrize(
        ("text", "bound"),
        [
            ("", "127.0.0.1"),
            ("[panel]\nlan = true", "0.0.0.0"),  # noqa: S104  what lan asks for
            ('[osc]\nhost = "localhost"\n[panel]\nlan = true\non = false', "0.0.0.0"),  # noqa: S104
            ('[osc]\nhost = "192.168.1.5"\n[panel]\nlan = true', "192.168.1.5"),
            ('[osc]\nhost = "192.168.1.5"', "192.168.1.5"),
        ],
    )
    def test_osc_is_opened_to_the_network_by_lan_or_by_its_own_host(
        self, config_path: Path, text: str, bound: str
    ) -> None:
        config_path.write_text(f"{text}\n", encoding="utf-8")
        config = load(config_path)
        assert config.effective_osc == config.osc.model_copy(update={"host": bound})

    def test_a_tilde_in_the_packs_folder_is_the_home_folder(self, config_path: Path) -> None:
        config_path.write_text('[engine]\npacks_folder = "~/packs"\n', encoding="utf-8")
        assert load(config_path).pack_folders == (Path.home() / "packs",)

    def test_it_cannot_be_changed_once_loaded(self) -> None:
        with pytest.raises(ValueError, match="frozen"):
            Config().osc.port = 1


class TestCcBindings:
    def test_are_for_any_channel_or_for_one(self, config_path: Path) -> None:
        config_path.write_text("[midi.cc]\ntemperature = 21\nrespond = { cc = 64, channel = 2 }\n", encoding="utf-8")
        bindings = load(config_path).midi.bindings
        assert bindings.by_control == {"temperature": CcBinding(21), "respond": CcBinding(64, 2)}


class TestMistakes:
    def test_all_are_reported_at_once(self, config_path: Path) -> None:
        text = """
            [midi]
            api = "oss"
            [osc]
            port = 70000
            prt = 8000
            [controls]
            temperature = 9
            tempr = 120
            approach = "evnt"
        """
        assert mistakes(config_path, text) == [
            f"midi.api should be {API_CHOICES}, not 'oss'",
            "osc.port: a port is a whole number from 1 to 65535, not 70000",
            "there is no key osc.prt; did you mean osc.port?",
            "controls: temperature is 0.1 to 2; 9 is out of range",
            "controls: there is no control tempr; did you mean tempo?",
            "controls: approach is pitch or event, not 'evnt'; did you mean event?",
        ]

    def test_an_unknown_section_gets_a_suggestion(self, config_path: Path) -> None:
        assert mistakes(config_path, "[midii]\n") == ["there is no key midii; did you mean midi?"]

    def test_a_key_without_a_near_name_gets_the_list_of_keys(self, config_path: Path) -> None:
        (mistake,) = mistakes(config_path, "[osc]\nzzz = 1\n")
        assert mistake == "there is no key osc.zzz; there are host, port, reply_port, trust, advertise"

    @pytest.mark.parametrize("port", ["0", "-1", '"8000"', "8000.5", "true"])
    def test_a_port_must_be_an_integer_in_its_range(self, config_path: Path, port: str) -> None:
        (mistake,) = mistakes(config_path, f"[osc]\nport = {port}\n")
        assert mistake.startswith("osc.port: a port is a whole number from 1 to 65535, not ")

    def test_all_mistakes_in_cc_bindings_are_reported_too(self, config_path: Path) -> None:
        text = """
            [midi]
            program_change = "bank"
            [midi.cc]
            temperature = 21
            top_p = 21
            tempr = 22
            tempo = 120
            pack = 23
            key = "24"
            step = { cc = 25, channel = 17 }
            gate = { cc = 26, chan = 1 }
            swing = true
        """
        assert mistakes(config_path, text) == [
            "midi.program_change should be 'off', 'pack' or 'approach', not 'bank'",
            "midi.cc: top_p and temperature are both on CC 21",
            "midi.cc: there is no control tempr; did you mean tempo?",
            "midi.cc: the CC of tempo is 0 to 119, not 120",
            "midi.cc: pack takes no CC; let program changes choose it (midi.program_change)",
            "midi.cc: the CC of key is 0 to 119, not '24'",
            "midi.cc: the channel of step is 1 to 16, not 17",
            "midi.cc: gate is bound to a CC, such as 21 or { cc = 21, channel = 3 }, not to {'cc': 26, 'chan': 1}",
            "midi.cc: the CC of swing is 0 to 119, not true",
        ]

    def test_a_value_in_place_of_a_section_is_reported_in_the_words_of_the_file(self, config_path: Path) -> None:
        assert mistakes(config_path, "osc = 8000\n") == ["osc is a section: [osc]"]
        assert mistakes(config_path, "[midi]\noffset_ms = 3\n") == ["midi.offset_ms is a section: [midi.offset_ms]"]

    @pytest.mark.parametrize("text", ["[midi]\ncc = 3\n", 'midi = "x"\n'])
    def test_cc_bindings_must_be_a_section(self, config_path: Path, text: str) -> None:
        (mistake,) = mistakes(config_path, text)
        assert mistake.startswith("midi")

    def test_a_trusted_sender_must_be_an_address_or_a_network(self, config_path: Path) -> None:
        assert mistakes(config_path, '[osc]\ntrust = ["10.0.0.1", "my phone"]\n') == [
            'osc.trust: "my phone" is no address; one is written like 192.168.1.20, a network like 192.168.1.0/24'
        ]

    @pytest.mark.parametrize("value", ["true", "false", "[1]", "{}", "2026-01-01", "nan", "inf", "1" + 400 * "0"])
    @pytest.mark.parametrize("name", ["temperature", "approach", "pack"])
    def test_a_value_that_a_control_does_not_accept_is_reported(self, config_path: Path, name: str, value: str) -> None:
        (mistake,) = mistakes(config_path, f"[controls]\n{name} = {value}\n")
        assert mistake.startswith(f"controls: {name} is ")

    @pytest.mark.parametrize(
        ("text", "mistake"),
        [
            ("[takes]\nkeep_days = 1000000", "takes.keep_days should be less than or equal to 36500, not 1000000"),
            ("[takes]\nkeep_days = inf", "takes.keep_days should be a finite number, not inf"),
            ("[takes]\nkeep_mb = nan", "takes.keep_mb should be a finite number, not nan"),
            ('[takes]\nfolder = "a\\u0000b"', r"takes.folder: 'a\x00b' has a zero byte, which no path can have"),
            (
                '[engine]\npacks_folder = "~nobody-of-that-name/packs"',
                "engine.packs_folder: '~nobody-of-that-name/packs' cannot be used: it begins with the home folder of a user whom this system does not know",
            ),
            (
                f'[takes]\nfolder = "{"x" * 300}"',
                f"takes.folder: '{'x' * 59}… is too long: a name in a path has at most 255 bytes",
            ),
            (
                '[osc]\nhost = "a\\u0000b"',
                r"osc.host: 'a\x00b' is no address of a machine; one is written like 127.0.0.1 or localhost",
            ),
            ('[osc]\nhost = ""', "osc.host: '' is no address of a machine; one is written like 127.0.0.1 or localhost"),
            (f"[osc]\nport = 0x{'f' * 9000}", "osc.port: a port is a whole number from 1 to 65535, not a number with too many digits"),
        ],
    )  # fmt: skip
    def test_what_no_system_can_have_is_reported_in_one_sentence(
        self, config_path: Path, text: str, mistake: str
    ) -> None:
        assert mistakes(config_path, f"{text}\n") == [mistake]

    def test_a_sentence_shows_no_more_of_a_value_or_a_name_than_can_be_read(self, config_path: Path) -> None:
        text = f"[controls]\ntempo = {'9' * 4000}\nkey = '{'x' * 4000}'\n{'y' * 4000} = 1\n[{'z' * 4000}]\n"
        assert all(len(mistake) < 700 for mistake in mistakes(config_path, text))

    def test_of_very_many_mistakes_the_last_are_only_counted(self, config_path: Path) -> None:
        text = "[controls]\n" + "".join(f"tempo{number} = 1\n" for number in range(1000))
        shown = mistakes(config_path, text)
        assert len(shown) == MOST_MISTAKES + 1
        assert shown[-1] == "and 980 more mistakes"

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            (f"a = {'[' * 5000}{']' * 5000}", "is nested too deeply: there are 8 levels at most"),
            (f"[controls.tempo{'.a' * 5000}]", "is nested too deeply: there are 8 levels at most"),
            (f"[osc]\ntrust = {'[' * 12}{']' * 12}", "is nested too deeply: there are 8 levels at most"),
            (f"a = {'9' * 5000}", "has a number with too many digits"),
            (f"#{'x' * LARGEST_BYTES}", "cannot be read: it has more than 1,048,576 bytes"),
        ],
        ids=["arrays", "tables", "a dozen", "digits", "bytes"],
    )
    def test_a_file_that_nobody_writes_by_hand_is_refused_in_one_sentence(
        self, config_path: Path, text: str, sentence: str
    ) -> None:
        config_path.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError) as refusal:
            load(config_path)
        assert str(refusal.value) == f"{config_path} {sentence}"

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes in folders")
    def test_a_pipe_is_refused_and_not_waited_for(self, config_path: Path) -> None:
        os.mkfifo(config_path)
        with pytest.raises(ConfigError, match=r"it is a pipe or a device, and no file$"):
            load(config_path)

    def test_an_action_cannot_be_set(self, config_path: Path) -> None:
        assert mistakes(config_path, "[controls]\nstop = 1\n") == ["controls: stop is an action and keeps no value"]

    def test_a_panel_that_the_network_can_reach_needs_lan(self, config_path: Path) -> None:
        (mistake,) = mistakes(config_path, '[panel]\nhost = "0.0.0.0"\n')
        assert mistake == "panel: 0.0.0.0 can be reached from the network, which needs lan = true; or use 127.0.0.1"

    @pytest.mark.parametrize("section", ["midi", "osc", "panel", "engine", "controls"])
    def test_a_value_instead_of_a_section_is_reported(self, config_path: Path, section: str) -> None:
        (mistake,) = mistakes(config_path, f"{section} = 3\n")
        assert mistake.startswith(section)

    def test_a_syntax_error_is_reported_with_its_line(self, config_path: Path) -> None:
        config_path.write_text("[osc\nport = 8000\n", encoding="utf-8")
        with pytest.raises(ConfigError, match=r"is no TOML: .*line 1"):
            load(config_path)

    def test_a_binary_file_is_reported(self, config_path: Path) -> None:
        config_path.write_bytes(b"\xff\xfe\x00")
        with pytest.raises(ConfigError, match="is no TOML"):
            load(config_path)

    def test_a_given_file_that_does_not_exist_is_an_error(self, config_path: Path) -> None:
        with pytest.raises(ConfigError, match=rf"^{re.escape(str(config_path))} cannot be read: No such file"):
            load(config_path)

    def test_a_folder_instead_of_a_file_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
            load(tmp_path)


class TestCommandLine:
    def test_its_values_replace_those_of_the_file(self, config_path: Path) -> None:
        config_path.write_text("[osc]\nport = 9001\n[controls]\ntempo = 90\nstep = 1\n", encoding="utf-8")
        changed = load(config_path).with_values({"osc.port": 9002, "controls.tempo": 100.0, "midi.input": None})
        assert changed.osc.port == 9002
        assert changed.settings == Settings(tempo=100.0, step=1.0)

    def test_its_mistakes_are_reported_as_mistakes_of_the_command_line(self) -> None:
        with pytest.raises(ConfigError) as refusal:
            Config().with_values({"osc.port": 0, "controls.tempo": 1000.0})
        assert str(refusal.value).splitlines() == [
            "the command line: osc.port: a port is a whole number from 1 to 65535, not 0",
            "the command line: controls: tempo is 20 to 400 bpm; 1000 is out of range",
        ]


@pytest.mark.parametrize(
    ("host", "text"),
    [
        ("127.0.0.1", "127.0.0.1:4444"),
        ("localhost", "localhost:4444"),
        ("::1", "[::1]:4444"),
        ("fd00::5", "[fd00::5]:4444"),
    ],
)
def test_an_ipv6_address_stands_in_brackets_before_its_port(host: str, text: str) -> None:
    assert host_and_port(host, 4444) == text


@pytest.mark.parametrize(
    ("host", "reached_at"), [(ALL_INTERFACES, "127.0.0.1"), ("::", "::1"), ("::1", "::1"), ("localhost", "localhost")]
)
def test_a_port_that_listens_on_all_addresses_is_reached_at_this_machines_own(host: str, reached_at: str) -> None:
    assert reachable_host(host) == reached_at
