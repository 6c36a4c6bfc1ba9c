#!/usr/bin/env bash
# jackd 1.9.21 and the date of a cycle (jack_get_cycle_times) after the server stood still once.
#
# Each cycle comes with its frame and its date in microseconds, so a client can date any frame. A good guess is that after a standstill, which the
# server reports as an overrun, the dates are right again with the next cycle, or at least come nearer to the right ones from one side.
# Seen with jackd2 1.9.21 (Debian 12), dummy driver, 256 frames, stopped for 0.3 s: the dates are 230 ms too early at first, right for a moment after
# less than two seconds, 60 ms too late after three, and 2 ms too early after eight, as the loop behind them goes by the server's wake-ups with a
# bandwidth of 1/8 Hz. They stay right from twelve seconds on. So a client that trusts them because they are right once is wrong soon after.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install JACK-Client==0.5.5
export JACK_DEFAULT_SERVER=finding-dates JACK_NO_START_SERVER=1
jackd -n "$JACK_DEFAULT_SERVER" -r -d dummy -r 48000 -p 256 >"$folder/log" 2>&1 &
server=$!
jack_wait -s "$JACK_DEFAULT_SERVER" -w -t 10 >/dev/null 2>&1
cat >"$folder/client.py" <<'PYTHON'
import ctypes
import os
import signal
import statistics
import sys
import time

import jack

server = int(sys.argv[1])
client = jack.Client("finding", no_start_server=True)
# The module does not pass this function on.
library = ctypes.CDLL("libjack.so.0")
pointer = ctypes.c_void_p(int(jack._ffi.cast("uintptr_t", client._ptr)))
dates = []


@client.set_process_callback
def process(_frames):
    library.jack_get_cycle_times(
        pointer, *map(ctypes.byref, (frame := ctypes.c_uint32(), date := ctypes.c_uint64(), ctypes.c_uint64(), ctypes.c_float()))
    )
    dates.append((time.monotonic(), date.value / 1e6 - frame.value / 48_000))


with client:
    time.sleep(6)
    os.kill(server, signal.SIGSTOP)
    time.sleep(0.3)
    os.kill(server, signal.SIGCONT)
    went_on = time.monotonic()
    time.sleep(40)
right = statistics.median(zero for at, zero in dates if at > went_on + 35)
off_ms = [(at - went_on, 1000 * (zero - right)) for at, zero in dates if at > went_on + 0.1]
for second in (0.2, 1, 2, 3, 4, 6, 8, 10, 12, 15, 20, 30):
    print(f"{second:4} s after: {min(off_ms, key=lambda each: abs(each[0] - second))[1]:+8.3f} ms off")
late = max(abs(off) for after, off in off_ms if after > 3)
sides = {off > 0 for after, off in off_ms if after > 1 and abs(off) > 0.5}
print(f"more than 3 s after: up to {late:.1f} ms off; more than 0.5 ms on {'both sides' if len(sides) == 2 else 'one side'}")
sys.exit(0 if late > 0.5 and len(sides) == 2 else 1)
PYTHON
"$folder/venv/bin/python" "$folder/client.py" "$server" || { echo "the dates are right soon: this finding is out of date"; exit 1; }
