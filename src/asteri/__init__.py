"""Asteri, an application server for ASGI and WSGI applications and for those that speak its direct interface."""

from __future__ import annotations

from asteri.wire.compiled import prefer_source as _prefer_source

_prefer_source()
