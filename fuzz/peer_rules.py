"""Where httptools (llhttp 9) and h11 may read a request otherwise than we do, and which section of the RFCs decides.

The evidence of a rule is looked for in the request at which the readings part, without our parser's help.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from asteri.wire.grammar import FORBIDDEN_TRAILERS
from asteri.wire.limits import Limits
from asteri.wire.request_cy import RequestParser
from fuzz.peers import Reading, Request
from fuzz.rules import Rule

__all__ = ["RULES", "Difference"]

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
METHOD = re.compile(rb"[A-Z][A-Z0-9_-]*")
TARGET = re.compile(rb"/[!-~]*|(?i:https?)://[A-Za-z0-9._~:\[\]-]+(?:[/?][!-~]*)?")
HOST = re.compile(rb"(?:[A-Za-z0-9._~-]+|\[([0-9A-Fa-f:.]+)\])(?::([0-9]{0,5}))?")
CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
CHUNK_LINE = re.compile(rb"(?m)^(?:0*[0-9A-Fa-f]{1,16})([ \t;].*)$")
QUOTED = rb'"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[^\x00-\x08\x0a-\x1f\x7f])*"'
EXTENSIONS = re.compile(rb"(?:[ \t]*;[ \t]*%b(?:[ \t]*=[ \t]*(?:%b|%b))?)*\r?" % (TOKEN, TOKEN, QUOTED))
LLHTTP_METHODS = frozenset(
    b"DELETE GET HEAD POST PUT CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND "
    b"UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK "
    b"UNLINK SOURCE QUERY".split()
)


class Message:
    """A crude look at the request at which the readings part, and at all behind it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        start = data.removeprefix(b"\r\n")
        head, _, self.body = start.partition(b"\r\n\r\n")
        self.line, *lines = head.split(b"\r\n")
        self.lines = lines
        self.words = self.line.split(b" ")
        self.fields = [(name.lower(), value) for name, _, value in (line.partition(b":") for line in lines)]

    @property
    def method(self) -> bytes:
        return self.words[0]

    @property
    def target(self) -> bytes:
        return self.words[1] if len(self.words) > 1 else b""

    def values(self, name: bytes) -> list[bytes]:
        """Return all values of a field, as they are."""
        return [value for key, value in self.fields if key == name]


@dataclass(frozen=True, slots=True)
class Difference:
    """How two readings differ, at the first request where they do.

    Attributes:
        kind: "stricter" we refuse what the peer reads or waits for, "laxer" the other way round, "reading" it is
            another request, "keep" only the end of the connection differs, "waiting" one has read what the other
            waits for.
        at: the request where they differ, and what is behind it.
    """

    peer: str
    kind: str
    ours: Reading
    theirs: Reading
    at: Message
    mine: Request | None
    other: Request | None

    @classmethod
    def between(cls, peer: str, data: bytes, ours: Reading, theirs: Reading) -> Difference | None:
        """Return the difference, None if both refuse the same request."""
        index = 0
        kind = ""
        for mine, other in zip(ours.requests, theirs.requests, strict=False):
            if mine != other:
                kind = "keep" if mine._replace(keep=other.keep) == other else "reading"
                break
            index += 1
        here = ours.requests[index] if index < len(ours.requests) else None
        there = theirs.requests[index] if index < len(theirs.requests) else None
        if not kind:
            if here is None and ours.refused:
                if there is None and theirs.refused:
                    return None
                kind = "stricter"
            elif there is None and theirs.refused:
                kind = "laxer"
            else:
                kind = "waiting"
        return cls(peer, kind, ours, theirs, Message(data[_consumed(data, index) :]), here, there)

    @property
    def reason(self) -> str:
        """Why we refuse, without the status."""
        return self.ours.refused[4:]


def _consumed(data: bytes, count: int) -> int:
    """Return how many bytes our parser needs for so many requests."""
    parser = RequestParser(Limits())
    inside = False
    for index in range(len(data) if count else 0):
        parser.feed(data[index : index + 1])
        if not inside:
            inside = parser.head() is not None
        if inside:
            parser.body()
            if parser.complete:
                inside = False
                count -= 1
                if not count:
                    return index + 1
    return 0


def _bare_line_end(at: Message) -> bool:
    return re.search(rb"(?<!\r)\n|\r(?!\n)", at.data) is not None


