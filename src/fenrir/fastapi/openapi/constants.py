"""Constants of documents."""

from __future__ import annotations

from fenrir.kit.openapi.schemas import REFERENCE

__all__ = ["METHODS_WITH_BODY", "REF_PREFIX", "REF_TEMPLATE"]

METHODS_WITH_BODY = {"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"}
REF_PREFIX = REFERENCE
REF_TEMPLATE = f"{REFERENCE}{{model}}"
