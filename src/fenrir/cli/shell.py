"""`fenrir shell`: a Python prompt with the application and a client for it."""

from __future__ import annotations

import code
import importlib.util
from importlib import import_module

import click

from fenrir.cli.adoption import adopts
from fenrir.cli.loading import engine_of, freeze, load
from fenrir.testing import Client

__all__ = ["shell"]


@click.command()
@click.argument("target", required=False)
@adopts
def shell(target: str | None) -> None:
    """Open a Python prompt with `app` and `client`.

    The application is started, as a server would. TARGET is an application as in `fenrir run`.
    """
    app = load(target)
    freeze(engine_of(app))
    if importlib.util.find_spec("readline") is not None:
        import_module("readline")  # the prompt then has a history and can be edited
    with Client(app, raise_server_exceptions=False) as client:
        names = {"app": app, "client": client}
        # The same method of a Flask application, and of an application's Flask door.
        context = getattr(getattr(app, "flask", app), "make_shell_context", None)
        if context is not None:
            names = {**context(), **names}
        code.interact(banner=f"{', '.join(names)} are here; try client.get('/')", local=names, exitmsg="")
