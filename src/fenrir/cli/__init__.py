"""The command line: `fenrir run`, `routes`, `explain`, `new`, `shell`, `info`.

One file per command, imported when it is asked for: the process that `fenrir run` leaves behind is the server's
supervisor, and what it does not need is not in it. A mistake of the caller ends with one line and exit code 2, an
application that can not be imported with its traceback, from the user's file on, and exit code 3; `run` ends as Asteri
does, with the same numbers.
"""

from __future__ import annotations

from importlib import import_module

import click

from fenrir.cli.info import version

__all__ = ["main"]

COMMANDS = ("run", "routes", "explain", "new", "shell", "info")


class _Commands(click.Group):
    """A group whose commands are the functions of the same name in modules of the same name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"fenrir.cli.{cmd_name}"), cmd_name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version(), "-v", "--version", prog_name="fenrir")
def main() -> None:
    """Fenrir, a hybrid web framework."""
