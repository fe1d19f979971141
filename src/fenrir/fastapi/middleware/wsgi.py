"""WSGI applications, under upstream's module name."""

from fenrir.starlette.middleware.wsgi import WSGIMiddleware

__all__ = ["WSGIMiddleware"]
