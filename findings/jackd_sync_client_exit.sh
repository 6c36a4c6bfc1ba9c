#!/usr/bin/env bash
# jackd 1.9.21 in synchronous mode (-S) and a client that ends without closing.
#
# A program that ends gives back what it has: files, sockets, memory. So a good guess is that a JACK client may simply end once its ports are
# silent; the server sees its socket close, drops it, and goes on with the next cycle, as it does in its usual, asynchronous mode.
# Seen with jackd2 1.9.21 (Debian 12), dummy driver, 1,024 frames: in most cases the server stands still for five seconds ("SuspendRefNum error"),
# for all of its clients, and lets no other one in; with jack_client_close it never does. (9 of 12 such ends on two busy cores, 0 of 12 closed ones.)
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install JACK-Client==0.5.5
export JACK_DEFAULT_SERVER=finding-sync JACK_NO_START_SERVER=1
jackd -n "$JACK_DEFAULT_SERVER" -r -S -d dummy -r 48000 -p 1024 >"$folder/log" 2>&1 &
server=$!
jack_wait -s "$JACK_DEFAULT_SERVER" -w -t 10 >/dev/null 2>&1
cat >"$folder/client.py" <<'PYTHON'
import os
import sys
import time

import jack

client = jack.Client("finding", no_start_server=True)
client.midi_inports.register("in")
client.set_process_callback(lambda frames: None)
client.activate()
time.sleep(0.1)
if sys.argv[1] == "close":
    client.deactivate()
    client.close()
os._exit(0)
PYTHON
stalls() { grep -c "SuspendRefNum error" "$folder/log" || true; }
for how in close exit; do
    before=$(stalls)
    for _ in 1 2 3 4 5 6 7 8; do "$folder/venv/bin/python" "$folder/client.py" "$how" >/dev/null 2>&1 || true; done
    echo "8 clients that $how: the server stood still $(($(stalls) - before)) times"
done
[ "$(stalls)" -gt 0 ] || { echo "no standstill any more: this finding is out of date"; exit 1; }
