"""Media handlers: what `req.media` and `resp.media` go through."""

from fenrir.falcon.media.base import BaseHandler, BinaryBaseHandlerWS, TextBaseHandlerWS
from fenrir.falcon.media.handlers import Handlers, MissingDependencyHandler
from fenrir.falcon.media.json import JSONHandler, JSONHandlerWS
from fenrir.falcon.media.msgpack import MessagePackHandler, MessagePackHandlerWS
from fenrir.falcon.media.multipart import MultipartFormHandler
from fenrir.falcon.media.urlencoded import URLEncodedFormHandler

__all__ = [
    "BaseHandler",
    "BinaryBaseHandlerWS",
    "Handlers",
    "JSONHandler",
    "JSONHandlerWS",
    "MessagePackHandler",
    "MessagePackHandlerWS",
    "MissingDependencyHandler",
    "MultipartFormHandler",
    "TextBaseHandlerWS",
    "URLEncodedFormHandler",
]
