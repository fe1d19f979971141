"""WSGI applications as ASGI applications, under upstream's (deprecated) name; `app.mount` takes them as they are.

The application runs in a thread, with the whole body in memory. Each piece of its answer waits until it is sent.
"""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread

from fenrir.starlette._groups import create_collapsing_task_group
from fenrir.starlette.exceptions import StarletteDeprecationWarning
from fenrir.starlette.types import Message, Receive, Scope, Send

__all__ = ["WSGIMiddleware", "WSGIResponder", "build_environ"]

warnings.warn(
    "starlette.middleware.wsgi is deprecated and will be removed in a future release. "
    "Please refer to https://github.com/abersheeran/a2wsgi as a replacement.",
    StarletteDeprecationWarning,
    stacklevel=2,
)


def _wsgi_text(text: str) -> str:
    """PEP 3333: the bytes of UTF-8, each as the character of that number."""
    return text.encode().decode("latin-1")


def build_environ(scope: Scope, body: bytes) -> dict[str, Any]:
    """Return the WSGI environment of a request."""
    script, path = _wsgi_text(scope.get("root_path", "")), _wsgi_text(scope["path"])
    if path == script or path.startswith(f"{script.rstrip('/')}/"):
        path = path[len(script) :]
    server = scope.get("server") or ("localhost", 80)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": script,
        "PATH_INFO": path,
        "QUERY_STRING": scope["query_string"].decode("ascii"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": server[1],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stdout,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if scope.get("client"):
        environ["REMOTE_ADDR"] = scope["client"][0]
    for raw_name, raw_value in scope.get("headers", ()):
        name, value = raw_name.decode("latin-1").upper().replace("-", "_"), raw_value.decode("latin-1")
        if name not in ("CONTENT_LENGTH", "CONTENT_TYPE"):
            name = f"HTTP_{name}"
        environ[name] = f"{environ[name]},{value}" if name in environ else value
    return environ


class WSGIMiddleware:
    """Serves a WSGI application."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await WSGIResponder(self.app, scope)(receive, send)


class WSGIResponder:
    """One call of a WSGI application, in its thread; subclasses may read the body and send the messages another way.

    Attributes:
        stream_send, stream_receive: what the application's thread has to say, until `sender` sends it.
        exc_info: an exception that the application has answered itself, and that is to be logged.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], scope: Scope) -> None:
        self.app = app
        self.scope = scope
        self.stream_send, self.stream_receive = anyio.create_memory_object_stream[Message](0)
        self.response_started = False
        self.exc_info: Any = None

    async def __call__(self, receive: Receive, send: Send) -> None:
        async with self.stream_receive, self.stream_send:
            body, more = bytearray(), True
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = message.get("more_body", False)
            environ = build_environ(self.scope, bytes(body))
            async with create_collapsing_task_group() as group:
                group.start_soon(self.sender, send)
                async with self.stream_send:
                    await anyio.to_thread.run_sync(self.wsgi, environ, self.start_response)
        if self.exc_info is not None:
            raise self.exc_info[0].with_traceback(self.exc_info[1], self.exc_info[2])

    async def sender(self, send: Send) -> None:
        """Send what the application's thread says."""
        async with self.stream_receive:
            async for message in self.stream_receive:
                await send(message)

    def _say(self, message: Message) -> None:
        anyio.from_thread.run(self.stream_send.send, message)

    def start_response(self, status: str, response_headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        """Take the status and the headers (PEP 3333), in the application's thread."""
        self.exc_info = exc_info
        if not self.response_started:
            self.response_started = True
            headers = [
                (name.strip().encode("ascii").lower(), value.strip().encode("ascii"))
                for name, value in response_headers
            ]
            self._say({"type": "http.response.start", "status": int(status.split(" ", 1)[0]), "headers": headers})

    def wsgi(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> None:
        """Call the application, in its thread."""
        pieces = self.app(environ, start_response)
        try:
            for piece in pieces:
                self._say({"type": "http.response.body", "body": piece, "more_body": True})
        finally:
            # PEP 3333: whatever happened, what is iterated over is closed.
            if hasattr(pieces, "close"):
                pieces.close()
        self._say({"type": "http.response.body", "body": b""})
