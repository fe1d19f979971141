"""`flask shell`: a Python prompt in the application's context."""

from __future__ import annotations

import code
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import click

from fenrir.flask.cli.script import with_appcontext
from fenrir.flask.globals import current_app

__all__ = ["shell_command"]


@click.command("shell", short_help="Run a shell in the app context.")
@with_appcontext
def shell_command() -> None:
    """Run an interactive Python shell in the context of a given Flask application.

    The application will populate the default namespace of this shell according to its configuration.
    """
    names: dict[str, Any] = {}
    startup = os.environ.get("PYTHONSTARTUP")
    if startup and Path(startup).is_file():
        exec(compile(Path(startup).read_bytes(), startup, "exec"), names)
    names.update(current_app.make_shell_context())
    # The usual one, of `site`, gives the prompt a history; completion has to be told where the names are.
    hook = getattr(sys, "__interactivehook__", None)
    if hook is not None:
        if importlib.util.find_spec("readline") is not None:
            import readline
            from rlcompleter import Completer

            readline.set_completer(Completer(names).complete)
        hook()
    code.interact(
        banner=f"Python {sys.version} on {sys.platform}\nApp: {current_app.import_name}\n"
        f"Instance: {current_app.instance_path}",
        local=names,
    )
