"""Requests that must be refused, with the status that they get, and requests that must be read, with what they say.

The numbers are those of the table of faults that the server is built against.
"""

from __future__ import annotations

__all__ = ["REFUSED", "VALID"]

HOST = b"Host: a\r\n"


def get(*lines: bytes) -> bytes:
    """Return a GET request with these further header lines."""
    return b"GET / HTTP/1.1\r\n" + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def post(*lines: bytes, body: bytes = b"") -> bytes:
    """Return a POST request with these further header lines."""
    return b"POST / HTTP/1.1\r\n" + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def chunked(body: bytes) -> bytes:
    """Return a POST request with this chunked body."""
    return post(b"Transfer-Encoding: chunked", body=body)


def line(request_line: bytes) -> bytes:
    """Return a request with this request line."""
    return request_line + b"\r\n" + HOST + b"\r\n"


def host(*lines: bytes) -> bytes:
    """Return a GET request with only these header lines."""
    return b"GET / HTTP/1.1\r\n" + b"".join(each + b"\r\n" for each in lines) + b"\r\n"


REFUSED: list[tuple[str, bytes, int]] = [
    ("1 both framings", post(b"Content-Length: 3", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
    ("1 both framings, other order", post(b"Transfer-Encoding: chunked", b"Content-Length: 3", body=b"0\r\n\r\n"), 400),
    ("2 two lengths", post(b"Content-Length: 3", b"Content-Length: 4", body=b"abcd"), 400),
    ("3 two equal lengths", post(b"Content-Length: 3", b"Content-Length: 3", body=b"abc"), 400),
    ("3 list of lengths", post(b"Content-Length: 5, 5", body=b"abcde"), 400),
    *(
        (f"4 length {value!r}", post(b"Content-Length:" + value, body=b"abcde"), 400)
        for value in (b" +5", b" -1", b" 5_0", b" 0x5", b" 5 ", " ٥".encode(), b" 1e1", b"", b" ", b" 5\t", b" 5 5")
    ),
    ("5 length of 20 digits", post(b"Content-Length: 99999999999999999999"), 400),
    ("5 length of 2^63", post(b"Content-Length: 9223372036854775808"), 400),
    *(
        (f"6 coding {value!r}", post(b"Transfer-Encoding: " + value, body=b"0\r\n\r\n"), status)
        for value, status in (
            (b"xchunked", 400),
            (b"chunked, identity", 400),
            (b"identity", 400),
            (b"gzip, chunked", 501),
            (b"chunked;q=1", 400),
            (b"\x0bchunked", 400),
            (b"chunked\x00", 400),
            (b"", 400),
            (b",chunked", 400),
            (b"chunked, chunked", 400),
        )
    ),
    ("7 two codings", post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
    ("7 second coding empty", post(b"Transfer-Encoding: chunked", b"Transfer-Encoding:", body=b"0\r\n\r\n"), 400),
    ("8 chunked in 1.0", b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("10 bare LF after request line", b"GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
    ("10 bare LF after header", b"GET / HTTP/1.1\r\nHost: a\n\r\n", 400),
    ("10 bare LF as empty line", b"GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
    ("10 bare CR in request line", b"GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("10 bare CR in value", get(b"X: a\rb"), 400),
    ("10 CR before CRLF", get(b"X: a\r"), 400),
    ("11 obs-fold", get(b"X: a", b" b"), 400),
    ("11 obs-fold of the first line", b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    ("12 space before colon", get(b"X : a"), 400),
    ("12 tab before colon", get(b"X\t: a"), 400),
    ("12 empty name", get(b": a"), 400),
    ("12 no colon", get(b"abc"), 400),
    *((f"12 name with {bytes([byte])!r}", get(b"a%cb: c" % byte), 400) for byte in b'()<>@,;\\"/[]?={} \x7f\xe4\x00'),
    *((f"13 value with {byte}", get(b"X: a%cb" % byte), 400) for byte in (0, 7, 8, 11, 12, 27, 127)),
    *(
        (f"14 chunk size {size!r}", chunked(size + b"\r\nhello\r\n0\r\n\r\n"), 400)
        for size in (
            b"+5",
            b"-1",
            b"0x5",
            b"5_0",
            b" 5",
            b"5 ",
            b"",
            b"g",
            b"00000000000000005",
            b"8" + b"0" * 15,
            b"f" * 17,
        )
    ),
    ("14 chunk size with bare LF", chunked(b"5\nhello\r\n0\r\n\r\n"), 400),
    ("15 spill", chunked(b"5\r\nhelloX\r\n0\r\n\r\n"), 400),
    ("15 CR only", chunked(b"5\r\nhello\rX0\r\n\r\n"), 400),
    ("15 LF only", chunked(b"5\r\nhello\n0\r\n\r\n"), 400),
    *(
        (f"16 extension {extension!r}", chunked(b"5" + extension + b"\r\nhello\r\n0\r\n\r\n"), 400)
        for extension in (b";", b";a\x00", b";a\rb", b';a="b', b";a=", b"; ;", b';a="\x07"', b";a b", b";=b")
    ),
    ("16 long extension", chunked(b"5;" + b"a" * 65536 + b"\r\nhello\r\n0\r\n\r\n"), 400),
    ("16 many extensions", chunked((b"1;" + b"a" * 1000 + b"\r\nx\r\n") * 20 + b"0\r\n\r\n"), 400),
    *(
        (f"18 trailer {name!r}", chunked(b"0\r\n" + name + b": 1\r\n\r\n"), 400)
        for name in (b"Transfer-Encoding", b"Content-Length", b"Host", b"Authorization", b"a b")
    ),
    ("18 too many trailers", chunked(b"0\r\n" + b"a: b\r\n" * 101 + b"\r\n"), 431),
    ("18 too large trailers", chunked(b"0\r\n" + (b"a: " + b"b" * 16000 + b"\r\n") * 5 + b"\r\n"), 431),
    ("19 no Host", b"GET / HTTP/1.1\r\n\r\n", 400),
    ("19 two Hosts", host(b"Host: a", b"Host: b"), 400),
    ("19 two equal Hosts", host(b"Host: a", b"Host: a"), 400),
    *(
        (f"19 Host {value!r}", host(b"Host: " + value), 400)
        for value in (
            b"",
            b"a, b",
            b"u@a",
            b"a/b",
            b"a:b",
            b"a:123456",
            b"a:65536",
            b"a b",
            b"[::1",
            b"[g::1]",
            b"a?b",
            b"a#b",
            b"\xe4",
        )
    ),
    ("20 other Host than target", line(b"GET http://b/ HTTP/1.1"), 400),
    ("20 foreign scheme", line(b"GET ftp://a/ HTTP/1.1"), 421),
    ("20 malformed authority", line(b"GET http://u@a/ HTTP/1.1"), 400),
    *(
        (f"21 target {target!r}", line(b"GET " + target + b" HTTP/1.1"), 400)
        for target in (
            b"*",
            b"a:80",
            b"a",
            b"/#x",
            b"/\xe4",
            b"/\x00",
            b"/a\\b",
            b"",
            b"/ b",
            b"\\",
            b"://a/",
            b"/\x7f",
        )
    ),
    ("22 CONNECT", line(b"CONNECT a:80 HTTP/1.1"), 501),
    ("23 HTTP/0.9", b"GET /\r\n\r\n", 400),
    *(
        (f"23 version {version!r}", line(b"GET / " + version), status)
        for version, status in (
            (b"HTTP/2.0", 505),
            (b"HTTP/0.9", 505),
            (b"http/1.1", 400),
            (b"HTTP/1.1 ", 400),
            (b"HTTP/1.10", 400),
            (b"HTTP/1", 400),
            (b"HTTP/1,1", 400),
            (b"HTTP/a.1", 400),
            (b"XTTP/1.1", 400),
            (b"", 400),
        )
    ),
    ("24 method -bl", line(b"-bl / HTTP/1.1"), 501),
    ("24 lower-case method", line(b"get / HTTP/1.1"), 501),
    ("24 method of 64 KiB", line(b"A" * 65536 + b" / HTTP/1.1"), 501),
    ("24 method with a control", line(b"G\x01T / HTTP/1.1"), 400),
    ("25 long target", line(b"GET /" + b"a" * 9000 + b" HTTP/1.1"), 414),
    ("25 endless target", b"GET /" + b"a" * 9000, 414),
    ("25 long header", get(b"X: " + b"a" * 17000), 431),
    ("25 endless header", b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 17000, 431),
    ("25 many headers", get(*[b"X%d: a" % number for number in range(100)]), 431),
    ("25 large headers", get(*[b"X: " + b"a" * 16000] * 5), 431),
    ("26 copies of one header", get(*[b"X: a"] * 10000), 431),
    ("29 unknown expectation", post(b"Expect: magic", b"Content-Length: 5", body=b"hello"), 417),
    ("30 two empty lines", b"\r\n\r\n" + get(), 400),
    ("30 bare LF before", b"\n" + get(), 400),
    ("32 TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ("32 HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ("32 garbage", b"\xff\xfe\x00garbage", 400),
    ("33 PROXY line", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + get(), 400),
    ("33 binary PROXY", b"\r\n\r\n\x00\r\nQUIT\n", 400),
    ("41 body too large", post(b"Content-Length: 100001"), 413),
    ("41 chunks too large", chunked(b"%x\r\n" % 100001), 413),
    ("41 chunks too large together", chunked((b"4000\r\n" + b"a" * 0x4000 + b"\r\n") * 7), 413),
]

# (label, bytes, [(method, path, query, body), ...])
VALID: list[tuple[str, bytes, list[tuple[str, str, bytes, bytes]]]] = [
    ("plain", get(), [("GET", "/", b"", b"")]),
    ("query", line(b"GET /a?b=c?d HTTP/1.1"), [("GET", "/a", b"b=c?d", b"")]),
    ("decoded once", line(b"GET /%2541%ff%C3%A4?%41 HTTP/1.1"), [("GET", "/%41\udcffä", b"%41", b"")]),
    ("two slashes", line(b"GET //a/../b HTTP/1.1"), [("GET", "//a/../b", b"", b"")]),
    ("asterisk", line(b"OPTIONS * HTTP/1.1"), [("OPTIONS", "*", b"", b"")]),
    ("absolute", line(b"GET http://a/b?c HTTP/1.1"), [("GET", "/b", b"c", b"")]),
    ("absolute, upper case", line(b"GET HTTP://A?c HTTP/1.1"), [("GET", "/", b"c", b"")]),
    ("absolute OPTIONS", line(b"OPTIONS http://a HTTP/1.1"), [("OPTIONS", "*", b"", b"")]),
    ("1.0 without Host", b"GET / HTTP/1.0\r\n\r\n", [("GET", "/", b"", b"")]),
    ("1.2", line(b"GET / HTTP/1.2"), [("GET", "/", b"", b"")]),
    ("an empty line before", b"\r\n" + get(), [("GET", "/", b"", b"")]),
    ("an empty line between", get() + b"\r\n" + get(), [("GET", "/", b"", b"")] * 2),
    ("port", host(b"Host: a:65535"), [("GET", "/", b"", b"")]),
    ("IPv6", host(b"host:[::1]:80"), [("GET", "/", b"", b"")]),
    ("blanks around a value", get(b"X: \t a \t"), [("GET", "/", b"", b"")]),
    ("empty value", get(b"X:"), [("GET", "/", b"", b"")]),
    ("latin-1 value", get(b"X: \xe4"), [("GET", "/", b"", b"")]),
    ("length", post(b"Content-Length: 5", body=b"hello"), [("POST", "/", b"", b"hello")]),
    ("length 0", post(b"Content-Length: 0") + get(), [("POST", "/", b"", b""), ("GET", "/", b"", b"")]),
    ("length with zeros", post(b"Content-Length: 0005", body=b"hello"), [("POST", "/", b"", b"hello")]),
    ("chunks", chunked(b"5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n"), [("POST", "/", b"", b"hello0123456789")]),
    ("chunked in capitals", post(b"Transfer-Encoding: ChunKed", body=b"0\r\n\r\n"), [("POST", "/", b"", b"")]),
    ("extensions", chunked(b'1;a;b="c\\"d;" ; e = f\r\nx\r\n0;z\r\n\r\n'), [("POST", "/", b"", b"x")]),
    (
        "trailers",
        chunked(b"1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n") + get(),
        [("POST", "/", b"", b"x"), ("GET", "/", b"", b"")],
    ),
    (
        "upgrade is ignored",
        post(b"Upgrade: foo", b"Connection: upgrade", b"Content-Length: 2", body=b"ab"),
        [("POST", "/", b"", b"ab")],
    ),
    (
        "pipelined",
        get() * 5 + post(b"Content-Length: 2", body=b"ab") + get(),
        [("GET", "/", b"", b"")] * 5 + [("POST", "/", b"", b"ab"), ("GET", "/", b"", b"")],
    ),
    ("own method", line(b"M-SEARCH / HTTP/1.1"), [("M-SEARCH", "/", b"", b"")]),
    ("CRLF in a body", post(b"Content-Length: 8", body=b"\r\n\r\nGET "), [("POST", "/", b"", b"\r\n\r\nGET ")]),
]
