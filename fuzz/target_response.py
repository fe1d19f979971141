"""The response encoder: whatever an application gives, a documented exception or bytes that say exactly that.

Both forms must do the same, and h11 as a client reads the bytes back.
"""

from __future__ import annotations

import re
from random import Random
from types import ModuleType
from typing import Any

import h11

from fuzz.grammar import tamper
from tests.asteri.forms import FORMS, family

__all__ = ["Responses"]

STATUSES = [200, 200, 200, 201, 204, 206, 299, 304, 400, 404, 500, 599, 999]
ODD_STATUSES = [0, 99, 100, 101, 103, 199, 1000, -1, 10**30, "200", "x", None, 200.5, True]
NAMES = [
    b"X-One",
    b"content-type",
    b"Set-Cookie",
    b"Location",
    b"x",
    b"Date",
    b"Server",
    b"Connection",
    b"Content-Length",
]
ODD_NAMES = [
    b"", b"a b", b"a:", b"\xe4", b"x\r\ny", b"Transfer-Encoding", b"transfer-encoding ", b"te",
    b"Keep-Alive", b"Upgrade",
    b"Trailer", b"Proxy-Connection", "x", None, 5, b"content-length", b"a\x00", b"CONTENT-LENGTH",
]  # fmt: skip
VALUES = [
    b"",
    b"1",
    b"text/plain",
    b"\t a b ",
    b"\xe4\xff",
    b"a=b; Path=/",
    b"close",
    b"keep-alive, x",
    b"5",
    b"0",
    b"Close , y",
]
ODD_VALUES = [
    b"a\r\nb: c",
    b"a\nb",
    b"\x00",
    b"\x7f",
    b"\x0b",
    "x",
    None,
    5,
    b"a\rb",
    b"99999999999999999999",
    b"+5",
    b"5 5",
    b"007",
]
HOP_BY_HOP = {b"connection", b"keep-alive", b"proxy-connection", b"upgrade", b"te", b"trailer"}
FRAMING = {b"content-length", b"transfer-encoding", b"connection", b"date", b"server"}
DATE = re.compile(rb"date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n")
LARGEST_JOINED = 16384


class Responses:
    """An application's answer, encoded by both forms and read by a client."""

    name = "response"

    def __init__(self) -> None:
        self.executions = 0
        self._modules = {form: family(form)["response_cy"] for form in FORMS}

    def sample(self, chance: Random) -> Any:
        odd = chance.choice((0.0, 0.0, 0.05, 0.3))
        body = chance.choice(
            (b"", b"a", b"hello", b"\r\n\r\n", b"0\r\n\r\n", b"x" * LARGEST_JOINED, b"x" * (LARGEST_JOINED + 1))
        )
        status = chance.choice(ODD_STATUSES if chance.random() < odd else STATUSES)
        headers = [_field(chance, odd, len(body)) for _ in range(chance.randrange(5))]
        trailers = [_field(chance, odd, 0) for _ in range(chance.choice((0, 0, 1, 2)))]
        way = chance.choice(("whole", "whole", "stream", "interim"))
        flags = (chance.random() < 0.15, chance.random() < 0.8, chance.random() < 0.8, chance.random() < 0.5)
        return way, status, headers, body, trailers, flags

    def judge(self, sample: Any) -> str | None:
        way, status, headers, body, trailers, (head_only, minor, keep, constant) = sample
        given = tuple(headers) if constant else headers
        results: dict[str, Any] = {}
        for form, module in self._modules.items():
            self.executions += 1
            try:
                result = _encode(module, way, status, given, body, trailers, head_only, int(minor), keep)
            except (TypeError, ValueError) as error:
                results[form] = f"{type(error).__name__}: {error}"
            else:
                if result is None:
                    return None
                results[form] = result
        wire, kept = results["interpreted"] if isinstance(results["interpreted"], tuple) else (None, None)
        masked = {form: (DATE.sub(b"", r[0]), r[1]) if isinstance(r, tuple) else r for form, r in results.items()}
        if masked["compiled"] != masked["interpreted"]:
            return f"forms differ: {results}"
        if wire is None:
            return None
        return _misread(wire, way, int(status), headers, body, trailers, head_only, int(minor), keep, kept)

    def close(self) -> None:
        """Hold nothing."""


