"""Redirects to HTTPS, under upstream's module name."""

from fenrir.starlette.middleware.httpsredirect import HTTPSRedirectMiddleware

__all__ = ["HTTPSRedirectMiddleware"]
