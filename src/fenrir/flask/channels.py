"""WebSockets of Flask applications and blueprints: a rule, and an `async def` that takes a `WebSocket`.

The handler takes what handlers of a `Fenrir` application take: the connection by its annotation, values of the path,
of the query and of headers, dependencies. `request`, `session` (to read), `g` and `current_app` are those of the
handshake; hooks around requests do not run, and functions of `teardown_appcontext` do when the connection has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException

from fenrir.core.declare import DeclarationError, Mode, Route, Scope, Source, mode_of
from fenrir.core.pattern import PatternError, angles_type_first
from fenrir.core.router import Slashes
from fenrir.flask.routing import converters_of

if TYPE_CHECKING:
    from werkzeug.routing import Map, Rule

    from fenrir.core.binding import Binding

__all__ = ["ChannelRule", "UpgradeRequired"]


class UpgradeRequired(HTTPException):
    """426: the rule is that of a WebSocket.

    Args:
        told: say so in the Upgrade header as well (RFC 9110 §15.5.22), which WSGI servers do not pass on (PEP 3333).
    """

    code = 426
    description = "This is the address of a WebSocket: connect to it, on a server that speaks the protocol."

    def __init__(self, told: bool = False) -> None:
        super().__init__()
        self._told = told

    @property
    def name(self) -> str:
        """The phrase of the status, which Werkzeug has not."""
        return "Upgrade Required"

    def get_headers(self, environ: Any = None, scope: Any = None) -> list[tuple[str, str]]:
        """Return the headers of the answer."""
        return [*super().get_headers(environ, scope), *([("Upgrade", "websocket")] if self._told else [])]


@dataclass(frozen=True, slots=True, eq=False)
class ChannelRule:
    """A WebSocket as it was declared.

    Attributes:
        dependencies: run before the handler, their values dropped.
    """

    rule: Rule
    handler: Callable[..., Any]
    dependencies: Sequence[Any]
    source: Source

    def check(self) -> None:
        """Raise DeclarationError for a handler or a rule that can not be served."""
        if mode_of(self.handler, Mode.THREAD) is not Mode.LOOP:
            raise DeclarationError("a WebSocket handler is an `async def`", self.source)
        if self.rule.host or self.rule.subdomain or self.rule.redirect_to is not None:
            raise DeclarationError(
                f"the WebSocket rule {self.rule.rule!r} can have no host, no subdomain and no redirect", self.source
            )
        self.bind({})

    def bind(self, overrides: Mapping[Any, Any]) -> Binding:
        """Return where the arguments of the handler come from."""
        from fenrir.flask.injection import bound_view

        defaults = frozenset(self.rule.defaults or ()) - self.rule._converters.keys()
        names = (*self.rule._converters, *defaults)
        return bound_view(self.handler, names, overrides, defaults, self.dependencies)

    def route(self, app: Any, rules: Map, scope: Scope) -> Route:
        """Return the route for an engine."""
        from fenrir.flask._dialect import DIALECT

        try:
            pattern = angles_type_first(self.rule.rule, converters_of(rules, convert=True))
        except PatternError as error:
            raise DeclarationError(str(error), self.source) from None
        return Route(
            pattern=pattern,
            methods=frozenset(),
            handler=self.handler,
            mode=Mode.LOOP,
            name=self.rule.endpoint,
            dialect=replace(DIALECT, reads_body=False),
            scope=scope,
            source=self.source,
            bind=self.bind,
            options={
                "app": app,
                "rule": self.rule,
                "slashes": Slashes.STRICT if self.rule.strict_slashes is not False else Slashes.EITHER,
            },
            websocket=True,
            document=False,
        )