def _bad_host(at: Message) -> bool:
    hosts = at.values(b"host")
    return len(hosts) != 1 or not _is_host(hosts[0].strip(b" \t"))


def _is_host(value: bytes) -> bool:
    match = HOST.fullmatch(value)
    if match is None or int(match[2] or b"0") > 65535:
        return False
    try:
        return match[1] is None or bool(ipaddress.IPv6Address(match[1].decode()))
    except ValueError:
        return False


def _bad_target(at: Message) -> bool:
    target = at.target
    if target == b"*":
        return at.method != b"OPTIONS"
    return TARGET.fullmatch(target) is None or b"#" in target or b"\\" in target or _bad_authority(target)


def _bad_authority(target: bytes) -> bool:
    return target[:1] != b"/" and not _is_host(re.split(rb"[/?]", target.partition(b"://")[2])[0])


def _other_host(at: Message) -> bool:
    authority = re.split(rb"[/?]", at.target.partition(b"://")[2])[0].lower()
    return bool(authority) and [value.strip(b" \t").lower() for value in at.values(b"host")] != [authority]


def _bad_length(at: Message) -> bool:
    lengths = at.values(b"content-length")
    value = lengths[0].lstrip(b" \t") if lengths else b""
    return len(lengths) > 1 or not value.isdigit() or len(value) > 19 or int(value) >= 1 << 63


def _bad_coding(at: Message) -> bool:
    return [value.strip(b" \t").lower() for value in at.values(b"transfer-encoding")] != [b"chunked"]


def _bad_extension(at: Message) -> bool:
    return any(EXTENSIONS.fullmatch(match[1]) is None for match in CHUNK_LINE.finditer(at.body))


def _bad_trailer(at: Message) -> bool:
    return any(re.search(rb"(?im)^%b:" % name, at.body) for name in FORBIDDEN_TRAILERS)


def _says_close(at: Message) -> bool:
    options = b",".join(at.values(b"connection")).lower().split(b",")
    return b"close" in [option.strip(b" \t") for option in options]


def _foreign_method(at: Message) -> bool:
    """llhttp also takes PRI for the beginning of HTTP/2's preface and waits for the rest."""
    return at.method not in LLHTTP_METHODS and METHOD.fullmatch(at.method) is not None


def _too_large(at: Message) -> bool:
    return at.data.count(b"\n") > 100 or max(map(len, at.data.split(b"\n"))) > 8000 or len(at.data) > 60000


def _same_but(d: Difference, **changes: Any) -> bool:
    """Whether the peer read what we read but for these changes, or has not read it yet."""
    return d.mine is None or d.other is None or d.mine._replace(**changes) == d.other


def _lower_coding(mine: Request | None) -> tuple[tuple[bytes, bytes], ...]:
    fields = () if mine is None else mine.headers
    return tuple((name, value.lower() if name == b"transfer-encoding" else value) for name, value in fields)


def _refused(
    *reasons: str, when: Callable[[Message], object], peers: str = "httptools h11"
) -> Callable[[Difference], bool]:
    """We refuse with one of these reasons, and the request shows it."""
    return lambda d: d.kind == "stricter" and d.reason in reasons and d.peer in peers.split() and bool(when(d.at))


def _tolerated(peer: str, words: str, when: Callable[[Message], object]) -> Callable[[Difference], bool]:
    """The peer refuses in words that begin so, and the request shows that it is no fault or not judged yet."""
    return lambda d: d.kind == "laxer" and d.peer == peer and d.theirs.refused.startswith(words) and bool(when(d.at))


