"""Signed cookies in Flask's format: tagged JSON, compressed if that helps, with time and HMAC-SHA1. And in Starlette's:
plain JSON in base64, with time and HMAC-SHA1.

The only file that knows itsdangerous. SECURITY: whatever is wrong with a cookie (signature, age, salt, payload) has the
same answer, None, so a client learns nothing; signatures are compared in constant time.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from typing import Any, Self

from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer

from fenrir.kit.sessions.tagged import TaggedJSONSerializer

__all__ = ["SignedCookies", "SignedJSON", "URLSafeTimedSerializer", "signing_serializer", "tagged_json"]

tagged_json = TaggedJSONSerializer()
"""Shared by all cookies; `register` adds types."""

Key = str | bytes


def sha1(data: bytes = b"") -> Any:
    """Return a SHA-1; looked up when it is used, because there are builds of Python without it."""
    return hashlib.sha1(data)


def signing_serializer(
    secret_key: Key,
    fallbacks: Sequence[Key] = (),
    salt: str | bytes = "cookie-session",
    serializer: Any = tagged_json,
    digest: Callable[..., Any] = sha1,
    derivation: str = "hmac",
) -> URLSafeTimedSerializer:
    """Return what signs with one key and opens with that and older ones.

    Args:
        fallbacks: the newest last.
        serializer: has `dumps` and `loads`.
    """
    keys = [key.encode() if isinstance(key, str) else key for key in (*fallbacks, secret_key)]
    return URLSafeTimedSerializer(
        keys,  # itsdangerous signs with the last and tries from the last on
        salt=salt,
        serializer=serializer,
        signer_kwargs={"key_derivation": derivation, "digest_method": digest},
    )


class SignedCookies:
    """Signs with one key, opens with that and older ones.

    Args:
        fallbacks: the newest first.
    """

    def __init__(
        self,
        secret_key: Key,
        fallbacks: Sequence[Key] = (),
        salt: str | bytes = "cookie-session",
        serializer: Any = tagged_json,
    ) -> None:
        self._serializer = signing_serializer(secret_key, fallbacks[::-1], salt, serializer)

    @classmethod
    def over(cls, serializer: URLSafeTimedSerializer) -> Self:
        """Return what uses a serializer of itsdangerous."""
        cookies = cls.__new__(cls)
        cookies._serializer = serializer
        return cookies

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
