"""The configuration: finds `config.toml`, loads it once, and reports all its mistakes together; opens no port.

Its keys are the fields of `Config`, and under `[controls]` the names in `server.controls.control_table.CONTROLS`.
"""

import difflib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from bridge.errors import BadTrustedAddress, cut_short, shown
from bridge.midi.midi_systems import MidiApi
from bridge.osc.trusted_senders import TrustedSenders
from model.named_file import expand_home, path_fault
from server.config.toml_file import parse, read_text
from server.controls.cc_bindings import CcBindings, ConfigBinding
from server.controls.control_table import BY_NAME, Settings, Value, control_named
from server.errors import BadValue, ConfigError

CONFIG_FILE = "config.toml"
FULL_SENTENCE = "own_sentence"
"""The type of our own validation errors, whose message is a full sentence already."""

MOST_MISTAKES = 20
"""How many mistakes are listed; further ones are only counted."""

ALL_INTERFACES = "0.0.0.0"  # noqa: S104  used only where `lan` is on
Advertise = Literal["auto", "on", "off"]
ProgramChange = Literal["off", "pack", "approach"]
_OFFSET = BY_NAME["offset_ms"]


def _own_error(sentence: str) -> PydanticCustomError:
    return PydanticCustomError(FULL_SENTENCE, "{sentence}", {"sentence": sentence})


def _check_host(host: str) -> str:
    """Refuses a host name that no system can look up."""
    with suppress(ValueError):
        ip_address(host)
        return host  # the usual case, for which the tables of international names need not be loaded
    try:
        is_name = bool(host.encode("idna")) and "\0" not in host
    except UnicodeError:
        is_name = False
    if not is_name:
        raise _own_error(f"{shown(host)} is no address of a machine; one is written like 127.0.0.1 or localhost")
    return host


def _check_path(text: str) -> str:
    """Refuses a path that no file system can have, and a home folder that no user has."""
    if fault := path_fault(text):
        raise _own_error(f"{shown(text)} {fault}")
    try:
        expand_home(text)
    except OSError as error:
        raise _own_error(f"{shown(text)} cannot be used: {error.strerror}") from error
    return text


def _check_port(value: object, check: ValidatorFunctionWrapHandler) -> object:
    """Says the whole range of ports, where pydantic names the one bound that is crossed."""
    try:
        return check(value)
    except ValidationError as error:
        raise _own_error(f"a port is a whole number from 1 to 65535, not {shown(value)}") from error


Host = Annotated[str, AfterValidator(_check_host)]
PortNumber = Annotated[int, Field(ge=1, le=65535), WrapValidator(_check_port)]
PathText = Annotated[str, AfterValidator(_check_path)]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address; the name `localhost` counts too."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bound_host(host: str, *, lan: bool) -> str:
    """The address to listen on: `host`, but all interfaces if `host` is this machine's alone and `lan` opens it."""
    return ALL_INTERFACES if lan and is_loopback(host) else host


def is_every_address(host: str) -> bool:
    """Whether to listen there is to listen on all addresses of this machine."""
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


def reachable_host(host: str) -> str:
    """The address at which this machine reaches a port that listens on `host`."""
    if not is_every_address(host):
        return host
    return "::1" if ":" in host else "127.0.0.1"


def host_and_port(host: str, port: int) -> str:
    """Both as a URL has them: an IPv6 address stands in brackets, so that its colons are not taken for the port's."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Section(BaseModel):
    """A section of the file; it cannot be changed once loaded, and an unknown key is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class MidiSection(Section):
    """MIDI ports: a name is any part of the name of an existing port; an empty one asks for a virtual port of our own.

    `offset_ms` is what `fours calibrate` has measured, by the full name of the output.
    """

    api: MidiApi = "auto"
    input: str = ""
    output: str = ""
    program_change: ProgramChange = "off"
    cc_feedback: bool = True
    offset_ms: dict[str, Annotated[float, Field(ge=_OFFSET.low, le=_OFFSET.high)]] = {}
    cc: dict[str, ConfigBinding] = {}

    @property
    def bindings(self) -> CcBindings:
        """Which CC moves which control; `cc` as parsed."""
        return CcBindings.read(self.cc)


