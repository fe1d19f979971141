"""`flask routes`: the rules of the application as a table."""

from __future__ import annotations

import click

from fenrir.flask.cli.script import with_appcontext
from fenrir.flask.globals import current_app

__all__ = ["routes_command"]


@click.command("routes", short_help="Show the routes for the app.")
@click.option(
    "--sort",
    "-s",
    type=click.Choice(("endpoint", "methods", "domain", "rule", "match")),
    default="endpoint",
    help="Method to sort routes by. 'match' is the order that Flask will match routes when dispatching a request.",
)
@click.option("--all-methods", is_flag=True, help="Show HEAD and OPTIONS methods.")
@with_appcontext
def routes_command(sort: str, all_methods: bool) -> None:
    """Show all registered routes with endpoints and methods."""
    url_map = current_app.url_map
    rules = list(url_map.iter_rules())
    if not rules:
        click.echo("No routes were registered.")
        return
    hidden = set() if all_methods else {"HEAD", "OPTIONS"}
    by_host = url_map.host_matching
    columns = {
        "endpoint": ("Endpoint", [str(rule.endpoint) for rule in rules]),
        "methods": ("Methods", [", ".join(sorted((rule.methods or set()) - hidden)) for rule in rules]),
        "domain": (
            "Host" if by_host else "Subdomain",
            [(rule.host if by_host else rule.subdomain) or "" for rule in rules],
        ),
        "rule": ("Rule", [rule.rule for rule in rules]),
    }
    if not any(columns["domain"][1]):
        del columns["domain"]
    rows = list(zip(*(cells for _, cells in columns.values()), strict=True))
    if sort in columns:
        place = list(columns).index(sort)
        rows.sort(key=lambda row: row[place])
    widths = [max(len(title), *map(len, cells)) for title, cells in columns.values()]
    lines = [tuple(title for title, _ in columns.values()), tuple("-" * width for width in widths), *rows]
    for line in lines:
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)))
