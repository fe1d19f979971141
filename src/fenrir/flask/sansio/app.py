"""Upstream's module of the part of an application that serves nothing."""

from fenrir.flask.application import App

__all__ = ["App"]
