"""Middleware of Starlette's toolkit, under upstream's module names."""

from fenrir.starlette.middleware import Middleware

__all__ = ["Middleware"]
