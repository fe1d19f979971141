"""The response class: Werkzeug's, which also gives the engine's `Reply`."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self, cast

from werkzeug.datastructures import Headers
from werkzeug.utils import get_content_type
from werkzeug.wrappers import Response as WerkzeugResponse
from werkzeug.wsgi import ClosingIterator

from fenrir.core.background import iterate
from fenrir.core.reply import Reply
from fenrir.core.threads import to_thread
from fenrir.flask import json
from fenrir.flask.globals import current_app
from fenrir.http.headers import MutableHeaders

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from fenrir.core.dialect import Ready

__all__ = ["Response", "plain_answer", "reply_of"]


class Response(WerkzeugResponse):
    """A response. A body may also be an async iterable of text or bytes."""

    default_mimetype: str | None = "text/html"
    json_module: Any = json
    autocorrect_location_header = False
    _base: Reply | None = None  # the reply that this is a view of

    def __init__(
        self,
        response: Any = None,
        status: Any = None,
        headers: Any = None,
        mimetype: str | None = None,
        content_type: str | None = None,
        direct_passthrough: bool = False,
    ) -> None:
        kind = type(response)
        if (
            type(self) is not Response
            or (kind is not str and kind is not bytes)
            or status is not None
            or headers
            or content_type is not None
            or self.default_status != 200
            or not self.automatically_set_content_length
        ):
            super().__init__(response, status, headers, mimetype, content_type, direct_passthrough)
            return
        # PERF: what Werkzeug would set of some text or bytes; 1.1 us instead of 5.2 (timeit, CPython 3.11).
        content = response.encode() if kind is str else response
        self.headers = made = Headers()
        if mimetype is None:
            mimetype = self.default_mimetype
        if mimetype is not None:
            made._list.append(("Content-Type", _full_type(mimetype)))
        made._list.append(("Content-Length", str(len(content))))
        self._status, self._status_code = "200 OK", 200
        self.direct_passthrough = direct_passthrough
        self._on_close = []
        self.response = [content]

    @property
    def max_cookie_size(self) -> int:  # type: ignore[override]
        """From how many bytes on a cookie is warned of: MAX_COOKIE_SIZE."""
        size: int = current_app.config["MAX_COOKIE_SIZE"] if current_app else super().max_cookie_size
        return size

    def iter_encoded(self) -> Iterator[bytes]:
        """Iterate over the body as bytes."""
        body: Any = self.response
        if _is_async(body):  # a WSGI server has asked
            return iterate(_encoded(body))
        return super().iter_encoded()

    @classmethod
    def over(cls, reply: Reply) -> Self:
        """Return a response with what is in a reply of any dialect."""
        pairs = [(name.decode("latin-1").title(), value.decode("latin-1")) for name, value in reply.headers.raw]
        body: Any = [reply.body] if reply.stream is None else reply.stream
        view = cls(body, reply.status, pairs)
        if all(name != "Content-Type" for name, _ in pairs):
            view.headers.remove("Content-Type")
        view._base = reply
        return view

    def __reply__(self) -> Reply:
        return reply_of(self)


def reply_of(response: WerkzeugResponse, environ: WSGIEnvironment | None = None) -> Reply:
    """Return what a response of Werkzeug's is to the engine."""
    if type(response) is Response and (plain := plain_answer(response)) is not None:
        status, head, content = plain
        return Reply(status, MutableHeaders.of_checked(cast(Any, head)), content)
    headers = MutableHeaders(response.get_wsgi_headers(environ if environ is not None else {}).items())
    base: Reply | None = getattr(response, "_base", None)
    reply = Reply(response.status_code, headers, background=None if base is None else base.background)
    body: Any = response.response
    if _is_async(body):
        reply.stream = _Closing(_encoded(body), response.close)
        return reply
    if not response.is_sequence:
        reply.stream = ClosingIterator(response.iter_encoded(), response.close)
        return reply
    # The length is added when it is sent: hooks of other dialects may change the body.
    headers.remove("content-length")
    reply.body = b"".join(response.iter_encoded())
    if response._on_close:
        reply.background = _closed(response.close, reply.background)
    return reply


def plain_answer(response: Response) -> Ready | None:
    """Return what is sent of a response like most: some bytes and headers that stay as they are.

    PERF: 1.6 us; by way of Werkzeug's headers for WSGI 9.5 (timeit, CPython 3.11).
    """
    body: Any = response.response
    status = response.status_code
    if type(body) is not list or len(body) != 1 or type(body[0]) is not bytes:
        return None
    if type(response.headers) is not Headers:  # a view put a dictionary there; Werkzeug reads it
        return None
    if response._on_close or response._base is not None or status < 200 or status in (204, 304):
        return None
    head = _plain_head(tuple([pair for pair in response.headers if pair[0] != "Content-Length"]))
    return None if head is None else (status, head, body[0])


@lru_cache(maxsize=512)
def _plain_head(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[bytes, bytes], ...] | None:
    """Return header fields for the engine, without the length, None if Werkzeug has something to change in them."""
    names = {name.lower() for name, _ in pairs}
    if not names.isdisjoint(_PARTICULAR):
        return None
    return tuple(pair for pair in MutableHeaders(pairs).raw if pair[0] != b"content-length")


@lru_cache(maxsize=128)
def _full_type(mimetype: str) -> str:
    """Return a content type with its charset, checked as any header value is."""
    headers = Headers()
    headers["Content-Type"] = get_content_type(mimetype, "utf-8")
    return headers["Content-Type"]


# Locations are made URIs; what only one client is to know is not kept.
_PARTICULAR = frozenset({"location", "content-location", "set-cookie", "authorization", "www-authenticate"})


def _closed(close: Callable[[], None], before: Callable[[], Awaitable[None]] | None) -> Callable[[], Awaitable[None]]:
    async def background() -> None:
        try:
            if before is not None:
                await before()
        finally:
            await to_thread(close)

    return background


def _is_async(body: Any) -> bool:
    """Say whether a body can be had in the loop only; what can be had both ways is iterated as upstream does."""
    return isinstance(body, AsyncIterable) and not isinstance(body, Iterable)


class _Closing:
    """An async stream that closes its response with itself."""

    def __init__(self, pieces: AsyncIterator[bytes], close: Callable[[], None]) -> None:
        self._pieces = pieces
        self._close = close

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    async def aclose(self) -> None:
        try:
            if (aclose := getattr(self._pieces, "aclose", None)) is not None:
                await aclose()
        finally:
            await to_thread(self._close)


async def _encoded(pieces: AsyncIterable[Any]) -> AsyncIterator[bytes]:
    try:
        async for piece in pieces:
            yield piece.encode() if isinstance(piece, str) else bytes(piece)
    finally:
        if (aclose := getattr(pieces, "aclose", None)) is not None:
            await aclose()


_Body = Iterable[bytes]
