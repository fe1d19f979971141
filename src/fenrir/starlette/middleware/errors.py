"""The last resort: an answer for exceptions that nobody handles, and a page about them for developers."""

from __future__ import annotations

import html
import inspect
import traceback
from collections.abc import Callable

from fenrir.starlette._calls import is_async_callable
from fenrir.starlette.concurrency import run_in_threadpool
from fenrir.starlette.datastructures import MutableHeaders
from fenrir.starlette.requests import Request
from fenrir.starlette.responses import HTMLResponse, PlainTextResponse, Response
from fenrir.starlette.types import ASGIApp, ExceptionHandler, Message, Receive, Scope, Send

__all__ = ["ServerErrorMiddleware", "on_server_error"]

_COMPLETIONS = "fenrir.server_error_headers"

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>500 Server Error</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #1c2024; margin: 2rem; }}
details {{ border: 1px solid #c8d0d8; border-radius: 4px; margin: .5rem 0; }}
summary {{ background: #eef2f6; padding: .5rem .75rem; cursor: pointer; }}
pre {{ margin: 0; padding: .5rem .75rem; overflow-x: auto; }}
.here {{ background: #ffe9a8; display: block; }}
</style>
</head>
<body>
<h1>500 Server Error</h1>
<h2>{error}</h2>
<p>The innermost call comes first.</p>
{frames}
</body>
</html>
"""

_FRAME = """<details{open}><summary>File <code>{file}</code>, line <b>{line}</b>, in <code>{function}</code></summary>
<pre>{source}</pre></details>
"""


def on_server_error(scope: Scope, complete: Callable[[MutableHeaders], None]) -> None:
    """Have the headers of the answer to an unhandled exception completed, as those of other answers are."""
    scope.setdefault(_COMPLETIONS, []).append(complete)


class ServerErrorMiddleware:
    """Answers what the application below raises with 500, and raises it again for the server's log.

    Args:
        handler: makes the answer, `handler(request, exc) -> response`.
        debug: answer with the traceback instead, a page for browsers and text for others.
    """

    def __init__(self, app: ASGIApp, handler: ExceptionHandler | None = None, debug: bool = False) -> None:
        self.app = app
        self.handler = handler
        self.debug = debug

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def noting_send(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, noting_send)
        except Exception as exc:
            # The handler is called even when it is too late to answer: it may have to report.
            response = await self._answer(Request(scope), exc)
            if not started:
                await response(scope, receive, _completing(scope, send))
            raise

    async def _answer(self, request: Request, exc: Exception) -> Response:
        if self.debug:
            # In a thread, as it reads source files.
            return await run_in_threadpool(self.debug_response, request, exc)
        if self.handler is None:
            return self.error_response(request, exc)
        if is_async_callable(self.handler):
            answer: Response = await self.handler(request, exc)  # type: ignore[arg-type, misc]
            return answer
        return await run_in_threadpool(self.handler, request, exc)  # type: ignore[arg-type]

    def generate_html(self, exc: Exception, limit: int = 7) -> str:
        """Return the page about an exception, with `limit` lines of source for each frame."""
        frames = inspect.getinnerframes(exc.__traceback__, limit) if exc.__traceback__ is not None else []
        return _PAGE.format(
            error=html.escape("".join(traceback.format_exception_only(exc)).strip()),
            frames="".join(_frame(frame, first=i == 0) for i, frame in enumerate(reversed(frames))),
        )

    def generate_plain_text(self, exc: Exception) -> str:
        """Return the traceback of an exception."""
        return "".join(traceback.format_exception(exc))

    def debug_response(self, request: Request, exc: Exception) -> Response:
        """Answer for developers."""
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(self.generate_html(exc), status_code=500)
        return PlainTextResponse(self.generate_plain_text(exc), status_code=500)

    def error_response(self, request: Request, exc: Exception) -> Response:
        """Answer for everybody else."""
        return PlainTextResponse("Internal Server Error", status_code=500)


def _completing(scope: Scope, send: Send) -> Send:
    """Return ASGI's send for an answer whose headers are still to be completed."""

    async def completing_send(message: Message) -> None:
        if message["type"] == "http.response.start":
            message.setdefault("headers", [])
            headers = MutableHeaders(scope=message)
            for complete in reversed(scope.get(_COMPLETIONS, ())):
                complete(headers)
        await send(message)

    return completing_send


def _frame(frame: inspect.FrameInfo, first: bool) -> str:
    # SECURITY: names and source are the application's text, and an exception may quote what a client has sent.
    index = frame.index or 0
    lines = []
    for number, line in enumerate(frame.code_context or (), start=frame.lineno - index):
        text = html.escape(f"{number:>5}  {line.rstrip()}")
        lines.append(f'<span class="here">{text}</span>' if number == frame.lineno else f"{text}\n")
    return _FRAME.format(
        open=" open" if first else "",
        file=html.escape(frame.filename),
        line=frame.lineno,
        function=html.escape(frame.function),
        source="".join(lines),
    )
