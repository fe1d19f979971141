"""The command line: `fenrir run`, `routes`, `explain`, `new`, `shell`, `info`.

One file per command; this one only puts them together. Mistakes end with one clear line and exit code 2, an application
that can not be imported with its traceback from the user's file on and exit code 3.
"""

from __future__ import annotations

import click

from fenrir.cli.explain import explain
from fenrir.cli.info import info, version
from fenrir.cli.new import new
from fenrir.cli.routes import routes
from fenrir.cli.run import run
from fenrir.cli.shell import shell

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version(), "-v", "--version", prog_name="fenrir")
def main() -> None:
    """Fenrir, a hybrid web framework."""


for command in (run, routes, explain, new, shell, info):
    main.add_command(command)
