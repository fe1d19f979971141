"""One round of a request through this dialect: the request in both forms, the response, the parameters.

Everything that one request needs here hangs on the request context, made when the first hook or responder asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fenrir.core.reply import Reply
from fenrir.falcon.async_request import Request as AsyncRequest
from fenrir.falcon.http_error import HTTPError
from fenrir.falcon.params import RequestOptions
from fenrir.falcon.request import Request
from fenrir.falcon.response import Response, ResponseOptions
from fenrir.falcon.ws import WebSocketOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from fenrir.core.context import RequestContext

__all__ = ["Round", "Settings", "round_of", "settings_of"]

KEY = "falcon"


@dataclass(eq=False)
class Settings:
    """What an application decided, kept on the engine.

    Attributes:
        request_type, async_request_type, response_type: the classes that responders are given.
        serialize_error: writes an `HTTPError` to a response; None for the usual way.
        ws_options: for WebSocket connections.
        request_ws, resource_ws: middleware of WebSocket connections, in order.
    """

    req_options: RequestOptions = field(default_factory=RequestOptions)
    resp_options: ResponseOptions = field(default_factory=ResponseOptions)
    request_type: type[Request] = Request
    async_request_type: type[Request] = AsyncRequest
    response_type: type[Response] = Response
    serialize_error: Callable[[Any, Any, HTTPError], Any] | None = None
    ws_options: WebSocketOptions = field(default_factory=WebSocketOptions)
    request_ws: list[Callable[..., Any]] = field(default_factory=list)
    resource_ws: list[Callable[..., Any]] = field(default_factory=list)


class Round:
    """What one request has in this dialect.

    Attributes:
        params: the converted values of the path; what hooks change here reaches the responder.
        resource: the resource of the route, None before the match or without a route.
        reached: keys of the middleware components that the request went through on its way in.
        stopped: a component answered in the place of the responder.
        succeeded: the responder (or a hook in its place) came to its end.
    """

    def __init__(self, c: RequestContext) -> None:
        self.c = c
        self.settings = settings_of(c)
        self.resp = self.settings.response_type(self.settings.resp_options, c=c)
        self._req: Request | None = None
        self._async_req: Request | None = None
        self._template: str | None = None
        self.params: dict[str, Any] = {}
        self.resource: Any = None
        self.succeeded = False
        self.reached: set[object] = set()
        self.stopped = False
        self._matched = False
        self._carried = False

    @property
    def req(self) -> Request:
        """The request for sync code."""
        if self._req is None:
            self._req = self._request(self.settings.request_type, self._async_req)
        return self._req

    @property
    def async_req(self) -> Request:
        """The request for async code."""
        if self._async_req is None:
            self._async_req = self._request(self.settings.async_request_type, self._req)
        return self._async_req

    def _request(self, kind: type[Request], other: Request | None) -> Request:
        made = kind(self.c, self.settings.req_options)
        if other is not None:
            made.__dict__ = other.__dict__  # one request in two forms: what is noted on the one is seen on the other
        else:
            made.uri_template = self._template
        return made

    def match(self) -> None:
        """Take over what the router found, once."""
        plan = self.c.plan
        if self._matched or plan is None:
            return
        self._matched = True
        options = plan.route.options
        if "sink" in options:
            self.params = dict(self.c.values[0][1])
            return
        self.params = self.c.path_values
        self.resource = options.get("resource", plan.route.handler)
        self._template = plan.route.pattern.text
        for made in (self._req, self._async_req):
            if made is not None:
                made.uri_template = self._template

    def carry(self) -> None:
        """See to it that headers set here reach the answer when another dialect writes it."""
        if not self._carried:
            self._carried = True
            self.c.before_sending(_carry)


def _carry(c: RequestContext, reply: Reply) -> None:
    """Add to the answer what middleware set on the response, unless the answer has it."""
    ours = c.touched_reply
    if ours is None or ours is reply:
        return
    present = {name for name, _ in reply.headers.raw}
    for name, value in ours.headers.raw:
        if name in (b"content-type", b"content-length") or (name in present and name != b"set-cookie"):
            continue
        if (name, value) not in reply.headers.raw:
            reply.headers.raw.append((name, value))


def settings_of(c: RequestContext) -> Settings:
    """Return the settings of the application that serves a request."""
    settings: Settings = c.app.extensions.setdefault(KEY, Settings())
    return settings


def round_of(c: RequestContext) -> Round:
    """Return the round of a request, made on first use."""
    made: Round = c.note(KEY, Round)
    return made
