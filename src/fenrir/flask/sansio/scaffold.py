"""Upstream's module of what applications and blueprints have in common."""

from fenrir.flask.scaffold import Scaffold, _endpoint_from_view_func, _sentinel, find_package, setupmethod

__all__ = ["Scaffold", "_endpoint_from_view_func", "_sentinel", "find_package", "setupmethod"]
