"""Flask's way of speaking: change `from flask import ...` to `from fenrir.flask import ...`.

What is covered and what deviates is listed in PARITY.md.
"""

from fenrir.flask.app import Flask
from fenrir.flask.blueprints import Blueprint
from fenrir.flask.config import Config
from fenrir.flask.ctx import (
    after_this_request,
    copy_current_request_context,
    has_app_context,
    has_request_context,
    stream_with_context,
)
from fenrir.flask.door import FlaskDoor
from fenrir.flask.exceptions import abort
from fenrir.flask.globals import current_app, g, request, session
from fenrir.flask.helpers import flash, get_flashed_messages, make_response, redirect, url_for
from fenrir.flask.json import jsonify
from fenrir.flask.request import Request
from fenrir.flask.response import Response
from fenrir.flask.sending import send_file, send_from_directory
from fenrir.flask.templating import (
    get_template_attribute,
    render_template,
    render_template_string,
    stream_template,
    stream_template_string,
)

__all__ = [
    "Blueprint",
    "Config",
    "Flask",
    "FlaskDoor",
    "Request",
    "Response",
    "abort",
    "after_this_request",
    "copy_current_request_context",
    "current_app",
    "flash",
    "g",
    "get_flashed_messages",
    "get_template_attribute",
    "has_app_context",
    "has_request_context",
    "json",
    "jsonify",
    "make_response",
    "redirect",
    "render_template",
    "render_template_string",
    "request",
    "send_file",
    "send_from_directory",
    "session",
    "stream_template",
    "stream_template_string",
    "stream_with_context",
    "url_for",
]

from fenrir.flask import json
