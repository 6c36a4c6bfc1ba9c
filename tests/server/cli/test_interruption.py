import signal
import subprocess
import sys
from pathlib import Path

import pytest

from server.cli.interruption import INTERRUPTED, ended_at_once
from tests.server.cli.test_command_line import FOURS, PATIENCE_S

ENDS_AT_ONCE = -signal.SIGINT
INTERRUPTS = "import signal\nsignal.raise_signal(signal.SIGINT)\n"
FAILS_WHERE_INTERRUPTED = """import signal
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt as error:
    raise ImportError("initialization failed") from error
"""


def interrupted_while_importing(module: str, source: str, folder: Path) -> tuple[int, str]:
    """How a jam ends, and what it prints, where Ctrl-C comes while it imports this module."""
    (folder / f"{module}.py").write_text(source)
    # These tests may themselves run in the background of a script, where Ctrl-C is ignored.
    first = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    first += f"import sys; sys.path.insert(0, {str(folder)!r}); "
    interpreter, *options, script = FOURS
    done = subprocess.run(
        [interpreter, *options, first + script, "jam", "--dummy", "--no-panel"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is no signal there")
class TestCtrlCWhileItStarts:
    def test_ends_a_command_whose_line_is_not_read_yet_without_a_word(self, tmp_path: Path) -> None:
        assert interrupted_while_importing("typer", INTERRUPTS, tmp_path) == (ENDS_AT_ONCE, "")

    def test_is_no_fault_of_the_library_whose_import_it_interrupts(self, tmp_path: Path) -> None:
        assert interrupted_while_importing("onnxruntime", FAILS_WHERE_INTERRUPTED, tmp_path) == (INTERRUPTED, "")

    def test_is_ignored_where_the_shell_lets_a_background_process_ignore_it(self) -> None:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            with ended_at_once():
                assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        finally:
            signal.signal(signal.SIGINT, before)

    def test_a_library_that_cannot_be_imported_is_reported(self, tmp_path: Path) -> None:
        status, printed = interrupted_while_importing("onnxruntime", "raise ImportError('broken')\n", tmp_path)
        assert status == 1
        assert "ImportError: broken" in printed