class OscSection(Section):
    """Where OSC comes in, which senders are trusted, and the second port of the sender's machine that gets answers."""

    host: Host = "127.0.0.1"
    port: PortNumber = 8000
    reply_port: PortNumber = 9000
    trust: list[str] = []
    advertise: Advertise = "auto"

    @field_validator("advertise", mode="before")
    @classmethod
    def _switch(cls, value: object) -> object:
        """Accepts true and false too, as older files have it."""
        return ("on" if value else "off") if isinstance(value, bool) else value

    @property
    def is_advertised(self) -> bool:
        """Whether the address is announced. On `auto` only where the network can reach it: nothing else listens there."""
        return self.advertise == "on" or (self.advertise == "auto" and not is_loopback(self.host))

    @field_validator("trust")
    @classmethod
    def _addresses(cls, texts: list[str]) -> list[str]:
        try:
            TrustedSenders.read(texts)
        except BadTrustedAddress as error:
            raise _own_error(str(error)) from error
        return texts


class LiveSection(Section):
    """The ports of AbletonOSC on this machine: where it listens, and where it sends what it knows of the set in Ableton Live."""

    port: PortNumber = 11000
    reply_port: PortNumber = 11001


class PanelSection(Section):
    """Where the panel is served; other machines reach it only with `lan`, which opens OSC too."""

    on: bool = True
    host: Host = "127.0.0.1"
    port: PortNumber = 4444
    lan: bool = False

    @property
    def bind_host(self) -> str:
        """The address to listen on."""
        return bound_host(self.host, lan=self.lan)

    @model_validator(mode="after")
    def _needs_lan_beyond_this_machine(self) -> Self:
        if not self.lan and not is_loopback(self.host):
            sentence = f"{self.host} can be reached from the network, which needs lan = true; or use 127.0.0.1"
            raise _own_error(sentence)
        return self


class EngineSection(Section):
    """The device that runs the models, and the folder of the user's own packs."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    packs_folder: PathText = "packs"


class TakesSection(Section):
    """The folder of the recorded jams, how long they are kept, and how far back `capture` reaches."""

    folder: PathText = ""
    keep_days: Annotated[float, Field(gt=0, le=36_500)] = 90.0
    keep_mb: Annotated[float, Field(gt=0, le=1e9)] = 1000.0
    capture_minutes: Annotated[float, Field(gt=0, le=600)] = 5.0
    long_silence_s: Annotated[float, Field(gt=0, le=600)] = 8.0

    @property
    def data_folder(self) -> Path:
        """The configured folder, or if it is empty, the one where this system keeps the data of programs."""
        if self.folder:
            return expand_home(self.folder)
        import platformdirs

        return Path(platformdirs.user_data_dir("fours", appauthor=False)) / "takes"


class Config(Section):
    """The whole configuration; a key that the file leaves out has its default."""

    midi: MidiSection = MidiSection()
    osc: OscSection = OscSection()
    live: LiveSection = LiveSection()
    panel: PanelSection = PanelSection()
    engine: EngineSection = EngineSection()
    takes: TakesSection = TakesSection()
    controls: dict[str, float | str] = {}

    @property
    def settings(self) -> Settings:
        """The values of the controls at the start."""
        settings = Settings()
        for name, raw in self.controls.items():
            settings = settings.with_value(name, control_named(name).read(raw))
        return settings

    @property
    def effective_osc(self) -> OscSection:
        """The OSC section with the host to bind: `lan` opens OSC too, but even then only trusted senders are read."""
        return self.osc.model_copy(update={"host": bound_host(self.osc.host, lan=self.panel.lan)})

    @property
    def pack_folders(self) -> tuple[Path, ...]:
        """The folders that are searched for packs besides the program's own."""
        return (expand_home(self.engine.packs_folder),)

    def with_values(self, changes: Mapping[str, Value | list[str] | None]) -> "Config":
        """A copy with the values of the command line, by dotted key such as `osc.port`; None means not given.

        Raises ConfigError with one line for each mistake.
        """
        tree = self.model_dump()
        for key, value in changes.items():
            if value is not None:
                section, name = key.split(".")
                tree[section][name] = value
        return _validated(tree, "the command line")


