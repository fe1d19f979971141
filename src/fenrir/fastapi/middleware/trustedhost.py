"""A list of hosts, under upstream's module name."""

from fenrir.starlette.middleware.trustedhost import TrustedHostMiddleware

__all__ = ["TrustedHostMiddleware"]
