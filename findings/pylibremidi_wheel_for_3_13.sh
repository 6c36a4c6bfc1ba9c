#!/usr/bin/env bash
# pylibremidi 5.4.3 on Python 3.13: pip finds a wheel that fits, and the module in it is for 3.12 alone.
#
# A wheel with the tag cp312-abi3 says that its extension module keeps to Python's stable interface, so that every later Python can import
# it. A good guess is that what pip installs on 3.13 can be imported there.
# Seen with pylibremidi 5.4.3 on Linux (x86_64): the wheel that pip chooses for 3.13 holds an extension whose file name ends in
# `.cpython-312-x86_64-linux-gnu.so`. Only CPython 3.12 looks for files of that ending; a module for the stable interface ends in
# `.abi3.so`. So it installs on 3.13 and 3.14, and `import` finds no module.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check download --no-deps --only-binary=:all: --python-version 3.13 \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 --dest "$folder" pylibremidi==5.4.3
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
import zipfile
from pathlib import Path

wheel = next(Path(sys.argv[1]).glob("*.whl"))
extensions = [Path(name).name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".so")]
modules = [name for name in extensions if "cpython" in name or "abi3" in name]
print(f"{wheel.name} holds {', '.join(modules)}")
assert "abi3" in wheel.name, "pip chooses a wheel for 3.13 alone now: this finding is out of date"
assert modules and all(".cpython-312-" in name for name in modules), "the module is for every Python now: this finding is out of date"
PYTHON
