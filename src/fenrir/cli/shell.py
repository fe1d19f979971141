"""`fenrir shell`: a Python prompt with the application and a client for it."""

from __future__ import annotations

import code

import click

from fenrir.cli.target import load
from fenrir.testing import Client

__all__ = ["shell"]


@click.command()
@click.argument("target", required=False)
def shell(target: str | None) -> None:
    """Open a Python prompt with `app` and `client` (its lifespan running)."""
    app = load(target)
    with Client(app, raise_server_exceptions=False) as client:
        names = {"app": app, "client": client}
        context = getattr(app, "make_shell_context", None)
        if context is not None:
            names = {**context(), **names}
        code.interact(banner=f"{', '.join(names)} are here; try client.get('/')", local=names, exitmsg="")
