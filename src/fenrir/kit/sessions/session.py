"""The session object: a dictionary that knows whether it was read and whether it was changed.

It loads at its first use. Every use counts as reading, `in`, `len` and iteration too, because a response that depends
on the cookie in any way must say so in `Vary` (CVE-2023-30861, CVE-2026-27205).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

__all__ = ["Session"]

_UNAVAILABLE = (
    "The session is unavailable because no secret key was set.  "
    "Set the secret_key on the application to something unique and secret."
)


class Session(MutableMapping[str, Any]):
    """What is remembered of one client from request to request.

    A value that is changed in place (`session["cart"].append(7)`) is not noticed: set `session.modified = True`.

    Args:
        load: returns the stored data, or None for a new session; or the data itself.
        writable: False without a secret key: reading finds nothing, writing raises RuntimeError.

    Attributes:
        accessed: something was read or written.
        modified: something was written; set it after changes inside values.
        renewed: `regenerate` was called.
    """

    __slots__ = ("_data", "_load", "_new", "_writable", "accessed", "modified", "renewed")

    def __init__(
        self, load: Callable[[], dict[str, Any] | None] | Mapping[str, Any] | None = None, writable: bool = True
    ) -> None:
        self._data: dict[str, Any] | None = None
        if callable(load):
            self._load = load
        else:
            self._data = dict(load or {})
        self._new = load is None
        self._writable = writable
        self.accessed = False
        self.modified = False
        self.renewed = False

    def peek(self) -> dict[str, Any]:
        """Return the data without counting as use; for whoever saves it."""
        if self._data is None:
            loaded = self._load()
            self._new = loaded is None
            self._data = loaded if loaded is not None else {}
        return self._data

    def _read(self) -> dict[str, Any]:
        self.accessed = True
        return self.peek()

    def _write(self, changes: bool = True) -> dict[str, Any]:
        if not self._writable:
            raise RuntimeError(_UNAVAILABLE)
        self.accessed = True
        self.modified = self.modified or changes
        return self.peek()

    @property
    def new(self) -> bool:
        """The client sent no valid session."""
        self._read()
        return self._new

    @property
    def permanent(self) -> bool:
        """Outlive the browser: the cookie gets an expiry date."""
        return bool(self._read().get("_permanent", False))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self._write()["_permanent"] = bool(value)

    def regenerate(self) -> None:
        """Give the session a new identity, to be called at login and whenever rights change.

        The data stays. A session in a cookie is signed anew; a store must give it a new id (`renewed`).
        """
        self._write()
        self.renewed = True

    def __getitem__(self, key: str) -> Any:
        return self._read()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._write()[key] = value

    def __delitem__(self, key: str) -> None:
        data = self._write(changes=False)
        del data[key]
        self.modified = True

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def __contains__(self, key: object) -> bool:
        return key in self._read()

    def pop(self, key: str, *default: Any) -> Any:
        """Remove a key and return its value, or the default."""
        data = self._write(changes=False)
        self.modified = self.modified or key in data
        return data.pop(key, *default)

    def clear(self) -> None:
        """Forget everything; the cookie is deleted."""
        self._write().clear()

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, setting it first if it is missing."""
        data = self._write(changes=False)
        self.modified = self.modified or key not in data
        return data.setdefault(key, default)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several keys."""
        self._write().update(*args, **kwargs)

    def copy(self) -> dict[str, Any]:
        """Return the data as a dictionary of its own."""
        return self._read().copy()

    def __or__(self, other: Any) -> dict[str, Any]:
        return self._read() | dict(other)

    def __ror__(self, other: Any) -> dict[str, Any]:
        return dict(other) | self._read()

    def __ior__(self, other: Any) -> Session:
        self.update(other)
        return self

    def __repr__(self) -> str:
        # SECURITY: values are not shown, a session often holds credentials.
        state = "not loaded" if self._data is None else ", ".join(self._data) or "empty"
        return f"<Session {state}>"
