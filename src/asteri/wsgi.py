"""A WSGI application as a function of an exchange, for whoever has an exchange (a framework that mounts one)."""

from asteri.gateway.environ_cy import FileWrapper, build_environ
from asteri.gateway.wsgi import WSGIApplication, wsgi_app

__all__ = ["FileWrapper", "WSGIApplication", "build_environ", "wsgi_app"]