def _field(chance: Random, odd: float, size: int) -> tuple[Any, Any]:
    name: Any = chance.choice(ODD_NAMES if chance.random() < odd else NAMES)
    value: Any = chance.choice(ODD_VALUES if chance.random() < odd else VALUES)
    if name in (b"Content-Length", b"content-length") and chance.random() < 0.7:
        value = b"%d" % size
    elif isinstance(value, bytes) and chance.random() < odd:
        value = tamper(chance, value)
    return name, value


def _encode(
    module: ModuleType,
    way: str,
    status: Any,
    headers: Any,
    body: bytes,
    trailers: Any,
    head: bool,
    minor: int,
    keep: bool,
) -> tuple[bytes, bool] | None:
    """Return what goes on the wire, as the exchange does it; None if it would have cut the connection."""
    if way == "interim":
        data, keep = module.encode_response(200, (), body, head, minor, keep)
        return module.encode_interim(status, headers) + data + (
            body if len(body) > LARGEST_JOINED and not head else b""
        ), keep
    if way == "whole":
        data, keep = module.encode_response(status, headers, body, head, minor, keep)
        bodiless = head or status in (204, 304)
        return data + (body if len(body) > LARGEST_JOINED and not bodiless else b""), keep
    data, keep, framing, length = module.encode_start(status, headers, head, minor, keep)
    if framing == module.COUNTED:
        return (data + body, keep) if len(body) == length else None
    if framing == module.CHUNKED:
        chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        return data + chunk + module.encode_trailers(trailers), keep
    return data + (body if framing == module.UNTIL_CLOSE else b""), keep


def _misread(
    wire: bytes,
    way: str,
    status: int,
    headers: Any,
    body: bytes,
    trailers: Any,
    head: bool,
    minor: int,
    keep: bool,
    kept: bool,
) -> str | None:
    """Return what a client reads otherwise than it was given."""
    client = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    client.send(h11.Request(method="HEAD" if head else "GET", target="/", headers=[("host", "a")]))
    client.send(h11.EndOfMessage())
    client.receive_data(wire)
    try:
        event = client.next_event()
        if way == "interim":
            if not isinstance(event, h11.InformationalResponse) or event.status_code != status:
                return f"not the interim response: {wire!r}"
            if _lower(event.headers) != _end_to_end(headers):
                return f"headers of the interim response differ: {wire!r}"
            status, headers = 200, []
            event = client.next_event()
        if not isinstance(event, h11.Response) or event.status_code != status:
            return f"not the response: {wire!r}"
        fields = _lower(event.headers)
        received: list[bytes] = []
        end: Any = client.next_event()
        while isinstance(end, h11.Data):
            received.append(bytes(end.data))
            end = client.next_event()
        if end is h11.NEED_DATA and not kept:
            client.receive_data(b"")
            end = client.next_event()
    except h11.RemoteProtocolError as error:
        return f"a client refuses it: {error}: {wire!r}"
    if not isinstance(end, h11.EndOfMessage):
        return f"the answer does not end: {wire!r}"
    if client.trailing_data[0]:
        return f"bytes behind the answer: {client.trailing_data[0]!r}"
    if b"".join(received) != (b"" if head or status in (204, 304) else body):
        return f"another body: {wire!r}"
    given = _end_to_end(headers)
    apart = [pair for pair in given if pair[0] not in FRAMING]
    if [pair for pair in fields if pair[0] not in FRAMING] != apart:
        return f"other headers: {wire!r}"
    for name in (b"date", b"server"):
        own = [value for key, value in given if key == name]
        if [value for key, value in fields if key == name][: len(own) or 1] != own and own:
            return f"another {name.decode()}: {wire!r}"
        if sum(key == name for key, _ in fields) != max(len(own), 1):
            return f"not one {name.decode()}: {wire!r}"
    if way == "stream" and (b"transfer-encoding", b"chunked") in fields:
        sent = [(name.lower(), value.strip(b" \t")) for name, value in trailers]
        if _lower(end.headers) != sent:
            return f"other trailers: {wire!r}"
    options = [value for key, value in fields if key == b"connection"]
    if options != ([b"close"] if not kept else [] if minor else [b"keep-alive"]) or (kept and not keep):
        return f"the connection is kept {kept} and it says {options}: {wire!r}"
    return None


def _end_to_end(headers: Any) -> list[tuple[bytes, bytes]]:
    return [(name.lower(), value.strip(b" \t")) for name, value in headers if name.lower() not in HOP_BY_HOP]


def _lower(headers: Any) -> list[tuple[bytes, bytes]]:
    return [(bytes(name).lower(), bytes(value)) for name, value in headers]
