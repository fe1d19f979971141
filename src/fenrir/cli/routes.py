"""`fenrir routes`: every route, its methods, its dialect and its place."""

from __future__ import annotations

import click

from fenrir.cli.adoption import adopts
from fenrir.cli.loading import engine_of, freeze, load, mute, nearby, place
from fenrir.core.application import WEBSOCKET
from fenrir.core.declare import Route

__all__ = ["routes"]


def _row(route: Route, name: str | None) -> tuple[str, ...]:
    methods = sorted(route.methods or ())
    told = "WS" if route.websocket or methods == [WEBSOCKET] else ",".join(methods) or "*"
    return told, route.pattern.text, name or "", route.dialect.name, place(route.source)


@click.command()
@click.argument("target", required=False)
@adopts
def routes(target: str | None) -> None:
    """List the routes, and what is doubtful in them.

    TARGET is an application as in `fenrir run`.
    """
    mute()
    frozen = freeze(engine_of(load(target)))
    rows: list[tuple[str, ...]] = [("methods", "path", "name", "dialect", "where")]
    rows += [_row(plan.route, plan.route.name) for plan in frozen.plans]
    for mounted in frozen.mounts:
        mount = mounted.mount
        name = getattr(mount.options.get("route"), "name", None)
        if mounted.whole:  # a route that is an application of its own
            rows.append(_row(mounted.route, name))
        else:
            rows.append((mount.kind, f"{mount.prefix}/...", name or "", mount.dialect.name, place(mount.source)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for report in frozen.reports:
        click.echo(nearby(f"! {report}"))
