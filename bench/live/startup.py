"""The whole process: start-up time, memory, and CPU use while nobody plays. Linux only: reads /proc."""

import subprocess
import sys
import time
from pathlib import Path

from bench.live.idle import cpu_times_s
from bench.table import show

RUNS = 5
IDLE_S = 10.0
FOURS = str(Path(sys.executable).with_name("fours"))
OSC_PORT = "18765"


def run() -> None:
    """Prints start-up and idle figures, beside the start of the interpreter alone and the import of torch."""
    rows = [
        ("python -c pass", f"{_seconds([sys.executable, '-c', 'pass']):.2f} s"),
        (
            "python -c 'import torch', which a jam does without",
            f"{_seconds([sys.executable, '-c', 'import torch']):.2f} s",
        ),
        ("fours --help", f"{_seconds([FOURS, '--help']):.2f} s"),
    ]
    ready_s, own_mib, shared_mib, idle_share = _jam()
    rows += [
        ("fours jam, from its start to the line that says it is ready", f"{ready_s:.2f} s"),
        ("fours jam, resident memory of its own", f"{own_mib:.0f} MiB"),
        ("fours jam, resident memory shared with a JACK server, if there is one", f"{shared_mib:.0f} MiB"),
        (f"fours jam, share of a core over {IDLE_S:.0f} s in which nobody plays", f"{idle_share:.2%}"),
    ]
    show(f"The process, median of {RUNS}", ("what", "figure"), rows)


def _seconds(command: list[str]) -> float:
    durations_s = []
    for _ in range(RUNS):
        started_s = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        durations_s.append(time.perf_counter() - started_s)
    return sorted(durations_s)[RUNS // 2]


def _jam() -> tuple[float, float, float, float]:
    ready_s = []
    for run_number in range(RUNS):
        started_s = time.perf_counter()
        with subprocess.Popen([FOURS, "jam", "--osc-port", OSC_PORT], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("Ready"):
                    break
            ready_s.append(time.perf_counter() - started_s)
            if run_number == RUNS - 1:
                own_mib, shared_mib = _resident_mib(process.pid)
                before_s = sum(cpu_times_s(process.pid))
                time.sleep(IDLE_S)
                idle_share = (sum(cpu_times_s(process.pid)) - before_s) / IDLE_S
            process.terminate()
    return sorted(ready_s)[RUNS // 2], own_mib, shared_mib, idle_share


def _resident_mib(pid: int) -> tuple[float, float]:
    """Its own memory (anonymous and of files), and the shared memory that it maps."""
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    kib = {words[0]: int(words[1]) for words in lines if words[0] in {"RssAnon:", "RssFile:", "RssShmem:"}}
    return (kib["RssAnon:"] + kib["RssFile:"]) / 1024, kib["RssShmem:"] / 1024
