#!/usr/bin/env bash
# typer 0.29.2 beside click 8.5.1: a command made with typer, in a group made with click.
#
# A good guess is what held for years, as typer was built on click: `typer.main.get_command(app)` is a command of click's, so that it can be put
# into a group of click's, and `raise typer.Exit(3)` in it ends the process with status 3.
# Seen with typer 0.29.2 (and 0.26.0; not with 0.24.0): typer has click's code in a package of its own, and does not need click. Its command is no
# `click.Command`, yet click's group takes it without a word and runs it. Its Exit is none of click's: the process ends with a traceback and
# status 1. What catches `click.ClickException` around a typer command catches nothing either.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install typer==0.29.2 click==8.5.1
cat >"$folder/tools.py" <<'PYTHON'
import sys

import click
import typer
import typer.main

app = typer.Typer()


@app.command()
def check() -> None:
    typer.echo("two files differ")
    raise typer.Exit(3)


command = typer.main.get_command(app)
if sys.argv[1] == "kind":
    print(isinstance(command, click.Command))
elif sys.argv[1] == "alone":
    command([])
else:
    group = click.Group("tools")
    group.add_command(command, "check")
    group(["check"])
PYTHON
kind=$("$folder/venv/bin/python" "$folder/tools.py" kind)
alone=0 in_group=0
"$folder/venv/bin/python" "$folder/tools.py" alone >/dev/null || alone=$?
"$folder/venv/bin/python" "$folder/tools.py" group >/dev/null 2>"$folder/errors" || in_group=$?
echo "is a click.Command: $kind; status alone $alone, in a group of click's $in_group; last line: $(tail -n 1 "$folder/errors")"
[ "$kind" = False ] || { echo "typer's command is one of click's again: this finding is out of date"; exit 1; }
[ "$alone" = 3 ] || { echo "the status alone is another one now: this finding is out of date"; exit 1; }
[ "$in_group" = 1 ] || { echo "the status in a group is another one now: this finding is out of date"; exit 1; }
