"""Compression, under upstream's module name."""

from fenrir.starlette.middleware.gzip import GZipMiddleware

__all__ = ["GZipMiddleware"]
