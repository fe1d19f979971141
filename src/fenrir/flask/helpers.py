"""Upstream's module of functions for views, and of some for the framework itself."""

from fenrir.flask.ctx import stream_with_context
from fenrir.flask.exceptions import abort
from fenrir.flask.flags import get_debug_flag, get_load_dotenv
from fenrir.flask.flashing import flash, get_flashed_messages
from fenrir.flask.incidental import incidental
from fenrir.flask.origins import _split_blueprint_path, get_root_path
from fenrir.flask.sending import send_file, send_from_directory
from fenrir.flask.shortcuts import make_response, redirect, url_for
from fenrir.flask.templating import get_template_attribute

__all__ = [
    "_split_blueprint_path",
    "abort",
    "flash",
    "get_debug_flag",
    "get_flashed_messages",
    "get_load_dotenv",
    "get_root_path",
    "get_template_attribute",
    "make_response",
    "redirect",
    "send_file",
    "send_from_directory",
    "stream_with_context",
    "url_for",
]

__getattr__ = incidental(__name__)
