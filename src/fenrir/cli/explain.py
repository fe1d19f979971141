"""`fenrir explain GET /path`: which route answers, why, with which hooks, and the program that runs."""

from __future__ import annotations

from collections.abc import Iterable

import click

from fenrir.cli.adoption import adopts
from fenrir.cli.loading import engine_of, freeze, load, mute, nearby, place
from fenrir.cli.target import Mistake
from fenrir.core.application import WEBSOCKET, Application, Frozen
from fenrir.core.declare import Hook, Stage
from fenrir.core.mount import MountPlan
from fenrir.core.plan import Plan
from fenrir.core.router import Found
from fenrir.http.url import unquote_path

__all__ = ["explain"]


@click.command()
@click.argument("method")
@click.argument("path")
@click.argument("target", required=False)
@adopts
def explain(method: str, path: str, target: str | None) -> None:
    """Say which route answers METHOD PATH, and how.

    WS is the method of WebSocket routes. TARGET is an application as in `fenrir run`.
    """
    if not path.startswith("/"):
        raise Mistake(f"{path!r} is no path: it begins with a slash, as in `fenrir explain GET /`")
    if not method.replace("-", "").isalnum():
        raise Mistake(f"{method!r} is no method; write for example `fenrir explain GET {path}`")
    decoded = unquote_path(path.partition("?")[0].encode())
    mute()
    engine = engine_of(load(target))
    _explain(engine, WEBSOCKET if method.upper() in ("WS", "WEBSOCKET") else method.upper(), decoded)


def _explain(engine: Application, method: str, path: str) -> None:
    frozen = freeze(engine)
    found = frozen.router.find(method, path)
    for line in frozen.router.explain(method, path):
        # What stands for a method is no method, and what HTTP would be answered is not what a handshake is.
        if method != WEBSOCKET or isinstance(found, Found) or not line.startswith(("  405", "  redirect")):
            click.echo(nearby(line.replace(f"  {WEBSOCKET} ", "  ").replace(WEBSOCKET, "WS")))
    for factory, _, _, source in engine.middleware:
        name = getattr(factory, "__name__", type(factory).__name__)
        click.echo(f"around   {name}: ASGI middleware  ({place(source)})")
    if not isinstance(found, Found):
        _without_route(engine, frozen, method)
        return
    plan: Plan | MountPlan = found.target
    where = place(plan.source)
    click.echo(f"\nroute    {plan.title}  ({plan.dialect.name}{f', {where}' if where else ''})")
    if isinstance(plan, MountPlan):
        _mounted(engine, plan, method, path if plan.whole else str(found.values[-1]))
        return
    handler = plan.route.user or plan.route.handler
    mode = plan.route.mode.value
    click.echo(f"handler  {getattr(handler, '__qualname__', repr(handler))}  ({mode})")
    for name, value in zip(plan.names, found.values, strict=True):
        click.echo(f"value    {name} = {value!r}")
    if plan.route.timeout is not None:
        click.echo(f"limit    {plan.route.timeout} s, then 504")
    if plan.leaving:
        click.echo("limit    cancelled when the client leaves")
    if not plan.route.websocket:
        _hooks(engine, plan.hooks)
    for node in plan.binding.nodes:
        user = getattr(node.user, "__qualname__", repr(node.user))
        click.echo(f"depends  {user}  ({node.kind.value}, {node.mode.value})")
    click.echo("\n" + plan.text)


def _hooks(engine: Application, inner: Iterable[Hook]) -> None:
    around = [hook for stage in (Stage.WRAP, Stage.BEFORE_ROUTING) for hook in engine.scope.hooks_of(stage)]
    for hook in [*around, *inner]:
        about = f"{hook.dialect}, {hook.mode.value}, {place(hook.source)}"
        title = hook.title if hook.user is not None else getattr(hook.call, "__qualname__", repr(hook.call))
        click.echo(f"hook     {hook.stage.value}: {title}  ({about})")


def _without_route(engine: Application, frozen: Frozen, method: str) -> None:
    if method == WEBSOCKET:
        click.echo("\nno route: the handshake is refused with 404")
        return
    click.echo(f"\nno route: the answer is the application's own, in its home dialect ({engine.home.name})")
    _hooks(engine, frozen.missing.hooks)


def _mounted(engine: Application, plan: MountPlan, method: str, rest: str) -> None:
    """Tell what a mounted application is given; of one of ours, go on inside."""
    app = plan.mount.app
    if plan.whole:
        click.echo(f"handler  {getattr(app, '__qualname__', repr(app))}  (ASGI)")
    else:
        click.echo(f"mounted  {app!r} is asked for {rest or '/'}")
    if method == WEBSOCKET and plan.mount.channel is None:
        click.echo("         (it serves no WebSocket: the handshake is refused with 404)")
        return
    _hooks(engine, plan.hooks if method != WEBSOCKET else ())
    inner = getattr(app, "engine", app)
    if isinstance(inner, Application):
        click.echo(f"\ninside {plan.mount.prefix}:")
        _explain(inner, method, rest or "/")
