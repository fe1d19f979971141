"""URLs: percent-encoding, the value `URL`, reference resolution, and the questions that security depends on.

Rules
    * A path is decoded once, after it was split off (`unquote_path`); nothing here decodes a second time.
    * Splitting is RFC 3986 appendix B. Control characters are refused, not removed as `urllib.parse` does.
    * Hosts are compared literally, in lower case, without one trailing dot and without their default port.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote_to_bytes

__all__ = [
    "URL",
    "is_safe_redirect",
    "join",
    "percent_decode",
    "percent_encode",
    "quote_path",
    "unquote_path",
]

_SPLIT = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.\-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x20\x7f\ud800-\udfff]")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~%!$&'()*+,;=\x80-\U0010ffff]*)(?::([0-9]{0,5}))?")
# SECURITY: readers differ on which of two @ ends the user, so that one of them would see another host.
_NOT_USERINFO = re.compile(r"[@\[\]\\]")
_PATH_SAFE = "/:@!$&'()*+,;=~"
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def percent_encode(text: str | bytes, safe: str = "") -> str:
    """Return UTF-8 percent-encoded but for unreserved characters (RFC 3986 §2.3) and those in `safe`.

    Lone surrogates from `unquote_path` become the bytes that they stand for.
    """
    return quote(text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text, safe=safe)


def percent_decode(text: str | bytes) -> bytes:
    """Return the bytes of a percent-encoded text; a `%` without two hexadecimal digits stands for itself."""
    return unquote_to_bytes(text)


def unquote_path(raw: bytes) -> str:
    """Return a path percent-decoded once, as UTF-8 with surrogateescape: nothing is lost, `quote_path` inverts it."""
    return (unquote_to_bytes(raw) if 0x25 in raw else raw).decode("utf-8", "surrogateescape")


def quote_path(path: str) -> str:
    """Return a decoded path as it goes into a URL; `/` is kept."""
    return percent_encode(path, _PATH_SAFE)


@dataclass(frozen=True, slots=True)
class URL:
    """A URL in its five components, each as it is written; a component that is missing is "".

    Raises:
        ValueError: by `parse`, on control characters, spaces, lone surrogates or a malformed host or port.
    """

    scheme: str = ""
    netloc: str = ""
    path: str = ""
    query: str = ""
    fragment: str = ""

    @classmethod
    def parse(cls, text: str) -> URL:
        """Return the URL that the text spells."""
        if _CONTROL.search(text) is not None:
            raise ValueError("a URL contains no spaces, control characters and lone surrogates")
        match = _SPLIT.fullmatch(text)
        assert match is not None  # every text has a path
        scheme, netloc, path, query, fragment = (part or "" for part in match.groups())
        url = cls(scheme.lower(), netloc, path, query, fragment)
        url._host_and_port()
        return url

    def _host_and_port(self) -> tuple[str, int | None]:
        userinfo, _, host = self.netloc.rpartition("@")
        match = _HOST.fullmatch(host)
        if match is None or _NOT_USERINFO.search(userinfo) is not None:
            raise ValueError(f"malformed host in {self.netloc[:80]!r}")
        port = int(match[2]) if match[2] else None
        if port is not None and port > 65535:
            raise ValueError(f"port {port} is above 65535")
        return match[1], port

    @property
    def hostname(self) -> str | None:
        """The host in lower case without brackets, None if there is none."""
        host = self._host_and_port()[0].lower().strip("[]")
        return host or None

    @property
    def port(self) -> int | None:
        """The port as a number, None if it is not written."""
        return self._host_and_port()[1]

    @property
    def username(self) -> str | None:
        """The user, still percent-encoded."""
        userinfo, at, _ = self.netloc.rpartition("@")
        return userinfo.partition(":")[0] if at else None

    @property
    def password(self) -> str | None:
        """The password, still percent-encoded."""
        userinfo, at, _ = self.netloc.rpartition("@")
        _, colon, password = userinfo.partition(":")
        return password if at and colon else None

    @property
    def origin(self) -> tuple[str, str, int | None]:
        """Scheme, host and port with the scheme's default (RFC 6454 §4)."""
        host, port = self._host_and_port()
        return self.scheme, host.lower().removesuffix("."), _DEFAULT_PORTS.get(self.scheme) if port is None else port

    def replace(self, **parts: Any) -> URL:
        """Return a URL with other components.

        Takes the five fields, and `hostname`, `port`, `username` and `password` to rebuild the netloc; None
        removes one of these.
        """
        if parts.keys() & {"hostname", "port", "username", "password"}:
            host = parts.pop("hostname", self.hostname) or ""
            port = parts.pop("port", self.port)
            username = parts.pop("username", self.username)
            password = parts.pop("password", self.password)
            netloc = f"[{host}]" if ":" in host else host
            if port is not None:
                netloc = f"{netloc}:{port}"
            if username is not None:
                netloc = f"{username}{'' if password is None else f':{password}'}@{netloc}"
            parts.setdefault("netloc", netloc)
        changed = replace(self, **parts)
        changed._host_and_port()
        return changed

    def __str__(self) -> str:
        text = self.path
        if self.netloc:
            text = f"//{self.netloc}{'' if not text or text.startswith('/') else '/'}{text}"
        elif text.startswith("//"):
            # SECURITY: a path must not turn into a host. RFC 3986 §3.3 forbids it; §5.3's algorithm allows it.
            text = f"/.{text}"
        elif not self.scheme and ":" in text.partition("/")[0]:
            text = f"./{text}"
        if self.scheme:
            text = f"{self.scheme}:{text}"
        if self.query:
            text = f"{text}?{self.query}"
        return f"{text}#{self.fragment}" if self.fragment else text

    def __repr__(self) -> str:
        # SECURITY: a password must not reach logs through a repr.
        shown = self if self.password is None else self.replace(password="...")
        return f"URL({str(shown)!r})"


