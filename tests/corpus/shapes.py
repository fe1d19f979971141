"""Hostile shapes of requests and bodies, of any size: what a parser would have to take twice to be quadratic."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

__all__ = ["BODIES", "FORMS", "HEADS", "JSON", "VALUES", "Form", "Pieces", "fill"]

Pieces = list[bytes]
HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
MULTIPART = "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="a"\r\n'


class Form(NamedTuple):
    """A form's content type and the body that fills it to a size."""

    content_type: str
    make: Callable[[int], bytes]


def fill(unit: bytes, size: int) -> bytes:
    """Return so many whole units as fit."""
    return unit * (size // len(unit))


def head(unit: bytes, begin: bytes = HEAD, end: bytes = b"\r\n\r\n") -> Callable[[int], Pieces]:
    """Return the maker of a head that one unit fills."""
    return lambda size: [begin + fill(unit, size - len(begin) - len(end)) + end]


def slowly(make: Callable[[int], Pieces]) -> Callable[[int], Pieces]:
    """Return the maker of the same, arriving byte by byte."""
    return lambda size: [bytes([byte]) for piece in make(size) for byte in piece]


def distinct(size: int) -> Pieces:
    """Return a head of many different names."""
    return [HEAD + b"".join(b"x-%06d: a\r\n" % number for number in range(size // 13)) + b"\r\n"]


def lines(make: Callable[[int], Pieces]) -> Callable[[int], Pieces]:
    """Return the maker of the same, arriving line by line; equal lines are one object, lest the heap is measured."""

    def by_line(size: int) -> Pieces:
        same: dict[bytes, bytes] = {}
        return [same.setdefault(line, line) for piece in make(size) for line in piece.splitlines(keepends=True)]

    return by_line


def hundred(size: int) -> Pieces:
    """Return a head of a hundred fields: what a head keeps is copied for each line that arrives alone."""
    return [HEAD + (b"a: " + b"x" * (size // 99 - 5) + b"\r\n") * 99 + b"\r\n"]


def counted(step: int) -> Callable[[int], Pieces]:
    """Return the maker of a body with a length, in pieces."""
    return lambda size: [
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (size // step * step),
        *[b"x" * step] * (size // step),
    ]


def chunks(unit: bytes) -> Callable[[int], Pieces]:
    """Return the maker of a chunked body."""
    return head(unit, CHUNKED, b"0\r\n\r\n")


def multipart(begin: bytes, unit: bytes, end: bytes = b"\r\n--b--\r\n") -> Form:
    """Return a multipart form that one unit fills."""
    return Form(MULTIPART, lambda size: begin + fill(unit, size - len(begin) - len(end)) + end)


def urlencoded(unit: bytes) -> Form:
    """Return an urlencoded form that one unit fills."""
    return Form("application/x-www-form-urlencoded", lambda size: fill(unit, size))


VALUE = HEAD + b"X: "
# 64 KiB each; the limits are lifted, so that the shape and not a limit ends the work.
HEADS: dict[str, Callable[[int], Pieces]] = {
    "tiny fields": head(b"a:b\r\n", end=b"\r\n"),
    "empty values": head(b"a:\r\n", end=b"\r\n"),
    "distinct names": distinct,
    "names that matter": head(b"Connection:\r\n", end=b"\r\n"),
    "names with underscores": head(b"a_:b\r\n", end=b"\r\n"),
    "one long value": head(b"a", VALUE),
    "one long name": head(b"a", HEAD, b": a\r\n\r\n"),
    "blanks before a value": head(b" \t", VALUE),
    "bytes above ASCII": head(b"\xff", VALUE),
    "colons": head(b":", HEAD),
    "colons in a value": head(b":", HEAD + b"a"),
    "carriage returns": head(b"\r", HEAD, b""),
    "carriage returns in a value": head(b"\r", VALUE),
    "line feeds": head(b"\n", HEAD, b""),
    "empty lines": head(b"\r\n", b"", b""),
    "NULs": head(b"\0", VALUE),
    "options of Connection": head(b"a,", HEAD + b"Connection: "),
    "commas in Connection": head(b",", HEAD + b"Connection: "),
    "blanks in Connection": head(b" ,\t", HEAD + b"Connection: "),
    "transfer codings": head(b"gzip,", HEAD + b"Transfer-Encoding: ", b"chunked\r\n\r\n"),
    "commas in Transfer-Encoding": head(b",", HEAD + b"Transfer-Encoding: "),
    "digits of Content-Length": head(b"9", HEAD + b"Content-Length: "),
    "zeros of Content-Length": head(b"0", HEAD + b"Content-Length: "),
    "blanks before Content-Length": head(b" ", HEAD + b"Content-Length: ", b"1\r\n\r\n"),
    "expectations": head(b"100-continue,", HEAD + b"Expect: "),
    "a long Host": head(b"a.", b"GET / HTTP/1.1\r\nHost: "),
    "a long address as Host": head(b"1:", b"GET / HTTP/1.1\r\nHost: [", b"]\r\n\r\n"),
    "colons in Host": head(b":", b"GET / HTTP/1.1\r\nHost: a"),
    "a long method": head(b"A", b"", b" / HTTP/1.1\r\n\r\n"),
    "a long target": head(b"a", b"GET /", b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a target of slashes": head(b"/", b"GET /", b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a target of percent signs": head(b"%", b"GET /", b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a target of encoded bytes": head(b"%ff", b"GET /", b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a target of question marks": head(b"?", b"GET /", b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    "an absolute target of colons": head(b":", b"GET http://a", b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    "an absolute target of slashes": head(b"://", b"GET http://a", b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    "blanks in the request line": head(b" ", b"GET ", b"HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a long version": head(b"1", b"GET / HTTP/1.", b"\r\nHost: a\r\n\r\n"),
    "requests": head(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"", b""),
    "a value byte by byte": slowly(head(b"a", VALUE)),
    "fields byte by byte": slowly(hundred),
    "a target byte by byte": slowly(head(b"%41", b"GET /", b" HTTP/1.1\r\nHost: a\r\n\r\n")),
    "fields line by line": lines(hundred),
    "trailers": head(b"a:b\r\n", CHUNKED + b"0\r\n", b"\r\n"),
    "trailers byte by byte": slowly(head(b"a: " + b"x" * 700 + b"\r\n", CHUNKED + b"0\r\n", b"\r\n")),
    "an extension byte by byte": slowly(head(b";a", CHUNKED + b"1", b"\r\nx\r\n0\r\n\r\n")),
}
# 1 MiB each.
BODIES: dict[str, Callable[[int], Pieces]] = {
    "one read": head(b"x", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n", b""),
    "reads of 64 KiB": counted(65536),
    "reads of 1 KiB": counted(1024),
    "chunks of 1 byte": chunks(b"1\r\nx\r\n"),
    "chunks of 1 byte with zeros": chunks(b"0000000000000001\r\nx\r\n"),
    "chunks of 1 byte with extensions": chunks(b"1;a\r\nx\r\n"),
    "chunks of 1 byte with quoted extensions": chunks(b'1;a="\\""\r\nx\r\n'),
    "chunks of 16 bytes": chunks(b"10\r\n" + b"x" * 16 + b"\r\n"),
    "chunks of 4 KiB": chunks(b"1000\r\n" + b"x" * 4096 + b"\r\n"),
    "chunks of 1 byte line by line": lines(chunks(b"1\r\nx\r\n")),
    "one extension": head(b"a", CHUNKED + b"1;", b"\r\nx\r\n0\r\n\r\n"),
    "many extensions": head(b";a", CHUNKED + b"1", b"\r\nx\r\n0\r\n\r\n"),
    "many extensions with values": head(b' ; a = "b"', CHUNKED + b"1", b"\r\nx\r\n0\r\n\r\n"),
    "an open quote in an extension": head(b"\\a", CHUNKED + b'1;a="', b"\r\nx\r\n0\r\n\r\n"),
    "blanks in an extension": head(b" ", CHUNKED + b"1", b";\r\nx\r\n0\r\n\r\n"),
    "trailers": head(b"a:b\r\n", CHUNKED + b"0\r\n", b"\r\n"),
    "zeros": head(b"0", CHUNKED, b"\r\n\r\n"),
    "pipelined bodies": head(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", b"", b""),
}
# What Fenrir reads out of header values and queries, 64 KiB each.
VALUES: dict[str, dict[str, bytes]] = {
    "cookies": {
        "pairs": b"a=b; ",
        "distinct quotes": b'a="b"; ',
        "separators": b";",
        "equals signs": b"=",
        "escapes": b'"\\"',
        "octal escapes": b"\\101",
        "blanks": b" ",
        "controls": b"\x01;",
    },
    "query": {
        "pairs": b"a=b&",
        "separators": b"&",
        "equals signs": b"=",
        "percent signs": b"%",
        "encoded": b"%41",
        "plus signs": b"+",
        "bytes above ASCII": b"%ff",
        "brackets": b"a[a]",
    },
    "accept": {
        "types": b"a/b,",
        "commas": b",",
        "parameters": b";a=b",
        "quotes": b';a="',
        "blanks": b" ",
        "stars": b"*/*;q=0.1,",
    },
    "range": {
        "ranges": b"0-1,",
        "inverted": b"5-1,",
        "suffixes": b"-1,",
        "digits": b"9",
        "commas": b",",
        "blanks": b" ",
    },
    "parameters": {
        "pairs": b";a=b",
        "quotes": b';a="b"',
        "open quote": b'"',
        "backslashes": b"\\",
        "continuations": b";a*0=b",
    },
}
# 1 MiB each, limits as the framework has them.
FORMS: dict[str, Form] = {
    "multipart: one field": multipart(PART + b"\r\n", b"x"),
    "multipart: one file": multipart(PART.replace(b'"a"', b'"a"; filename="f"') + b"\r\n", b"x"),
    "multipart: carriage returns": multipart(PART + b"\r\n", b"\r"),
    "multipart: line feeds": multipart(PART + b"\r\n", b"\n"),
    "multipart: line ends": multipart(PART + b"\r\n", b"\r\n"),
    "multipart: half boundaries": multipart(PART + b"\r\n", b"\r\n--"),
    "multipart: almost boundaries": multipart(PART + b"\r\n", b"\r\n--bb"),
    "multipart: dashes": multipart(PART + b"\r\n", b"-"),
    "multipart: tiny parts": multipart(PART + b"\r\n", b"\r\n" + PART + b"\r\n"),
    "multipart: headers": multipart(PART, b"a: b\r\n"),
    "multipart: one header": multipart(PART + b"X: ", b"x"),
    "multipart: header of quotes": multipart(PART + b'X: "', b'\\"'),
    "multipart: header of parameters": multipart(b"--b\r\nContent-Disposition: form-data", b'; a="b"'),
    "multipart: preamble": Form(MULTIPART, lambda size: fill(b"x", size) + b"\r\n--b--\r\n"),
    "multipart: preamble of line ends": Form(MULTIPART, lambda size: fill(b"\r\n", size) + b"\r\n--b--\r\n"),
    "multipart: epilogue": multipart(PART + b"\r\nx\r\n--b--\r\n", b"x", b""),
    "multipart: epilogue of parts": multipart(PART + b"\r\nx\r\n--b--\r\n", PART + b"\r\nx\r\n", b""),
    "multipart: truncated": multipart(PART + b"\r\n", b"x", b""),
    "multipart: nested": multipart(PART + b"Content-Type: multipart/mixed; boundary=c\r\n\r\n", b"--c\r\n\r\n"),
    "urlencoded: pairs": urlencoded(b"a=b&"),
    "urlencoded: separators": urlencoded(b"&"),
    "urlencoded: equals signs": urlencoded(b"="),
    "urlencoded: encoded": urlencoded(b"%41"),
    "urlencoded: percent signs": urlencoded(b"%"),
    "urlencoded: plus signs": urlencoded(b"+"),
    "urlencoded: brackets": urlencoded(b"a[a]"),
    "urlencoded: bytes above ASCII": urlencoded(b"\xff"),
    "urlencoded: 1000 pairs": Form(
        "application/x-www-form-urlencoded", lambda size: b"&".join([b"a=" + b"%41" * (size // 3000)] * 999)
    ),
}
JSON: dict[str, Callable[[int], bytes]] = {
    "open arrays": lambda size: fill(b"[", size),
    "open objects": lambda size: fill(b'{"a":', size),
    "arrays in arrays": lambda size: b"[" + fill(b"[[]],", size) + b"0]",
    "arrays at depth 100": lambda size: b"[" + fill(b"[" * 100 + b"]" * 100 + b",", size) + b"0]",
    "small objects": lambda size: b"[" + fill(b'{"a":1},', size) + b"0]",
    "equal keys": lambda size: b"{" + fill(b'"a":1,', size) + b'"b":1}',
    "distinct keys": lambda size: b"{" + b",".join(b'"%07d":1' % number for number in range(size // 12)) + b"}",
    "digits": lambda size: fill(b"9", size),
    "long integers": lambda size: b"[" + fill(b"9" * 4000 + b",", size) + b"0]",
    "a long fraction": lambda size: b"0." + fill(b"9", size),
    "floats": lambda size: b"[" + fill(b"1e9,", size) + b"0]",
    "infinities": lambda size: b"[" + fill(b"1e999,", size) + b"0]",
    "one string": lambda size: b'"' + fill(b"x", size) + b'"',
    "an open string": lambda size: b'"' + fill(b"x", size),
    "backslashes": lambda size: b'"' + fill(b"\\\\", size) + b'"',
    "escaped quotes": lambda size: b'"' + fill(b'\\"', size) + b'"',
    "escapes": lambda size: b'"' + fill(b"\\u00e4", size) + b'"',
    "surrogate pairs": lambda size: b'"' + fill(b"\\ud83d\\ude00", size) + b'"',
    "a lone surrogate at the end": lambda size: b'"' + fill(b"\\ud83d\\ude00", size) + b'\\ud800"',
    "brackets in strings": lambda size: b'["' + fill(b"[{", size) + b'"]',
    "strings of brackets": lambda size: b"[" + fill(b'"[",', size) + b"0]",
    "blanks": lambda size: b"[" + fill(b" ", size) + b"]",
    "invalid UTF-8": lambda size: b'"' + fill(b"\xc3\xa4", size) + b'\xff"',
    "UTF-16": lambda size: fill(b"[\0", size),
    "NaN": lambda size: b"[" + fill(b"NaN,", size) + b"0]",
}