STRICTER: list[Rule[Difference]] = [
    Rule(
        "one empty line before a request",
        "RFC 9112 §2.2",
        "at least one CRLF SHOULD be ignored; peers ignore any number, and bare line ends",
        _refused(
            "not HTTP", "bare CR", when=lambda at: re.match(rb"(?:\r\n)?(?:\r|\n|[^!#$%&'*+.^_`|~0-9A-Za-z-])", at.data)
        ),
    ),
    Rule(
        "line ends are CRLF",
        "RFC 9112 §2.2",
        "a recipient MAY take a bare LF for a line end; we do not, and a bare CR is invalid",
        _refused(
            "bare LF",
            "malformed chunk size",
            "chunk is longer than its size",
            "malformed request line",
            "malformed header value",
            "malformed header name",
            "malformed version",
            when=_bare_line_end,
        ),
    ),
    Rule(
        "request line of three words",
        "RFC 9112 §3",
        "single spaces; no HTTP/0.9",
        _refused(
            "malformed request line",
            when=lambda at: len(at.words) != 3 or b"" in at.words or not re.fullmatch(TOKEN, at.method),
        ),
    ),
    Rule(
        "methods in capitals, and no tunnel",
        "RFC 9110 §9.1 and §9.3.6",
        "501 for what no application has; CONNECT is not served",
        _refused("unsupported method", when=lambda at: at.method == b"CONNECT" or not METHOD.fullmatch(at.method)),
    ),
    Rule(
        "version",
        "RFC 9112 §2.3, RFC 9110 §15.6.6",
        "505 for another major version, 400 for what is no version",
        _refused(
            "unsupported version",
            "malformed version",
            when=lambda at: not re.fullmatch(rb"HTTP/1\.[0-9]", at.words[-1]) or len(at.words) != 3,
        ),
    ),
    Rule(
        "target",
        "RFC 9112 §3.2, RFC 3986",
        "visible ASCII, no fragment, no backslash; `*` only for OPTIONS; no authority form without CONNECT",
        _refused("malformed target", "asterisk target", "foreign scheme", when=_bad_target),
    ),
    Rule(
        "exactly one valid Host",
        "RFC 9112 §3.2, RFC 9110 §7.2",
        "a server MUST answer 400; peers leave that to the application",
        _refused("missing Host", "duplicate Host", "malformed Host", when=_bad_host),
    ),
    Rule(
        "Host and target agree",
        "RFC 9112 §3.2.2",
        "the target's authority counts; a different Host is refused so that nobody is misled",
        _refused("Host differs from target", when=_other_host),
    ),
    Rule(
        "field names",
        "RFC 9110 §5.1, RFC 9112 §5.1 and §5.2",
        "tokens, no blank before the colon, no folded lines",
        _refused(
            "malformed header name",
            when=lambda at: any(not re.match(TOKEN + rb":", line) for line in [*at.lines, *at.body.split(b"\r\n")]),
        ),
    ),
    Rule(
        "field values",
        "RFC 9110 §5.5",
        "no control bytes but the tab; peers let some through",
        _refused("malformed header value", when=lambda at: CONTROL.search(at.data.replace(b"\r\n", b""))),
    ),
    Rule(
        "Content-Length",
        "RFC 9110 §8.6, RFC 9112 §6.3",
        "digits, once, below 2^63; peers take repeated equal ones, a list, blanks behind, or look later",
        _refused("malformed Content-Length", "duplicate Content-Length", "Content-Length too large", when=_bad_length),
    ),
    Rule(
        "one Content-Type",
        "RFC 9110 §8.3",
        "two types mean different things to different readers; peers leave that to the application",
        _refused("duplicate Content-Type", when=lambda at: len(at.values(b"content-type")) > 1),
    ),
    Rule(
        "one framing",
        "RFC 9112 §6.1 and §6.3",
        "Content-Length with Transfer-Encoding is refused as the smuggling that it is",
        _refused(
            "Content-Length with Transfer-Encoding",
            when=lambda at: at.values(b"content-length") and at.values(b"transfer-encoding"),
        ),
    ),
    Rule(
        "transfer codings",
        "RFC 9112 §6.1 and §7",
        "chunked, once; peers pass other codings on",
        _refused(
            "malformed Transfer-Encoding", "unknown transfer coding", "duplicate Transfer-Encoding", when=_bad_coding
        ),
    ),
    Rule(
        "no transfer coding in HTTP/1.0",
        "RFC 9112 §6.1",
        "its framing is faulty: refused",
        _refused(
            "Transfer-Encoding in HTTP/1.0",
            when=lambda at: at.words[-1] == b"HTTP/1.0" and at.values(b"transfer-encoding"),
        ),
    ),
    Rule(
        "expectations",
        "RFC 9110 §10.1.1",
        "417 for any but 100-continue; peers leave that to the application",
        _refused(
            "unknown expectation",
            when=lambda at: any(value.strip(b" \t").lower() != b"100-continue" for value in at.values(b"expect")),
        ),
    ),
    Rule(
        "chunk sizes",
        "RFC 9112 §7.1",
        "1 to 16 digits, below 2^63; peers take more or calculate modulo 2^64",
        _refused("chunk size too large", when=lambda at: re.search(rb"(?m)^[0-9A-Fa-f]{16,}", at.body)),
    ),
    Rule(
        "chunk extensions",
        "RFC 9112 §7.1.1",
        "the grammar, with blanks where it has them; peers take nearly anything",
        _refused("malformed chunk extension", when=_bad_extension),
    ),
    Rule(
        "fields that are no trailers",
        "RFC 9110 §6.5.1",
        "what frames, routes or authenticates is refused in trailers; peers drop or report it",
        _refused("forbidden trailer", when=_bad_trailer),
    ),
    Rule(
        "limits",
        "RFC 9110 §15.5.15, RFC 6585 §5",
        "peers leave number and size of fields to their users",
        _refused(
            "too many headers",
            "header too long",
            "headers too large",
            "request line too long",
            "method too long",
            "chunk extensions too large",
            when=_too_large,
        ),
    ),
]

