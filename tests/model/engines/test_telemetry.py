"""ONNX Runtime reports to its maker by default; where a program of ours loads it, it does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.tiny_pack import write_tiny_pack

# It keeps silent by itself where one of these says that nobody uses it in earnest.
SILENT_WHERE = ("CI", "ORT_RUNNING_UNIT_TESTS", "ORT_DISABLE_TELEMETRY")
PLAYS = """
import sys
from model.pack.pack import open_pack
print(open_pack(sys.argv[1]).engine("pitch", "cpu").device)
"""
TRAINS = """
import sys
from pathlib import Path
from train.onnx_graph import write_int8
from tests.tiny_pack import random_weights
write_int8(random_weights(20), Path(sys.argv[1]) / "int8.onnx")
"""


@pytest.mark.parametrize("script", [PLAYS, TRAINS], ids=["a pack that is loaded", "a pack that is written"])
def test_it_leaves_no_identifier_of_the_machine_and_no_queue_of_reports(script: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    pack = write_tiny_pack(tmp_path / "tiny")
    environment = {name: value for name, value in os.environ.items() if name not in SILENT_WHERE}
    environment |= {"HOME": str(home), "XDG_CACHE_HOME": str(home), "PYTHONPATH": str(CHECKOUT)}
    subprocess.run([sys.executable, "-c", script, str(pack)], env=environment, check=True, timeout=60)
    assert sorted(home.rglob("*")) == []
