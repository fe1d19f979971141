"""The verbs that a resource may have, and the media types that users name.

SECURITY: a responder is looked up for the verbs of this table only, so a method in a request can never reach an
attribute that merely begins with `on_` (CVE-2026-48817).
"""

from __future__ import annotations

import os
from enum import Enum, auto

__all__ = [
    "COMBINED_METHODS",
    "DEFAULT_MEDIA_TYPE",
    "FALSE_STRINGS",
    "HTTP_METHODS",
    "MEDIA_BMP",
    "MEDIA_CSV",
    "MEDIA_GIF",
    "MEDIA_HTML",
    "MEDIA_JPEG",
    "MEDIA_JS",
    "MEDIA_JSON",
    "MEDIA_MSGPACK",
    "MEDIA_MULTIPART",
    "MEDIA_PARQUET",
    "MEDIA_PNG",
    "MEDIA_TEXT",
    "MEDIA_URLENCODED",
    "MEDIA_XML",
    "MEDIA_YAML",
    "META_METHODS",
    "SINGLETON_HEADERS",
    "TRUE_STRINGS",
    "WEBDAV_METHODS",
    "WebSocketPayloadType",
]

HTTP_METHODS = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"]
WEBDAV_METHODS = [
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "LOCK",
    "MKCOL",
    "MOVE",
    "PROPFIND",
    "PROPPATCH",
    "REPORT",
    "UNCHECKIN",
    "UNLOCK",
    "UPDATE",
    "VERSION-CONTROL",
]
META_METHODS = ["WEBSOCKET"]  # no method of a request: the responder of a WebSocket handshake
_CUSTOM = [name.strip().upper() for name in os.environ.get("FALCON_CUSTOM_HTTP_METHODS", "").split(",") if name.strip()]
COMBINED_METHODS = [*HTTP_METHODS, *WEBDAV_METHODS, "QUERY", *_CUSTOM, *META_METHODS]

MEDIA_JSON = "application/json"
MEDIA_MSGPACK = "application/msgpack"
MEDIA_PARQUET = "application/vnd.apache.parquet"
MEDIA_MULTIPART = "multipart/form-data"
MEDIA_URLENCODED = "application/x-www-form-urlencoded"
MEDIA_YAML = "application/yaml"
MEDIA_XML = "application/xml"
MEDIA_JS = "text/javascript"
MEDIA_HTML = "text/html; charset=utf-8"
MEDIA_TEXT = "text/plain; charset=utf-8"
MEDIA_CSV = "text/csv; charset=utf-8"
MEDIA_JPEG = "image/jpeg"
MEDIA_PNG = "image/png"
MEDIA_GIF = "image/gif"
MEDIA_BMP = "image/bmp"
DEFAULT_MEDIA_TYPE = MEDIA_JSON

TRUE_STRINGS = frozenset({"true", "True", "t", "yes", "y", "1", "on"})
FALSE_STRINGS = frozenset({"false", "False", "f", "no", "n", "0", "off"})

SINGLETON_HEADERS = frozenset(
    {
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "from",
        "host",
        "max-forwards",
        "referer",
        "user-agent",
    }
)


class WebSocketPayloadType(Enum):
    """What a WebSocket message carries."""

    TEXT = auto()
    BINARY = auto()
