"""What a native handler's return value means, decided per route at startup (paradigms rules 7 to 10).

A response of any dialect is taken as it is; `str` is HTML; `bytes` are bytes; `(body, status)` and
`(body, status, headers)` are responses; None means the response object that the handler was given, or 204; iterators
stream; a path is a file; everything else is JSON, filtered by the response model where there is one.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from fenrir.core.dialect import Fast, Renderer
from fenrir.core.reply import HasReply, Reply
from fenrir.fastapi.responses import JSONResponse, Response
from fenrir.http.headers import MutableHeaders
from fenrir.http.status import parse_status
from fenrir.kit.files import file_reply
from fenrir.kit.validation import Serializer, dump_container, dump_plain, return_annotation

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext
    from fenrir.core.declare import Route

__all__ = ["native_renderer", "response_model"]

HTML = ((b"content-type", b"text/html; charset=utf-8"),)
JSON = ((b"content-type", b"application/json"),)
BYTES = ((b"content-type", b"application/octet-stream"),)
_PLAIN = (str, bytes, tuple, type(None))
_MODEL_OPTIONS = ("include", "exclude", "by_alias", "exclude_unset", "exclude_defaults", "exclude_none")


def response_model(route: Route) -> Serializer | None:
    """Return the filter of a route's values: its response_model, or else its return annotation where that is one."""
    annotation = route.options.get("response_model", ...)
    if annotation is ...:
        annotation = return_annotation(route.handler)
        if not _is_model(annotation):
            return None
    if annotation is None:
        return None
    options = {
        name: route.options[f"response_model_{name}"]
        for name in _MODEL_OPTIONS
        if f"response_model_{name}" in route.options
    }
    return Serializer(annotation, source=route.source, **options)


def _is_model(annotation: Any) -> bool:
    """Say whether a return annotation filters: not what is no JSON (text, responses, streams), nor Any."""
    if annotation in (inspect.Signature.empty, None, Any, object) or annotation in _PLAIN:
        return False
    origin = getattr(annotation, "__origin__", annotation)
    if not inspect.isclass(origin):
        members = [member for member in getattr(annotation, "__args__", ()) if member is not type(None)]
        return bool(members) and all(_is_model(member) for member in members)
    return not (
        origin is tuple
        or issubclass(origin, (str, bytes, Iterator, AsyncIterator, PurePath))
        or hasattr(origin, "__reply__")
    )


def native_renderer(route: Route) -> Renderer:
    """Decide what the values of a route become."""
    status = route.options.get("status_code")
    model = response_model(route)
    chosen: type[Any] | None = route.options.get("response_class")
    write = model.dump if model is not None else dump_plain

    def plain(value: Any, code: int) -> Reply:
        """Make a reply of a value that is no response, tuple or None."""
        if chosen is not None:
            content = value if model is None else model.jsonable(value)
            made: Reply = chosen(content, status_code=code).__reply__()
            return made
        if isinstance(value, str):
            return Reply(code, MutableHeaders(HTML), value.encode())
        if isinstance(value, (bytes, bytearray, memoryview)):
            return Reply(code, MutableHeaders(BYTES), bytes(value))
        if isinstance(value, (Iterator, AsyncIterator)):
            return Reply(code, MutableHeaders(HTML), stream=_encoded(value))
        return Reply(code, MutableHeaders(JSON), write(value))

    def render(c: RequestContext, value: Any) -> Reply:
        if isinstance(value, HasReply):
            return value.__reply__()
        touched = c.touched_reply
        code = touched.status if touched is not None and touched.status != 200 else status or 200
        if value is None and model is None and chosen is None:
            # Only who was given a response answers by it; what hooks have set is added below.
            if touched is not None and (_was_given(c) or touched.body or touched.stream is not None):
                return touched
            reply = Reply(code if code != 200 else status or 204)
        elif isinstance(value, tuple) and model is None:
            reply = _from_tuple(value, lambda body: plain(body, code), c)
        elif isinstance(value, PurePath):
            reply = file_reply(value, request=c.http.headers, method=c.http.method)
        else:
            reply = plain(value, code)
        if touched is not None:
            for name, content in touched.headers.raw:
                reply.headers.add(name, content) if name == b"set-cookie" else reply.headers.set(name, content)
        return reply

    return Renderer(render, _fast(status or 200, model, chosen, return_annotation(route.handler)), model)


def _was_given(c: RequestContext) -> bool:
    """Say whether the handler or a dependency of it takes the response under construction."""
    return c.plan is not None and c.plan.binding.shares_reply


def _fast(status: int, model: Serializer | None, chosen: type[Any] | None, annotation: Any) -> Fast | None:
    """Return the short way for the values that this route most likely returns."""
    if chosen is None:
        if model is not None:
            return Fast(status, JSON, model.unless_response())
        if annotation is str:
            return Fast(status, HTML, _text_dump)
        return Fast(status, JSON, dump_container)
    if not issubclass(chosen, Response) or model is not None:
        return None
    headers = tuple(pair for pair in chosen("").__reply__().headers.raw if pair[0] != b"content-length")
    if chosen.render is Response.render:
        return Fast(status, headers, _text_dump)
    if chosen.render is JSONResponse.render:
        return Fast(status, headers, dump_container)
    return None


def _text_dump(value: Any) -> bytes | None:
    return value.encode() if type(value) is str else None


def _from_tuple(value: tuple[Any, ...], plain: Callable[[Any], Reply], c: RequestContext) -> Reply:
    """Read (body, status), (body, headers) or (body, status, headers)."""
    body, *rest = value
    reply = body.__reply__() if isinstance(body, HasReply) else plain("" if body is None else body)
    status, headers = None, None
    if len(rest) == 2:
        status, headers = rest
    elif len(rest) == 1 and isinstance(rest[0], (Mapping, list)):
        headers = rest[0]
    elif len(rest) == 1:
        status = rest[0]
    else:
        raise TypeError(
            f"a tuple of {len(value)} is no response; return (body, status), (body, headers) or (body, status, headers)"
        )
    if status is not None:
        reply.status = parse_status(status)
    for name, content in headers.items() if isinstance(headers, Mapping) else headers or ():
        reply.headers.set(name, content)
    return reply


def _encoded(pieces: Any) -> Any:
    """Make pieces of text bytes, on the way."""
    if isinstance(pieces, AsyncIterator):
        return _encoded_async(pieces)
    return _encoded_plain(pieces)


def _encoded_plain(pieces: Iterator[Any]) -> Iterator[bytes]:
    try:
        for piece in pieces:
            yield piece.encode() if isinstance(piece, str) else piece
    finally:
        if hasattr(pieces, "close"):
            pieces.close()


async def _encoded_async(pieces: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    try:
        async for piece in pieces:
            yield piece.encode() if isinstance(piece, str) else piece
    finally:
        if hasattr(pieces, "aclose"):
            await pieces.aclose()
