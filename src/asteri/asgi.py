"""An ASGI application as a function of an exchange, for whoever has an exchange (a framework that mounts one)."""

from asteri.gateway.asgi import ASGIApp, asgi_doors

__all__ = ["ASGIApp", "asgi_doors"]
