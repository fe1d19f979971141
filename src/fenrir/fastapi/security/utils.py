"""The Authorization header, under upstream's module name."""

from fenrir.fastapi.security.authorization import get_authorization_scheme_param

__all__ = ["get_authorization_scheme_param"]
