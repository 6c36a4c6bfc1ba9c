#!/usr/bin/env bash
# python-rtmidi 1.5.8 and JACK: the Python object is gone, its client is not.
#
# A good guess is that a MidiOut whose last reference is dropped takes leave of JACK, as its C++ object does in its destructor, or at the latest
# when Python ends in good order. Seen with python-rtmidi 1.5.8 on CPython 3.11 and jackd2 1.9.21 (Debian 12), dummy driver: after `del` and a garbage collection
# the client and its port are still in the graph, after close_port() the client is, and a program that ends then is to the server one that broke down:
# its verbose log says ClientKill where a client that closes has ClientClose. Only the method delete() takes leave.
set -euo pipefail
folder=$(mktemp -d)
server= left=()
trap '[ -z "$server" ] || kill "$server" || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install python-rtmidi==1.5.8
export JACK_DEFAULT_SERVER=finding-rtmidi JACK_NO_START_SERVER=1
jackd --name "$JACK_DEFAULT_SERVER" -v -r -d dummy -r 48000 -p 1024 >"$folder/log" 2>&1 &
server=$!
jack_wait -s "$JACK_DEFAULT_SERVER" -w -t 10 >/dev/null 2>&1
cat >"$folder/client.py" <<'PYTHON'
import gc
import subprocess
import sys

import rtmidi

port = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="probe")
port.open_virtual_port("out")
match sys.argv[1]:
    case "del":
        del port
    case "close_port":
        port.close_port()
    case "delete":
        port.delete()
gc.collect()
listed = subprocess.run(["jack_lsp"], capture_output=True, text=True, check=True).stdout
print(f"{sys.argv[1]}: {listed.count('probe:')} port(s) in the graph")
PYTHON
kills() { grep -c "JackEngine::ClientKill" "$folder/log" || true; }
for how in del close_port delete; do
    before=$(kills)
    "$folder/venv/bin/python" "$folder/client.py" "$how" 2>/dev/null | grep -v "^Jack:"  # the library's own lines
    sleep 0.5
    left[${#left[@]}]=$(($(kills) - before))
    echo "$how: at its end the server dropped ${left[-1]} client(s) that did not leave"
done
[ "${left[*]}" = "1 1 0" ] || { echo "clients leave in another way: this finding is out of date"; exit 1; }
