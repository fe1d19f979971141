"""OpenAPI: the document of an application, and the pages that show it.

`openapi_document` reads the compiled plans and nothing else, so every dialect is documented by the same code and a
route can not be documented otherwise than it runs. `install_docs` serves the document, Swagger UI and ReDoc. What makes
documents is imported when somebody asks for one: applications start without it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fenrir.kit.openapi.document import openapi_document
    from fenrir.kit.openapi.options import DocsOptions
    from fenrir.kit.openapi.ui import install_docs

__all__ = ["DocsOptions", "install_docs", "openapi_document"]

_HOMES = {"DocsOptions": "options", "install_docs": "ui", "openapi_document": "document"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
