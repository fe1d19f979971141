"""`fenrir explain GET /path`: which route answers, why, with which hooks, and the program that runs."""

from __future__ import annotations

import click

from fenrir.cli.target import engine_of, load
from fenrir.core.declare import Stage
from fenrir.core.router import Found

__all__ = ["explain"]


@click.command()
@click.argument("method")
@click.argument("path")
@click.option("-a", "--app", "target", help="module:app; app.py:app if not given.")
def explain(method: str, path: str, target: str | None) -> None:
    """Say which route answers METHOD PATH, and how."""
    engine = engine_of(load(target))
    frozen = engine.frozen
    for line in frozen.router.explain(method.upper(), path):
        click.echo(line)
    found = frozen.router.find(method.upper(), path)
    if not isinstance(found, Found):
        click.echo("no plan runs: the answer comes from the application's own error handlers")
        return
    plan = found.target
    click.echo(f"\nroute    {plan.title}  ({plan.dialect.name}, {plan.source})")
    for name, value in zip(plan.names, found.values, strict=False):
        click.echo(f"value    {name} = {value!r}")
    around = [hook for stage in (Stage.WRAP, Stage.BEFORE_ROUTING) for hook in engine.scope.hooks_of(stage)]
    for hook in [*around, *plan.hooks]:
        click.echo(f"hook     {hook.stage.value}: {hook.title}  ({hook.dialect}, {hook.mode.value}, {hook.source})")
    if plan.binding is not None:
        for node in plan.binding.nodes:
            click.echo(
                f"depends  {getattr(node.user, '__qualname__', node.user)!s}  ({node.kind.value}, {node.mode.value})"
            )
    click.echo("\n" + plan.text)