def join(base: str, reference: str) -> str:
    """Resolve a reference against a base (RFC 3986 §5.2). Raises `ValueError` as `URL.parse` does."""
    start, target = URL.parse(base), URL.parse(reference)
    if target.scheme:
        return str(target.replace(path=_remove_dot_segments(target.path)))
    if target.netloc:
        return str(target.replace(scheme=start.scheme, path=_remove_dot_segments(target.path)))
    if not target.path:
        query = target.query if "?" in reference.partition("#")[0] else start.query
        return str(start.replace(query=query, fragment=target.fragment))
    if target.path.startswith("/"):
        path = target.path
    elif start.netloc and not start.path:
        path = f"/{target.path}"
    else:
        path = start.path[: start.path.rfind("/") + 1] + target.path
    return str(start.replace(path=_remove_dot_segments(path), query=target.query, fragment=target.fragment))


def _remove_dot_segments(path: str) -> str:
    """Resolve `.` and `..` (RFC 3986 §5.2.4), in one pass over the segments."""
    absolute = path.startswith("/")
    segments = path.split("/")
    kept: list[str] = []
    for segment in segments[1:] if absolute else segments:
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return ("/" if absolute else "") + "/".join(kept)


def is_safe_redirect(target: str, host: str | None = None) -> bool:
    """Say whether a redirect to `target` stays on this site.

    Safe are references without scheme and host, and http(s) URLs of `host` ("example.com", "example.com:8000").
    Whatever a browser might read otherwise is not safe: backslashes, control characters, spaces at the ends,
    `https:evil`, `//evil`, user names, and the same once more in percent-encoding at the start of the path, as in
    `/%09/evil`, for the sake of servers and proxies that decode and redirect again.
    """
    if not target or "\\" in target:
        return False
    try:
        url = URL.parse(target)
    except ValueError:
        return False
    if url.scheme or url.netloc:
        if url.scheme not in ("http", "https") or host is None or "@" in url.netloc or url.hostname is None:
            return False
        try:
            own = URL.parse(f"{url.scheme}://{host}")
        except ValueError:
            return False
        if own.origin != url.origin:
            return False
    elif target.startswith("//"):
        return False
    decoded = percent_decode(url.path).translate(None, bytes(range(0x21)) + b"\x7f").replace(b"\\", b"/")
    return not decoded.startswith(b"//") and (bool(url.netloc) or b":" not in decoded.partition(b"/")[0])
