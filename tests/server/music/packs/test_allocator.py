"""A process that loads one pack after another stays about as large as it was."""

import subprocess
import sys

import pytest

from tests.conftest import CHECKOUT

SWITCHES = 6
MOST_GROWTH_MIB = 20
"""It grows by 2 MiB; without the setting, 40 to 50 MiB stay with the process."""
SCRIPT = f"""
from pathlib import Path
from threading import Thread
from server.music.packs.allocator import keep_large_blocks, return_large_blocks

from model.pack.pack import open_pack

def resident_kb():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))

playing = {{}}

def load(name):
    pack = open_pack(name)
    engines = [pack.engine(approach, "cpu") for approach in ("event", "pitch")]
    playing["engines"] = engines

keep_large_blocks()
load("songbook")
return_large_blocks()
before = resident_kb()
for number in range({SWITCHES}):
    # Each time in another thread, as a jam does: the C library gives threads heaps of their own.
    thread = Thread(target=load, args=(("rock", "songbook")[number % 2],))
    thread.start()
    thread.join()
print(resident_kb() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the size is read from /proc")
def test_packs_that_follow_each_other_leave_no_memory_behind() -> None:
    run = subprocess.run([sys.executable, "-c", SCRIPT], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert int(run.stdout) / 1024 < MOST_GROWTH_MIB
