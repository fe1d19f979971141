"""The values of headers in Fenrir: what is written is read back, and anything may be read without an exception.

Each check makes its own samples and judges them. Where the sample is right by the grammar an independent parser (of
werkzeug or the standard library) must say the same, without exceptions; where it is not, only invariants count.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random
from typing import Any

from werkzeug import http as werkzeug

from asteri.wire.response_cy import encode_response
from fenrir.http.cookies import MAX_COOKIES, cookie_header, parse_cookies
from fenrir.http.dates import format_date, parse_date
from fenrir.http.etags import ANY, ETag, parse_etags
from fenrir.http.filenames import MAX_FILENAME, safe_join, secure_filename
from fenrir.http.headers import MutableHeaders, format_params, is_token, parse_dict_params, parse_list
from fenrir.http.media import parse_accept
from fenrir.http.query import encode_pairs, parse_pairs
from fenrir.http.ranges import MAX_RANGES, parse_range
from fuzz.grammar import tamper

__all__ = ["Values"]

ALPHABET = "abcXYZ019-_.~!#$%&'*+/:?@[]{}|^`()<>=;,\"\\ \t\r\n\x00\x7f\x80\xe4\xff€ü𝄞\ud800"
PIECES = [
    "a", "text/html", "*/*", ";q=0.5", ";q=1", ", ", "; ", "bytes=", "0-", "-5", "3-7", '"x"', 'W/"y"', "=", '"',
    "\\", '\\"', "*",
    "filename*=UTF-8''%e2%82%ac", "charset=utf-8", "%", "..", "/", "con", "Sun, 06 Nov 1994 08:49:37 GMT",
    "a=b", "\\073", "é",
]  # fmt: skip
TOKENS = ["a", "b2", "X-One", "__Host-id", "utf-8", "gzip", "text/html", "en-GB", "!#$", "identity"]
OCTETS = "abc019!#$%&'()*+-./:<=>?@[]^_`{|}~"
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def _text(chance: Random) -> str:
    """Return anything: pieces of values, some of them tampered with."""
    text = "".join(chance.choice(PIECES) for _ in range(chance.randrange(8)))
    if chance.random() < 0.5:
        data = tamper(chance, text.encode("utf-8", "surrogatepass"), [piece.encode() for piece in PIECES])
        text = data.decode(chance.choice(("latin-1", "utf-8")), "replace")
    for _ in range(chance.choice((0, 0, 1, 3))):
        spot = chance.randrange(len(text) + 1)
        text = text[:spot] + chance.choice(ALPHABET) + text[spot:]
    return text


def _octets(chance: Random) -> str:
    return "".join(chance.choice(OCTETS) for _ in range(chance.randrange(6)))


def _written_cookie(sample: Any) -> str | None:
    name, value = sample
    try:
        header = cookie_header(name, value, secure=True).decode("ascii")
    except (ValueError, UnicodeError):
        return None
    if CONTROL.search(header):
        return f"a control character in {header!r}"
    pair, _, attributes = header.partition(";")
    if attributes != " Secure; Path=/":
        return f"the value breaks out: {header!r}"
    if parse_cookies(pair) != {name: value}:
        return f"read back as {parse_cookies(pair)}"
    theirs = werkzeug.parse_cookie(pair)
    return None if theirs.to_dict() == {name: value} else f"werkzeug reads {theirs}"


def _cookies(sample: Any) -> str | None:
    pairs, junk = sample
    header = "; ".join(f"{name}={value}" for name, value in pairs)
    first = dict(reversed(pairs))
    if parse_cookies(header) != first or werkzeug.parse_cookie(header).to_dict() != first:
        return f"cookies differ: {parse_cookies(header)}, werkzeug: {werkzeug.parse_cookie(header)}"
    for name, value in parse_cookies(junk).items():
        if re.search(r'[\x00-\x20\x7f-\xa0=;"]', name) or not name or (CONTROL.search(value) and "\\" not in junk):
            return f"{name!r} or {value!r} should have been ignored"
    return None if len(parse_cookies(junk + ";a=b" * 400)) <= MAX_COOKIES else "too many cookies"


def _params(sample: Any) -> str | None:
    value, params, junk = sample
    parse_dict_params(junk)
    parse_list(junk)
    try:
        header = format_params(value, params)
    except ValueError:
        return None
    expected = (value.lower(), {name.lower(): text for name, text in params})
    if parse_dict_params(header) != expected:
        return f"{header!r} is read as {parse_dict_params(header)}"
    theirs = werkzeug.parse_options_header(header)
    if "%22" in header:  # which werkzeug takes for a quote
        return None
    return None if (theirs[0].lower(), theirs[1]) == expected else f"werkzeug reads {header!r} as {theirs}"


def _accept(sample: Any) -> str | None:
    items, junk = sample
    if any(not 0 <= preference.q <= 1 or not preference.value for preference in parse_accept(junk)):
        return f"not a weight: {parse_accept(junk)}"
    header = ", ".join(f"{value};q={weight}" if weight else value for value, weight in items)
    ours = sorted((preference.value, preference.q) for preference in parse_accept(header))
    theirs = sorted((value.lower(), quality) for value, quality in werkzeug.parse_accept_header(header))
    return None if ours == theirs else f"{header!r}: {ours}, werkzeug: {theirs}"


def _range(sample: Any) -> str | None:
    specs, size, junk = sample
    for header in ("bytes=" + ",".join(specs), junk):
        ranges = parse_range(header, size)
        if ranges is None:
            continue
        if len(ranges) > MAX_RANGES or any(not 0 <= start < stop <= size for start, stop in ranges):
            return f"{header!r} of {size} is {ranges}"
        if sum(stop - start for start, stop in ranges) > size:
            return f"{header!r} of {size} is larger than the whole: {ranges}"
    if len(specs) != 1 or not size or specs[0] == "-99":
        return None  # RFC 9110 §14.1.2: a suffix longer than everything is everything; werkzeug refuses it
    parsed = werkzeug.parse_range_header("bytes=" + specs[0])
    theirs = parsed and parsed.range_for_length(size)
    ours = parse_range("bytes=" + specs[0], size)
    return None if (ours[0] if ours else None) == theirs else f"{specs} of {size}: {ours}, werkzeug: {theirs}"


def _date(sample: Any) -> str | None:
    seconds, junk = sample
    moment = parse_date(junk)
    if moment is not None and moment.tzinfo is not UTC:
        return f"{junk!r} has no zone: {moment}"
    text = format_date(seconds)
    expected = datetime.fromtimestamp(seconds, UTC)
    if parse_date(text) != expected or parsedate_to_datetime(text) != expected:
        return f"{text!r} is read as {parse_date(text)}, by email as {parsedate_to_datetime(text)}"
    return None


def _etags(sample: Any) -> str | None:
    tags, junk = sample
    found = parse_etags(junk)
    if found != ANY and any(parse_etags(str(tag)) != (tag,) for tag in found if isinstance(tag, ETag)):
        return f"{found} are not read back"
    header = ", ".join(str(ETag(value, weak)) for value, weak in tags)
    theirs = werkzeug.parse_etags(header)
    ours = parse_etags(header)
    if ours != tuple(ETag(value, weak) for value, weak in tags):
        return f"{header!r} is read as {ours}"
    strong = {value for value, weak in tags if not weak}
    # An empty tag is None to werkzeug.
    return None if set(theirs.as_set()) - {None} == strong - {""} else f"werkzeug reads {header!r} as {theirs}"


def _headers(sample: Any) -> str | None:
    headers = MutableHeaders()
    for name, value in sample:
        try:
            headers.add(name, value)
        except ValueError:
            continue
        if not is_token(name):
            return f"{name!r} is no name"
    framing = {b"content-length", b"transfer-encoding"}
    # What the framework takes, the server must take too.
    encode_response(200, [pair for pair in headers.raw if pair[0] not in framing], b"", False, 1, True)
    return None


def _filename(sample: Any) -> str | None:
    safe = secure_filename(sample)
    if re.fullmatch(r"[A-Za-z0-9_.-]*", safe) is None or len(safe) > MAX_FILENAME or safe[:1] == "." or "/" in safe:
        return f"not safe: {safe!r}"
    for windows in (False, True):
        joined = safe_join("/root", sample, windows=windows)
        if joined is not None and not (posixpath.normpath(joined) + "/").startswith("/root/"):
            return f"outside: {joined!r}"
        if joined is not None and ("\x00" in joined or "\\" in joined or (windows and ":" in joined)):
            return f"not one path: {joined!r}"
    return None


def _query(sample: Any) -> str | None:
    pairs = [(name, value) for name, value in sample if name or value]
    read = parse_pairs(encode_pairs(pairs).encode("ascii"))
    return None if read == pairs else f"read back as {read}"


Check = tuple[Callable[[Random], Any], Callable[[Any], str | None]]


def _whole(chance: Random) -> str:
    """Return text that UTF-8 can spell."""
    return _text(chance).encode("utf-8", "replace").decode()


CHECKS: dict[str, Check] = {
    "written cookie": (lambda c: (c.choice([*TOKENS, _text(c)]), _text(c)), _written_cookie),
    "cookies": (
        lambda c: ([(c.choice(["a", "b", "id", "__Host-x"]), _octets(c)) for _ in range(c.randrange(4))], _text(c)),
        _cookies,
    ),
    "params": (
        lambda c: (
            c.choice(TOKENS),
            [(name, _whole(c)) for name in c.sample(["a", "Q1", "charset"], c.randrange(3))],
            _text(c),
        ),
        _params,
    ),
    "accept": (
        lambda c: (
            [(c.choice(TOKENS), c.choice(["", "0", "1", "0.5", "0.001"])) for _ in range(c.randrange(4))],
            _text(c),
        ),
        _accept,
    ),
    "range": (
        lambda c: (
            [
                c.choice(("0-", "-1", "-0", "3-7", "5-5", "7-3", "0-99", "-", "-99", "9-"))
                for _ in range(c.choice((1, 1, 2, 5)))
            ],
            c.choice((0, 1, 5, 10, 1000)),
            "bytes=" + _text(c),
        ),
        _range,
    ),
    "date": (lambda c: (c.randrange(-(10**9), 10**10), _text(c)), _date),
    "etags": (lambda c: ([(_octets(c), c.random() < 0.5) for _ in range(c.randrange(4))], _text(c)), _etags),
    "headers": (lambda c: [(c.choice([*TOKENS, _text(c)]), _text(c)) for _ in range(c.randrange(3))], _headers),
    "filename": (_text, _filename),
    "query": (lambda c: [(_whole(c), _whole(c)) for _ in range(c.randrange(4))], _query),
}


class Values:
    """Cookies, parameters, preferences, ranges, dates, entity tags, header fields, file names, queries."""

    name = "values"

    def __init__(self) -> None:
        self.executions = 0

    def sample(self, chance: Random) -> Any:
        check = chance.choice(list(CHECKS))
        return check, CHECKS[check][0](chance)

    def judge(self, sample: Any) -> str | None:
        check, value = sample
        if check not in CHECKS:
            return None
        self.executions += 1
        wrong = CHECKS[check][1](value)
        return None if wrong is None else f"{check}: {wrong}"

    def close(self) -> None:
        """Hold nothing."""
