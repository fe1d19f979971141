"""The names of `falcon.http_status`."""

from fenrir.falcon.http_error import HTTPStatus

__all__ = ["HTTPStatus"]