def load(path: Path | None = None) -> Config:
    """Loads `path`, or else `config.toml` of the working folder, or else the defaults.

    Raises ConfigError with one line for each mistake.
    """
    config_path = path or Path(CONFIG_FILE)
    if path is None and not config_path.is_file():
        return Config()
    return _validated(parse(read_text(config_path), str(config_path)), str(config_path))


def _validated(tree: Mapping[str, Any], source: str) -> Config:
    mistakes = []
    config = None
    try:
        config = Config.model_validate(tree)
    except ValidationError as error:
        mistakes = [
            _sentence_for(detail) for detail in error.errors() if not _is_reported_by_control_table(detail["loc"])
        ]
    # pydantic's errors in these two tables were left out above: the controls know better which values they accept.
    mistakes += _section_mistakes("controls", tree.get("controls", {}), _control_mistakes)
    midi = tree.get("midi", {})
    if isinstance(midi, Mapping):
        mistakes += _section_mistakes("midi.cc", midi.get("cc", {}), _cc_mistakes)
    if mistakes or config is None:
        if len(mistakes) > MOST_MISTAKES:
            mistakes[MOST_MISTAKES:] = [f"and {len(mistakes) - MOST_MISTAKES:,} more mistakes"]
        raise ConfigError("\n".join(f"{source}: {mistake}" for mistake in mistakes))
    return config


def _is_reported_by_control_table(key_path: tuple[int | str, ...]) -> bool:
    return key_path[0] == "controls" or key_path[:2] == ("midi", "cc")


def _section_mistakes(
    section: str, table: object, find_mistakes: Callable[[Mapping[str, Any]], list[str]]
) -> list[str]:
    return find_mistakes(table) if isinstance(table, Mapping) else [f"{section} is a section: [{section}]"]


def _cc_mistakes(bindings: Mapping[str, Any]) -> list[str]:
    try:
        CcBindings.read(bindings)
    except BadValue as error:
        return [f"midi.cc: {line}" for line in str(error).splitlines()]
    return []


def _control_mistakes(controls: Mapping[str, Any]) -> list[str]:
    mistakes = []
    for name, raw in controls.items():
        try:
            control = control_named(name)
            if control.kind == "action":
                raise BadValue(f"{name} is an action and keeps no value")
            if isinstance(raw, bool) or not isinstance(raw, int | float | str):
                raise BadValue(f"{name} is {control.allowed}, not {shown(raw)}")
            control.read(raw)
        except BadValue as error:
            mistakes.append(f"controls: {error}")
    return mistakes


def _sentence_for(detail: Any) -> str:
    """One of pydantic's errors as a sentence of ours."""
    path = [str(step) for step in detail["loc"]]
    key = cut_short(".".join(path))
    if detail["type"] == "extra_forbidden":
        near = difflib.get_close_matches(path[-1], _known_keys(path[:-1]), n=1)
        return f"there is no key {key}; " + (
            f"did you mean {'.'.join([*path[:-1], near[0]])}?"
            if near
            else f"there are {', '.join(_known_keys(path[:-1]))}"
        )
    if detail["type"] == FULL_SENTENCE:
        return f"{key}: {detail['msg']}"
    if detail["type"] in {"model_type", "dict_type"}:
        return f"{key} is a section: [{key}]"
    # "Input" is pydantic's word for any value; in this file it is the name of a key.
    sentence = f"{key}: {detail['msg']}".replace(": Input should be ", " should be ", 1)
    return f"{sentence}, not {shown(detail['input'])}"


def _known_keys(sections: list[str]) -> list[str]:
    model: type[BaseModel] = Config
    for name in sections:
        annotation = model.model_fields[name].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return [setting.name for setting in fields(Settings)]
        model = annotation
    return list(model.model_fields)
