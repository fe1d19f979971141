"""Fenrir, a hybrid web framework: five paradigms, each first-class, in one application.

The public names are here; each is imported when it is first used, so `import fenrir` costs next to nothing. The
drop-ins are modules of their own: `fenrir.fastapi`, `fenrir.flask`, `fenrir.falcon`, `fenrir.sanic`, `fenrir.bottle`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fenrir.adopt import adopt as adopt
    from fenrir.core.declare import DeclarationError as DeclarationError
    from fenrir.core.errors import StatusError as StatusError
    from fenrir.falcon import after as after
    from fenrir.falcon import before as before
    from fenrir.fastapi import APIRouter as APIRouter
    from fenrir.fastapi import Body as Body
    from fenrir.fastapi import Cookie as Cookie
    from fenrir.fastapi import Depends as Depends
    from fenrir.fastapi import File as File
    from fenrir.fastapi import Form as Form
    from fenrir.fastapi import Header as Header
    from fenrir.fastapi import HTTPException as HTTPException
    from fenrir.fastapi import Path as Path
    from fenrir.fastapi import Query as Query
    from fenrir.fastapi import Security as Security
    from fenrir.fastapi import UploadFile as UploadFile
    from fenrir.fastapi import WebSocket as WebSocket
    from fenrir.fastapi import WebSocketDisconnect as WebSocketDisconnect
    from fenrir.fastapi.responses import FileResponse as FileResponse
    from fenrir.fastapi.responses import HTMLResponse as HTMLResponse
    from fenrir.fastapi.responses import JSONResponse as JSONResponse
    from fenrir.fastapi.responses import PlainTextResponse as PlainTextResponse
    from fenrir.fastapi.responses import RedirectResponse as RedirectResponse
    from fenrir.fastapi.responses import Response as Response
    from fenrir.fastapi.responses import StreamingResponse as StreamingResponse
    from fenrir.fastapi.sse import EventSourceResponse as EventSourceResponse
    from fenrir.fastapi.sse import ServerSentEvent as ServerSentEvent
    from fenrir.flask import Blueprint as Blueprint
    from fenrir.flask import abort as abort
    from fenrir.flask import flash as flash
    from fenrir.flask import get_flashed_messages as get_flashed_messages
    from fenrir.flask import make_response as make_response
    from fenrir.flask import redirect as redirect
    from fenrir.flask import render_template as render_template
    from fenrir.flask import render_template_string as render_template_string
    from fenrir.flask import send_file as send_file
    from fenrir.flask import send_from_directory as send_from_directory
    from fenrir.flask import url_for as url_for
    from fenrir.flask.views import MethodView as MethodView
    from fenrir.flask.views import View as View
    from fenrir.hybrid.app import Fenrir as Fenrir
    from fenrir.hybrid.proxies import current_app as current_app
    from fenrir.hybrid.proxies import g as g
    from fenrir.hybrid.proxies import request as request
    from fenrir.hybrid.proxies import session as session
    from fenrir.hybrid.request import Request as Request
    from fenrir.kit.background import BackgroundTask as BackgroundTask
    from fenrir.kit.background import BackgroundTasks as BackgroundTasks

_HOMES = {
    "fenrir.adopt": "adopt",
    "fenrir.hybrid.app": "Fenrir",
    "fenrir.hybrid.request": "Request",
    "fenrir.hybrid.proxies": "current_app g request session",
    "fenrir.core.declare": "DeclarationError",
    "fenrir.core.errors": "StatusError",
    "fenrir.falcon": "after before",
    "fenrir.fastapi": (
        "APIRouter Body Cookie Depends File Form HTTPException Header Path Query Security UploadFile WebSocket "
        "WebSocketDisconnect"
    ),
    "fenrir.fastapi.responses": (
        "FileResponse HTMLResponse JSONResponse PlainTextResponse RedirectResponse Response StreamingResponse"
    ),
    "fenrir.fastapi.sse": "EventSourceResponse ServerSentEvent",
    "fenrir.flask": (
        "Blueprint abort flash get_flashed_messages make_response redirect render_template render_template_string "
        "send_file send_from_directory url_for"
    ),
    "fenrir.flask.views": "MethodView View",
    "fenrir.kit.background": "BackgroundTask BackgroundTasks",
}
_NAMES = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_NAMES)


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        value = getattr(importlib.import_module(_NAMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES})
