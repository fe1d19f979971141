"""Files as replies: conditions, ranges, names."""

import asyncio
import os
from collections.abc import AsyncIterable
from pathlib import Path
from typing import Any

import pytest

from fenrir.core.reply import Reply
from fenrir.http.dates import format_date
from fenrir.kit.files import content_disposition, file_reply

DATA = bytes(range(256)) * 4


class Fields(dict[str, str]):
    """The headers of a request."""

    def getall(self, name: str) -> list[str]:
        return [self[name]] if name in self else []


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data.bin"
    path.write_bytes(DATA)
    os.utime(path, (1_600_000_000, 1_600_000_000))
    return path


def asked(file: Path, method: str = "GET", **headers: str) -> Reply:
    fields = Fields({name.replace("_", "-"): value for name, value in headers.items()})
    return file_reply(file, method=method, request=fields)  # type: ignore[arg-type]


def content(reply: Reply) -> bytes:
    async def read() -> bytes:
        assert isinstance(reply.stream, AsyncIterable)
        return b"".join([piece async for piece in reply.stream])

    return asyncio.run(read()) if reply.stream is not None else reply.body


def test_the_whole_file(file: Path) -> None:
    reply = asked(file)
    assert (reply.status, content(reply)) == (200, DATA)
    assert reply.headers["content-length"] == "1024" and reply.headers["accept-ranges"] == "bytes"
    assert reply.headers["last-modified"] == format_date(1_600_000_000)
    assert reply.headers["content-type"] == "application/octet-stream"


def test_conditions(file: Path) -> None:
    first = asked(file)
    tag, date = first.headers["etag"], first.headers["last-modified"]
    assert asked(file, if_none_match=tag).status == 304
    assert asked(file, if_modified_since=date).status == 304
    assert asked(file, if_none_match='"other"', if_modified_since=date).status == 200
    assert asked(file, if_match='"other"').status == 412
    assert "content-type" not in asked(file, if_none_match=tag).headers


@pytest.mark.parametrize(
    "wanted, expected, described",
    [
        ("bytes=0-9", DATA[:10], "bytes 0-9/1024"),
        ("bytes=1000-", DATA[1000:], "bytes 1000-1023/1024"),
        ("bytes=-4", DATA[-4:], "bytes 1020-1023/1024"),
        ("bytes=5-5000", DATA[5:], "bytes 5-1023/1024"),
    ],
)
def test_one_range(file: Path, wanted: str, expected: bytes, described: str) -> None:
    reply = asked(file, range=wanted)
    assert (reply.status, content(reply)) == (206, expected)
    assert reply.headers["content-range"] == described and reply.headers["content-length"] == str(len(expected))


def test_several_ranges(file: Path) -> None:
    reply = asked(file, range="bytes=0-1,10-11")
    body = content(reply)
    assert reply.status == 206 and reply.headers["content-length"] == str(len(body))
    assert reply.headers["content-type"].startswith("multipart/byteranges; boundary=")
    assert body.count(b"content-range: bytes") == 2 and b"\r\n\r\n" + DATA[10:12] + b"\r\n--" in body


def test_ranges_that_do_not_count(file: Path) -> None:
    assert asked(file, range="bytes=5000-").status == 416
    assert asked(file, range="bytes=5000-").headers["content-range"] == "bytes */1024"
    assert asked(file, range="lines=1-2").status == 200
    assert asked(file, range="bytes=0-1", if_range='"old"').status == 200
    assert asked(file, range="bytes=0-1", if_range=asked(file).headers["etag"]).status == 206
    assert asked(file, "POST", range="bytes=0-1").status == 200


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        asked(tmp_path)
    with pytest.raises(FileNotFoundError):
        asked(tmp_path / "nothing")


@pytest.mark.parametrize(
    "name, expected",
    [
        ("a.txt", 'attachment; filename="a.txt"'),
        ("é\r\n.txt", "attachment; filename*=utf-8''%C3%A9%0D%0A.txt"),
        ('a".txt', "attachment; filename*=utf-8''a%22.txt"),
    ],
)
def test_names(name: str, expected: Any) -> None:
    assert content_disposition(name) == expected
