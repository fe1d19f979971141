"""The toolkit and the original side by side: an application is built twice, from the same text of names."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

__all__ = ["BOTH", "OURS", "THEIRS", "Toolkit", "seen"]

MODULES = (
    "applications",
    "authentication",
    "background",
    "datastructures",
    "exceptions",
    "middleware",
    "middleware.authentication",
    "middleware.base",
    "middleware.body_limit",
    "middleware.cors",
    "middleware.errors",
    "middleware.exceptions",
    "middleware.gzip",
    "middleware.httpsredirect",
    "middleware.sessions",
    "middleware.trustedhost",
    "requests",
    "responses",
    "routing",
    "staticfiles",
    "templating",
    "testclient",
    "websockets",
)


class Toolkit(SimpleNamespace):
    """The public names of a package's modules, as attributes."""


def _toolkit(package: str) -> Toolkit:
    names: dict[str, Any] = {}
    for module in MODULES:
        found = vars(importlib.import_module(f"{package}.{module}"))
        for name, value in found.items():
            # Where a class is at home; other modules only import it.
            if not name.startswith("_") and getattr(value, "__module__", "").startswith(package):
                names[name] = value
    return Toolkit(**names)


OURS = _toolkit("fenrir.starlette")
THEIRS = _toolkit("starlette")
BOTH = (OURS, THEIRS)

_CHANGING = {"date", "last-modified", "etag"}


def seen(make: Callable[[Any], Any], *requests: Any, **client: Any) -> tuple[list[Any], list[Any]]:
    """Return what both clients see of the same requests to the applications that `make` builds."""
    return _seen(OURS, make, requests, client), _seen(THEIRS, make, requests, client)


def _seen(toolkit: Any, make: Callable[[Any], Any], requests: Any, options: dict[str, Any]) -> list[Any]:
    answers: list[Any] = []
    with toolkit.TestClient(make(toolkit), follow_redirects=False, **options) as client:
        for method, path, extra in ((*request, {})[:3] for request in requests):
            try:
                answer = client.request(method, path, **extra)
            except Exception as exc:
                answers.append((method, path, type(exc).__name__, str(exc)))
                continue
            headers = sorted((name, value) for name, value in answer.headers.multi_items() if name not in _CHANGING)
            answers.append((method, path, answer.status_code, headers, answer.content))
    return answers
