"""Upstream's module of the request and response classes."""

from fenrir.flask.incidental import incidental
from fenrir.flask.request import Request
from fenrir.flask.response import Response

__all__ = ["Request", "Response"]


__getattr__ = incidental(__name__)
