"""The command line, `fours`: each module holds commands, which parse and print; the work is done in other rooms."""

from server.cli.interruption import ended_at_once

with ended_at_once():
    from server.cli.command_line import command_line, main

__all__ = ["command_line", "main"]
