"""`fenrir routes`: every route, its methods, its dialect and its place."""

from __future__ import annotations

import click

from fenrir.cli.adoption import adopts
from fenrir.cli.loading import engine_of, freeze, load, mute, nearby, place

__all__ = ["routes"]


@click.command()
@click.argument("target", required=False)
@adopts
def routes(target: str | None) -> None:
    """List the routes, and what is doubtful in them.

    TARGET is an application as in `fenrir run`.
    """
    mute()
    frozen = freeze(engine_of(load(target)))
    rows = [("methods", "path", "name", "dialect", "where")]
    for plan in frozen.plans:
        route = plan.route
        methods = "WS" if route.websocket else ",".join(sorted(route.methods)) if route.methods else "*"
        rows.append((methods, route.pattern.text, route.name or "", route.dialect.name, place(route.source)))
    for mounted in frozen.mounts:
        rows.append(
            (mounted.mount.kind, f"{mounted.mount.prefix}/...", "", mounted.dialect.name, place(mounted.source))
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for report in frozen.reports:
        click.echo(nearby(f"! {report}"))
