"""`fenrir routes`: every route, its methods, its dialect and its place."""

from __future__ import annotations

import click

from fenrir.cli.target import engine_of, load

__all__ = ["routes"]


@click.command()
@click.argument("target", required=False)
def routes(target: str | None) -> None:
    """List the routes of TARGET, and what is doubtful in them."""
    frozen = engine_of(load(target)).frozen
    rows = [("methods", "path", "name", "dialect", "where")]
    for plan in frozen.plans:
        route = plan.route
        methods = "WS" if route.websocket else ",".join(sorted(route.methods)) if route.methods else "any"
        rows.append((methods, route.pattern.text, route.name or "", route.dialect.name, str(route.source)))
    for mounted in frozen.mounts:
        rows.append((mounted.mount.kind, f"{mounted.mount.prefix}/...", "", mounted.dialect.name, str(mounted.source)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for report in frozen.reports:
        click.echo(f"! {report}")
