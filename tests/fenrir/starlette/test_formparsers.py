"""Forms, compared with upstream's parser, however the body is cut; and what differs on purpose."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

MULTIPART = "multipart/form-data; boundary=B"
NAMED = b'Content-Disposition: form-data; name="a"'

BODIES = {
    "empty": b"",
    "nothing in it": b"--B--\r\n",
    "no boundary at all": b"garbage",
    "a preamble": b"hello\r\n--B\r\n" + NAMED + b"\r\n\r\n1\r\n--B--\r\n",
    "a line break first": b"\r\n--B\r\n" + NAMED + b"\r\n\r\n1\r\n--B--\r\n",
    "line breaks first": b"\r\n\n\r--B\r\n" + NAMED + b"\r\n\r\n1\r\n--B--\r\n",
    "nothing but line breaks": b"\r\n\r\n",
    "an epilogue": b"--B\r\n" + NAMED + b"\r\n\r\n1\r\n--B--\r\nmore",
    "no line break at the end": b"--B\r\n" + NAMED + b"\r\n\r\n1\r\n--B--",
    "bare line feeds": b"--B\n" + NAMED + b"\n\n1\n--B--\n",
    "spaces after a boundary": b"--B  \r\n" + NAMED + b"\r\n\r\n1\r\n--B--\r\n",
    "boundary in a value": b"--B\r\n" + NAMED + b"\r\n\r\nx--B\r\n\r\n-B\r\n--B--\r\n",
    "a file": b"--B\r\n" + NAMED + b'; filename="f.txt"\r\nX-A:  b c \r\n\r\n1\r\n\r\n--B--\r\n',
    "no file chosen": b"--B\r\n" + NAMED + b'; filename=""\r\n\r\n\r\n--B--\r\n',
    "an encoded name": b"--B\r\n" + NAMED + b"; filename*=UTF-8''%c3%a9.txt\r\n\r\n1\r\n--B--\r\n",
    "a path of an old browser": b"--B\r\n" + NAMED + b'; filename="C:\\x\\y.txt"\r\n\r\n1\r\n--B--\r\n',
    "a path of a network": b"--B\r\n" + NAMED + b'; filename="\\\\srv\\f"\r\n\r\n1\r\n--B--\r\n',
    "a path without quotes": b"--B\r\n" + NAMED + b"; filename=C:\\x\\y.txt\r\n\r\n1\r\n--B--\r\n",
    "escapes": b'--B\r\nContent-Disposition: form-data; name="a\\"b;%22"\r\n\r\n1\r\n--B--\r\n',
    "a token as name": b"--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B--\r\n",
    "two dispositions": b"--B\r\n" + NAMED + b'\r\nContent-Disposition: x; name="b"\r\n\r\n1\r\n--B--\r\n',
    "no disposition": b"--B\r\nX-A: b\r\n\r\n1\r\n--B--\r\n",
    "no headers": b"--B\r\n\r\n1\r\n--B--\r\n",
    "no name": b"--B\r\nContent-Disposition: form-data\r\n\r\n1\r\n--B--\r\n",
    "a header without a colon": b"--B\r\nX\r\n\r\n1\r\n--B--\r\n",
    "a header name with a space": b"--B\r\n" + NAMED + b"\r\nX A: 1\r\n\r\n1\r\n--B--\r\n",
    "nine headers": b"--B\r\n" + NAMED + b"\r\n" + b"X: 1\r\n" * 8 + b"\r\n1\r\n--B--\r\n",
    "a long header": b"--B\r\n" + NAMED + b"\r\nX: " + b"1" * 5000 + b"\r\n\r\n1\r\n--B--\r\n",
    "not UTF-8": b"--B\r\n" + NAMED + b"\r\n\r\n\xe9\r\n--B--\r\n",
    "three fields": (b"--B\r\n" + NAMED + b"\r\n\r\n1\r\n") * 3 + b"--B--\r\n",
    "three files": (b"--B\r\n" + NAMED + b'; filename="f"\r\n\r\n1\r\n') * 3 + b"--B--\r\n",
    "a large field": b"--B\r\n" + NAMED + b"\r\n\r\n" + b"x" * 1025 + b"\r\n--B--\r\n",
}

QUERIES = (
    b"", b"a", b"a=", b"=b", b"&&", b"a=1&&b=2", b"a=1;b=2", b"a=b=c", b"a%zz=1", b"a=%C3%A9+x", b"a=%ff", b"a=\xe9",
    b"=", b"&a=1&", b"a=1&a=2", b"a=1&b=2&c=3", b"a=" + b"x" * 1024, b"x" * 1025,
)  # fmt: skip


def parsed(name: str, kind: str, body: bytes, size: int, parser: str) -> Any:
    module, headers = (importlib.import_module(f"{name}.{part}") for part in ("formparsers", "datastructures"))

    async def stream() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    async def run() -> Any:
        options = {"max_files": 2} if parser == "MultiPartParser" else {}
        made = getattr(module, parser)(
            headers.Headers({"content-type": kind}), stream(), max_fields=2, max_part_size=1024, **options
        )
        try:
            form = await made.parse()
        except module.MultiPartException as refused:
            return refused.message
        items = []
        for field, value in form.multi_items():
            content = value if isinstance(value, str) else (value.filename, await value.read(), value.headers.items())
            items.append((field, content))
        await form.close()
        return items

    return asyncio.run(run())


@pytest.mark.parametrize("name", BODIES)
def test_multipart_as_upstream(name: str) -> None:
    body = BODIES[name]
    expected = parsed("starlette", MULTIPART, body, len(body) or 1, "MultiPartParser")
    for size in (1, 2, 7, len(body) or 1):
        assert parsed("fenrir.starlette", MULTIPART, body, size, "MultiPartParser") == expected


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary="B"',
        "multipart/form-data; boundary=B; charset=latin-1",
        "multipart/form-data; boundary=B; charset=nonsense",
        "multipart/form-data; boundary=" + "B" * 257,
    ],
)
def test_content_types_as_upstream(kind: str) -> None:
    body = BODIES["not UTF-8"]
    assert parsed("fenrir.starlette", kind, body, 9, "MultiPartParser") == parsed(
        "starlette", kind, body, 9, "MultiPartParser"
    )


@pytest.mark.parametrize("body", QUERIES)
def test_urlencoded_as_upstream(body: bytes) -> None:
    kind = "application/x-www-form-urlencoded"
    for size in (1, 3, len(body) or 1):
        assert parsed("fenrir.starlette", kind, body, size, "FormParser") == parsed(
            "starlette", kind, body, size, "FormParser"
        )


@pytest.mark.parametrize("end", [b"", b"\r\n", b"\r\n--B\r\n", b"\r\n--B\r\n" + NAMED])
def test_a_body_that_was_cut_off_is_no_shorter_form(end: bytes) -> None:
    body = b"--B\r\n" + NAMED + b"\r\n\r\n1" + end
    assert parsed("fenrir.starlette", MULTIPART, body, 5, "MultiPartParser") == "Invalid multipart data."
