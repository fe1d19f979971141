"""Flask's way of speaking: change `from flask import ...` to `from fenrir.flask import ...`.

What deviates is listed in PARITY.md.
"""

import warnings
from typing import Any

from fenrir.flask import json
from fenrir.flask.app import Flask
from fenrir.flask.blueprints import Blueprint
from fenrir.flask.config import Config
from fenrir.flask.ctx import (
    after_this_request,
    copy_current_request_context,
    has_app_context,
    has_request_context,
)
from fenrir.flask.door import FlaskDoor
from fenrir.flask.globals import current_app, g, request, session
from fenrir.flask.helpers import (
    abort,
    flash,
    get_flashed_messages,
    get_template_attribute,
    make_response,
    redirect,
    send_file,
    send_from_directory,
    stream_with_context,
    url_for,
)
from fenrir.flask.incidental import incidental
from fenrir.flask.json import jsonify
from fenrir.flask.request import Request
from fenrir.flask.response import Response
from fenrir.flask.signals import (
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    before_render_template,
    got_request_exception,
    message_flashed,
    request_finished,
    request_started,
    request_tearing_down,
    template_rendered,
)
from fenrir.flask.templating import (
    render_template,
    render_template_string,
    stream_template,
    stream_template_string,
)
from fenrir.flask.version import flask_version

__all__ = [
    "Blueprint",
    "Config",
    "Flask",
    "FlaskDoor",
    "Request",
    "Response",
    "abort",
    "after_this_request",
    "appcontext_popped",
    "appcontext_pushed",
    "appcontext_tearing_down",
    "before_render_template",
    "copy_current_request_context",
    "current_app",
    "flash",
    "g",
    "get_flashed_messages",
    "get_template_attribute",
    "got_request_exception",
    "has_app_context",
    "has_request_context",
    "json",
    "jsonify",
    "make_response",
    "message_flashed",
    "redirect",
    "render_template",
    "render_template_string",
    "request",
    "request_finished",
    "request_started",
    "request_tearing_down",
    "send_file",
    "send_from_directory",
    "session",
    "stream_template",
    "stream_template_string",
    "stream_with_context",
    "template_rendered",
    "url_for",
]


_incidental = incidental(__name__)


def __getattr__(name: str) -> Any:
    if name != "__version__":
        return _incidental(name)
    warnings.warn(
        "The '__version__' attribute is deprecated and will be removed in Flask 3.2. Use feature detection or"
        " 'importlib.metadata.version(\"flask\")' instead.",
        DeprecationWarning,
        stacklevel=2,
    )
    return flask_version()
