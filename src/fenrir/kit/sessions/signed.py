"""Signed cookies in Flask's format: tagged JSON, compressed if that helps, with time and HMAC-SHA1. And in Starlette's:
plain JSON in base64, with time and HMAC-SHA1.

The only file that knows itsdangerous. SECURITY: whatever is wrong with a cookie (signature, age, salt, payload) has the
same answer, None, so a client learns nothing; signatures are compared in constant time.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any

from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer

from fenrir.kit.sessions.tagged import TaggedJSON

__all__ = ["SignedCookies", "SignedJSON", "tagged_json"]

tagged_json = TaggedJSON()
"""Shared by all cookies; `register` adds types."""


class SignedCookies:
    """Signs with one key, opens with that and older ones.

    Args:
        fallbacks: the newest first.
    """

    def __init__(
        self, secret_key: str | bytes, fallbacks: Sequence[str | bytes] = (), salt: str = "cookie-session"
    ) -> None:
        # itsdangerous signs with the last and tries from the last on.
        keys = [key.encode() if isinstance(key, str) else key for key in [*reversed(fallbacks), secret_key]]
        self._serializer = URLSafeTimedSerializer(
            keys,
            salt=salt,
            serializer=tagged_json,
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1},
        )

    def write(self, data: dict[str, Any]) -> str:
        """Return the value of a cookie. Raises TypeError for a value that can not be kept."""
        value = self._serializer.dumps(data)
        return value if isinstance(value, str) else value.decode("ascii")

    def read(self, value: str, max_age: float | None = None) -> dict[str, Any] | None:
        """Return the data of a cookie, or None if it is not ours or older than `max_age` seconds."""
        try:
            data = self._serializer.loads(value, max_age=None if max_age is None else int(max_age))
        except (BadData, ValueError):
            return None
        return data if isinstance(data, dict) else None


class SignedJSON:
    """Starlette's format."""

    def __init__(self, secret_key: str | bytes) -> None:
        self._signer = TimestampSigner(secret_key)

    def write(self, data: dict[str, Any]) -> str:
        """Return the value of a cookie. Raises TypeError for a value that can not be kept."""
        return self._signer.sign(b64encode(json.dumps(data).encode())).decode("ascii")

    def read(self, value: str, max_age: int | None = None) -> dict[str, Any] | None:
        """Return the data of a cookie, or None if it is not ours or older than `max_age` seconds."""
        try:
            data = json.loads(b64decode(self._signer.unsign(value.encode(), max_age=max_age)))
        except (BadData, ValueError):
            return None
        return data if isinstance(data, dict) else None
