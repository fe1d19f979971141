"""The known differences: each has an example that would be a finding without it, whatever the others say."""

from __future__ import annotations

from typing import Any

import pytest

from fuzz.rules import Judge, Rule
from fuzz.targets import TARGETS
from tests.asteri.forms import family
from tests.asteri.websocket_peer import masked


def get(*lines: bytes, line: bytes = b"GET / HTTP/1.1", body: bytes = b"") -> bytes:
    return b"\r\n".join([line, *(lines or (b"Host: a",)), b"", body])


def chunked(body: bytes) -> bytes:
    return get(b"Host: a", b"Transfer-Encoding: chunked", body=body)


def frames(data: bytes, deflate: int = 0) -> Any:
    return data, [], deflate, 0


PEERS = {
    "one empty line before a request": b"\r\n\r\n" + get(),
    "line ends are CRLF": b"GET / HTTP/1.1\nHost: a\n\n",
    "request line of three words": b"GET /\r\nHost: a\r\n\r\n",
    "methods in capitals, and no tunnel": get(line=b"CONNECT a:80 HTTP/1.1"),
    "version": get(line=b"GET / HTTP/2.0"),
    "target": get(line=b"GET /#x HTTP/1.1"),
    "exactly one valid Host": get(b"Host: a, b"),
    "Host and target agree": get(line=b"GET http://b/ HTTP/1.1"),
    "field names": get(b"Host: a", b"X: a", b" folded"),
    "field values": get(b"Host: a", b"X: \x07"),
    "Content-Length": get(b"Host: a", b"Content-Length: 5, 5", body=b"hello"),
    "one Content-Type": get(b"Host: a", b"Content-Type: a/b", b"content-type: a/b"),
    "one framing": get(b"Host: a", b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "transfer codings": get(b"Host: a", b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "no transfer coding in HTTP/1.0": get(b"Transfer-Encoding: chunked", line=b"GET / HTTP/1.0", body=b"0\r\n\r\n"),
    "expectations": get(b"Host: a", b"Expect: magic"),
    "chunk sizes": chunked(b"00000000000000005\r\nhello\r\n0\r\n\r\n"),
    "chunk extensions": chunked(b"5;a=\r\nhello\r\n0\r\n\r\n"),
    "fields that are no trailers": chunked(b"0\r\nHost: a\r\n\r\n"),
    "limits": get(b"Host: a", *[b"X: a"] * 100),
    "a line is judged when its end has come": b"GET / HTTP/1.1\r\nX Y",
    "blanks around extensions (h11)": chunked(b"0 ;a\r\n\r\n"),
    "an empty line before a request (h11)": b"\r\n" + get(),
    "blanks in extensions (llhttp)": chunked(b"0;a =b\r\n\r\n"),
    "methods that llhttp does not know": get(line=b"BREW / HTTP/1.1"),
    "a higher minor version": get(line=b"GET / HTTP/1.2"),
    "a tab behind a coding (llhttp)": get(b"Host: a", b"Transfer-Encoding: chunked\t", body=b"0\r\n\r\n"),
    "keep-alive in HTTP/1.0": get(b"Connection: keep-alive", line=b"GET / HTTP/1.0"),
    "close beats keep-alive": get(b"Connection: keep-alive", b"Connection: close", line=b"GET / HTTP/1.0"),
    "an upgrade that nobody accepts": get(b"Host: a", b"Upgrade: x", b"Connection: upgrade") + get(),
    "the case of a coding": get(b"Host: a", b"Transfer-Encoding: Chunked", body=b"0\r\n\r\n"),
}
FRAMES = {
    "a frame is judged as soon as it is condemned": frames(b"\x09\x85"),
    "text is judged byte by byte": frames(masked(1, b"\xff", False) + masked(9)),
    "lengths are minimal and below 2^63": frames(b"\x82\xfe\x00\x01" + bytes(5)),
    "which fault of one frame comes first": frames(masked(8, b"\x00\x01\xff")),
    "a close frame between fragments": frames(masked(1, b"", False) + masked(8)),
    "final blocks": frames(masked(1, bytes.fromhex("f348cdc9c9070000"), rsv=4) * 2, 1),
}


def part(*lines: bytes, end: bytes = b"\r\n") -> bytes:
    lines = lines or (b'Content-Disposition: form-data; name="a"',)
    return b"--X" + end + b"\r\n".join(lines) + b"\r\n\r\nbody\r\n"


def form(*parts: bytes) -> Any:
    return b"".join(parts) + b"--X--\r\n", "X", [], False


FILE = b'Content-Disposition: form-data; name="a"'
FORMS = {
    "no preamble": form(b"preamble\r\n", part()),
    "boundaries are lines of their own": form(part(end=b" \r\n")),
    "bare line ends are content": form(part().replace(b"body", b"a\n--X\nb"), part()),
    "a part repeats no header": form(part(FILE, b"X: 1", b"X: 2")),
    "a part is form-data and has a name": form(part(b"Content-Disposition: form-data")),
    "headers of a part": form(part(FILE, b"X")),
    "a filename* that means nothing": form(part(FILE + b"; filename*=UTF-8''%ff")),
    "encodings that forms do not have": form(part(FILE, b"Content-Transfer-Encoding: base64")),
    "an empty line ends the headers": form(b"--X\r\n" + FILE + b"\r\n\r\n"),
    "backslashes in names": form(part(b'Content-Disposition: form-data; name="a\\\\b"')),
    "the charset of a field": form(part(FILE, b"Content-Type: text/plain; charset=latin-1").replace(b"body", b"\xe4")),
    "blanks around the equals sign of a parameter": form(part(b"Content-Disposition: form-data; name = a")),
}
EXAMPLES = [("peers", PEERS), ("frames", FRAMES), ("forms", FORMS)]


@pytest.mark.parametrize(
    ("target", "name", "sample"),
    [pytest.param(target, name, table[name], id=name) for target, table in EXAMPLES for name in table],
)
def test_an_example_is_found_without_its_rule(target: str, name: str, sample: Any) -> None:
    family("compiled")  # skips where nothing is compiled
    tried: Any = TARGETS[target]()
    assert tried.judge(sample) is None
    tried.rules = Judge([rule for rule in tried.rules.rules if rule.name != name])
    assert "no rule" in (tried.judge(sample) or "")


@pytest.mark.parametrize(("target", "table"), EXAMPLES)
def test_every_rule_has_an_example_and_a_source(target: str, table: dict[str, Any]) -> None:
    family("compiled")
    made: Any = TARGETS[target]()
    assert {rule.name for rule in made.rules.rules} == set(table)
    assert all("§" in rule.source or ".py" in rule.source for rule in made.rules.rules)
    assert all(rule.reason for rule in made.rules.rules)


def test_a_judge_counts() -> None:
    rule: Rule[int] = Rule("one", "RFC 0", "because", lambda number: number == 1)
    judge = Judge([rule])
    assert judge.excuse(2) is None and judge.unused() == ["one"]
    assert judge.excuse(1) is rule and judge.unused() == []
    with pytest.raises(AssertionError):
        Judge([rule, rule])
