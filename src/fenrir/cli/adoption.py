"""`--adopt NAME`, an option of every command that imports an application."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from fenrir.adopt import FRAMEWORKS, AdoptionError, adopt
from fenrir.cli.target import Mistake

__all__ = ["adopts"]


def _adopt(context: click.Context, parameter: click.Parameter, names: tuple[str, ...]) -> None:
    if not names or context.resilient_parsing:
        return
    try:
        # For the children as well: a worker is a fork and needs nothing, a process that the application spawns does.
        adopt(*names, children=True)
    except AdoptionError as error:
        raise Mistake(str(error)) from error


def adopts(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option; what it names is adopted before the command runs."""
    return click.option(
        "--adopt",
        metavar="NAME",
        type=click.Choice(sorted(FRAMEWORKS)),
        multiple=True,
        expose_value=False,
        is_eager=True,
        callback=_adopt,
        help="Let `import NAME` find fenrir.NAME, in an application written for the original: "
        f"{', '.join(sorted(FRAMEWORKS))}.",
    )(command)
