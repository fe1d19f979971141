"""Responses, under upstream's module name."""

from mimetypes import guess_type as guess_type

from fenrir.starlette._file_response import FileResponse
from fenrir.starlette._response import (
    AsyncContentStream,
    Content,
    ContentStream,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
    SyncContentStream,
)

# As upstream's module does: its users import these from here too.
from fenrir.starlette.background import BackgroundTask as BackgroundTask
from fenrir.starlette.concurrency import iterate_in_threadpool as iterate_in_threadpool
from fenrir.starlette.datastructures import URL as URL
from fenrir.starlette.datastructures import Headers as Headers
from fenrir.starlette.datastructures import MutableHeaders as MutableHeaders
from fenrir.starlette.requests import ClientDisconnect as ClientDisconnect

__all__ = [
    "AsyncContentStream",
    "Content",
    "ContentStream",
    "FileResponse",
    "HTMLResponse",
    "JSONResponse",
    "PlainTextResponse",
    "RedirectResponse",
    "Response",
    "StreamingResponse",
    "SyncContentStream",
]
