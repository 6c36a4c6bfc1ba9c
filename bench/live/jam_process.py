"""Runs `fours jam` of a checkout as a process in a temporary folder, until the block is left."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FOURS = (sys.executable, "-c", "import sys; from server.cli import main; sys.exit(main())")
STOP_TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class RunningJam:
    """A jam that is ready: `lines` has what it printed at its start, by the label of each line, and `wiring` the same without what stands in
    brackets: for "MIDI in" and "MIDI out" the names of the ports.
    """

    pid: int
    lines: dict[str, str]
    wiring: dict[str, str]


@contextmanager
def running_jam(build: Path, arguments: Sequence[str], config: str) -> Iterator[RunningJam]:
    """A jam that is ready; `build` is the folder of the checkout, `config` the text of its `config.toml`.

    Raises RuntimeError if the jam does not start.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.toml").write_text(config, encoding="utf-8")
        with subprocess.Popen(
            (*FOURS, "jam", *arguments),
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(build.resolve())},
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            try:
                lines: dict[str, str] = {}
                for line in process.stdout:
                    label, _, text = line.rstrip("\n").partition("  ")
                    lines[label] = text.strip()
                    if line.startswith("Ready"):
                        break
                else:
                    raise RuntimeError(f"the jam of {build} did not start")
                yield RunningJam(process.pid, lines, {label: text.rpartition(" (")[0] for label, text in lines.items()})
            finally:
                process.terminate()
                process.wait(STOP_TIMEOUT_S)
