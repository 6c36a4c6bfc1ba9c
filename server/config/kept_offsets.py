"""The offsets that `fours calibrate` keeps, one for each output port, and which offset a jam starts with. It opens no port."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bridge.midi.ports import OUTPUT_NAME, without_alsa_numbers
from server.config.config import Config
from server.config.toml_editor import write_key

OFFSET_SECTION = "midi.offset_ms"
OFFSET_CONTROL = "offset_ms"


@dataclass(frozen=True, slots=True)
class StartOffset:
    """The value of `offset_ms` at the start of a jam, in milliseconds, and where it comes from, in words."""

    ms: float
    source: str

    @property
    def text(self) -> str:
        """Both, for one line."""
        return f"{self.ms:g} ms ({self.source})"


def offset_key(port_name: str, *, is_virtual: bool) -> str:
    """The name under which the offset of an output is kept.

    It is the port's own name, without the numbers that change; a virtual port of ours is the same whatever the system calls it.
    """
    return OUTPUT_NAME if is_virtual else without_alsa_numbers(port_name).strip()


def start_offset(config: Config, port_key: str | None, *, is_given: bool = False) -> StartOffset:
    """The offset of a jam that plays to the output with this key; None stands for no MIDI output.

    The command line wins (`is_given`: it has set the control), then the configuration's control, then what is kept for the port.
    In the configuration, 0 counts as not set, as every key is there with its default.
    """
    configured_ms = config.settings.offset_ms
    if is_given:
        return StartOffset(configured_ms, "from the command line")
    if configured_ms:
        return StartOffset(configured_ms, f"from controls.{OFFSET_CONTROL} of the configuration")
    kept_ms = None if port_key is None else _kept_offset(config.midi.offset_ms, port_key)
    if kept_ms is None:
        return StartOffset(
            configured_ms, "the default" if port_key is None else "not measured; fours calibrate does that"
        )
    return StartOffset(kept_ms, f'measured by fours calibrate for "{port_key}"')


def write_offset(path: Path, port_key: str, offset_ms: float) -> None:
    """Keeps the offset of an output in a configuration file, which need not exist. Raises ConfigError if it cannot be written."""
    # As people write it. What JSON makes of any other text is also TOML's.
    key = port_key if re.fullmatch(r"[\w-]+", port_key, re.ASCII) else json.dumps(port_key, ensure_ascii=False)
    write_key(path, OFFSET_SECTION, key, f"{offset_ms:.1f}")


def _kept_offset(offsets: Mapping[str, float], port_key: str) -> float | None:
    if port_key in offsets:
        return offsets[port_key]
    return next((ms for key, ms in offsets.items() if key.casefold() == port_key.casefold()), None)