LAXER: list[Rule[Difference]] = [
    Rule(
        "a line is judged when its end has come",
        "asteri/wire/request_cy.py, rule 1",
        "peers judge byte by byte; what they refuse stands in a line without an end",
        lambda d: d.kind == "laxer" and not d.ours.refused and d.mine is None and d.ours.pending > 0,
    ),
    Rule(
        "blanks around extensions (h11)",
        "RFC 9112 §7.1.1",
        "the grammar has BWS there, h11's has not",
        _tolerated("h11", "illegal chunk header", lambda at: re.search(rb"(?m)^[0-9A-Fa-f]+[ \t]+;", at.body)),
    ),
    Rule(
        "an empty line before a request (h11)",
        "RFC 9112 §2.2",
        "SHOULD be ignored; h11 refuses",
        _tolerated("h11", "no request line received", lambda at: at.data.startswith(b"\r\n")),
    ),
    Rule(
        "blanks in extensions (llhttp)",
        "RFC 9112 §7.1.1",
        "the grammar has BWS there, llhttp's has not",
        _tolerated(
            "httptools", "Invalid character in chunk", lambda at: re.search(rb"(?m)^[0-9A-Fa-f]+.*[ \t]", at.body)
        ),
    ),
    Rule(
        "methods that llhttp does not know",
        "RFC 9110 §9.1",
        "the list of methods is open",
        lambda d: d.peer == "httptools" and d.kind in ("laxer", "waiting") and _foreign_method(d.at),
    ),
    Rule(
        "a higher minor version",
        "RFC 9110 §2.5",
        "is read as the highest that we know; llhttp refuses",
        _tolerated("httptools", "Invalid HTTP version", lambda at: re.fullmatch(rb"HTTP/1\.[2-9]", at.words[-1])),
    ),
]

_TABBED = re.compile(rb"(?i)[ \t]*chunked[ \t]*\t[ \t]*")
LAXER.append(
    Rule(
        "a tab behind a coding (llhttp)",
        "RFC 9112 §5",
        "is optional white space and no part of the value",
        _tolerated(
            "httptools",
            "Request has invalid `Transfer-Encoding`",
            lambda at: any(map(_TABBED.fullmatch, at.values(b"transfer-encoding"))),
        ),
    )
)

OTHER: list[Rule[Difference]] = [
    Rule(
        "keep-alive in HTTP/1.0",
        "RFC 9112 §9.3",
        "MAY be honoured; h11 never does",
        lambda d: d.kind == "keep" and d.peer == "h11" and d.mine is not None and not d.mine.minor and d.mine.keep,
    ),
    Rule(
        "close beats keep-alive",
        "RFC 9112 §9.3",
        "the close option ends the connection whatever else is said; llhttp lets HTTP/1.0 keep it",
        lambda d: (
            d.kind == "keep" and d.peer == "httptools" and d.mine is not None and not d.mine.minor and _says_close(d.at)
        ),
    ),
    Rule(
        "an upgrade that nobody accepts",
        "RFC 9110 §7.8",
        "is ignored; llhttp stops behind the head, its user must go on",
        lambda d: d.peer == "httptools" and d.theirs.upgraded and _same_but(d, body=b""),
    ),
    Rule(
        "the case of a coding",
        "RFC 9112 §7",
        "codings are case-insensitive; h11 gives the application the lower case",
        lambda d: d.kind == "reading" and d.peer == "h11" and _same_but(d, headers=_lower_coding(d.mine)),
    ),
]

RULES = [*STRICTER, *LAXER, *OTHER]
