"""Fenrir's form parser: any cut gives the same form, urllib reads the same pairs and werkzeug the same parts."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from fenrir.http.forms import FormError, FormLimits, FormParser
from fuzz.grammar import cut, cuts, tamper
from fuzz.rules import Judge, Rule

__all__ = ["RULES", "Forms"]

URLENCODED = "application/x-www-form-urlencoded"
BOUNDARIES = ["X", "----abc", "a'()+_,-./:=?b", "X-"]
SMALL = FormLimits(
    max_fields=3,
    max_files=1,
    max_field_size=20,
    max_memory=60,
    max_header_size=60,
    max_headers=2,
    max_size=400,
    spool_size=10,
)
DISPOSITIONS = [
    'form-data; name="a"', 'form-data; name="f"; filename="x y.txt"', "form-data; name=b",
    'form-data; name=""; filename=""',
    'form-data; name="a\\"b"', "form-data; filename=x; name=y", 'form-data; name="é"', "FORM-DATA; NAME=n",
    "form-data; name=\"f\"; filename*=UTF-8''%e2%82%ac.txt",
    'form-data; name="C:\\\\dir\\\\file"; filename="C:\\\\a.txt"',
]  # fmt: skip
ODD_DISPOSITIONS = [
    "form-data", "attachment; name=a", "", 'form-data; name="a', "form-data; name*=UTF-8''a",
    'form-data; name="a"; name="b"',
    "form-data; name=\"f\"; filename*=UTF-8''%ff", 'form-data; name="a%22b"',
    "form-data; name=a; filename*0=x; filename*1=y",
    'form-data; name = "a"', 'form-data;name="a";', 'form-data; name="a" ; filename=x y',
]  # fmt: skip
FIELDS = ["Content-Type: text/plain", "Content-Type: text/plain; charset=utf-8", "X-One: 1", "Content-Type: image/png"]
ODD_FIELDS = [
    "Content-Transfer-Encoding: base64", "Content-Transfer-Encoding: 8bit", "Content-Type: multipart/mixed; boundary=Y",
    "Content-Type: text/plain; charset=koi8-r", "X", "X : a", "X: a\x00", ": a", "X: " + "a" * 70, " folded: x", "X:",
    "Content-Type: text/plain; charset=latin-1", 'Content-Disposition: form-data; name="z"',
]  # fmt: skip
BODIES = [b"", b"1", b"\r\n", b"\r\n--Y not\r\r\n-", "é".encode(), b"\xff\xfe", b"-" * 30, b"\r", b"\n--X\n", b"x" * 25]
HEADER = re.compile(rb"[0-9A-Za-z-]+:[^\x00-\x08\x0a-\x1f\x7f]*")
ODD_ENDS = [b"--\r\nepilogue", b"--x", b"", b"-", b"--\n", b" --\r\n", b"-- \r\n"]
PAIRS = [
    b"a=1",
    b"b=",
    b"c",
    b"=d",
    b"",
    b"a=%41+%2b",
    b"%ff=%e4%b8",
    b"a=b=c",
    b"e=%zz%4",
    b"\xc3\xa4=\xff",
    b"a;b=c",
    b"x" * 22,
]
TOKENS = [b"\r\n--X", b"--X--", b"\r\n\r\n", b"--", b"\r\n", b'; filename="y"', b"%", b"&", b"=", b"+"]


class Difference(NamedTuple):
    """A multipart body of which ours and werkzeug's readings differ; None: refused."""

    data: bytes
    boundary: bytes
    ours: list[tuple[str, str | None, bytes]] | None
    theirs: list[tuple[str, str | None, bytes]] | None
    detail: str  # why we, or they, refuse


def _parts(d: Difference) -> list[tuple[list[bytes], bytes]]:
    """Cut a body into lines of headers and content, roughly."""
    parts = []
    for part in (b"\r\n" + d.data).split(b"\r\n--" + d.boundary)[1:]:
        head, _, content = part.partition(b"\r\n\r\n")
        parts.append((head.split(b"\r\n")[1:], content))
    return parts


def _header_lines(d: Difference) -> list[bytes]:
    """Return all lines of headers; a boundary before their end counts as one."""
    parts = (b"\r\n" + d.data).split(b"\r\n--" + d.boundary)[1:-1]
    cut_short = [b"--" for part in parts if b"\r\n\r\n" not in part]
    return [line for lines, _ in _parts(d) for line in lines] + cut_short


def _names(lines: list[bytes]) -> list[bytes]:
    return [line.partition(b":")[0].strip().lower() for line in lines]


def _lenient_lines(d: Difference) -> bool:
    """Whether a boundary is there that only bare line ends or blanks make one."""
    b = re.escape(d.boundary)
    return (
        re.search(
            rb"(?:(?<!\r)\n|\r)--%b|--%b(?:--)?[^\S\r\n]*(?:\n|\r(?!\n))|--%b(?:--)?[^\S\r\n]" % (b, b, b), d.data
        )
        is not None
    )


def _refused(*details: str, when: Callable[[Difference], object]) -> Callable[[Difference], bool]:
    return lambda d: d.ours is None and d.detail.startswith(details) and bool(when(d))


RULES: list[Rule[Difference]] = [
    Rule(
        "no preamble",
        "RFC 7578 §4.1; fenrir/http/forms.py",
        "RFC 7578 has none, and skipping one depends on the cuts; werkzeug looks for the boundary anywhere",
        _refused(
            "multipart body does not begin",
            when=lambda d: not d.data.removeprefix(b"\r\n").startswith(b"--" + d.boundary),
        ),
    ),
    Rule(
        "boundaries are lines of their own",
        "RFC 2046 §5.1.1",
        "CRLF before and behind; werkzeug takes bare CR and LF, blanks behind, and a boundary that is longer",
        _refused(
            "Unexpected byte",
            "Unexpected bytes",
            "Invalid line break",
            when=lambda d: re.search(rb"--%b(?!\r\n|--(?:\r\n|\Z))" % re.escape(d.boundary), d.data),
        ),
    ),
    Rule(
        "bare line ends are content",
        "RFC 2046 §5.1.1",
        "werkzeug ends a part at them",
        lambda d: (d.ours is not None or d.detail.startswith("Unexpected end")) and _lenient_lines(d),
    ),
    Rule(
        "a part repeats no header",
        "RFC 2045 §3, RFC 7578 §4.2",
        "two names or two types would mean different things to different readers",
        _refused(
            "a part repeats a header",
            when=lambda d: any(
                len(set(names)) < len(names) for names in map(_names, [lines for lines, _ in _parts(d)])
            ),
        ),
    ),
    Rule(
        "a part is form-data and has a name",
        "RFC 7578 §4.2",
        "werkzeug gives it the name None",
        _refused(
            "Invalid Content-Disposition",
            "Missing Content-Disposition",
            when=lambda d: any(
                not any(
                    re.match(rb"(?i)content-disposition[ \t]*:[ \t]*form-data[ \t]*;(?:.*;)?[ \t]*name[ \t]*=", line)
                    for line in lines
                )
                for lines, _ in _parts(d)
            ),
        ),
    ),
    Rule(
        "headers of a part",
        "RFC 5322 §2.2, RFC 9110 §5.1",
        "letters, digits and hyphens, a colon, a value in one line; werkzeug takes anything",
        _refused(
            "Malformed segment header",
            "Invalid segment header",
            "Unexpected segment header",
            "Invalid character in segment header",
            when=lambda d: any(HEADER.fullmatch(line) is None for line in _header_lines(d)),
        ),
    ),
    Rule(
        "a filename* that means nothing",
        "RFC 8187 §3.2",
        "is refused, not dropped: a file would become a field",
        _refused("a part has a malformed filename*", when=lambda d: b"filename*" in d.data.lower()),
    ),
    Rule(
        "encodings that forms do not have",
        "RFC 7578 §4.7 and §4.3",
        "transfer encodings, multipart in multipart and unknown charsets are refused; werkzeug hands the bytes on",
        _refused(
            "a part has a content-transfer-encoding",
            "multipart in multipart",
            "a field has an unknown charset",
            when=lambda d: re.search(rb"(?i)content-transfer-encoding|multipart/|charset", d.data),
        ),
    ),
    Rule(
        "an empty line ends the headers",
        "RFC 2046 §5.1",
        "werkzeug lets the line end of the boundary stand for it",
        lambda d: b"\r\n\r\n--" + d.boundary in d.data,
    ),
    Rule(
        "backslashes in names",
        "RFC 7578 §4.2 (WHATWG HTML §4.10.21.8)",
        "browsers escape the quote only, old ones send whole paths: only the quote is unescaped, and a path is cut off",
        lambda d: d.ours is not None and d.theirs is not None and re.search(rb"(?i)name=[^\r]*\\", d.data),
    ),
    Rule(
        "the charset of a field",
        "RFC 7578 §4.5",
        "is obeyed; here werkzeug's bytes are taken for UTF-8",
        lambda d: d.ours is not None and d.theirs is not None and re.search(rb"(?i)charset=latin-1", d.data),
    ),
    Rule(
        "blanks around the equals sign of a parameter",
        "RFC 9110 §5.6.6",
        "the grammar has none; the library under us skips them, werkzeug skips the parameter",
        lambda d: (
            d.ours is not None and d.theirs is not None and re.search(rb";[ \t]*[a-zA-Z*]+(?:[ \t]+=|=[ \t])", d.data)
        ),
    ),
]


class Forms:
    """Multipart and urlencoded bodies."""

    name = "forms"

    def __init__(self) -> None:
        self.executions = 0
        self.rules = Judge(RULES)

    def sample(self, chance: Random) -> Any:
        odd = chance.choice((0.0, 0.03, 0.15))
        boundary = ""
        if chance.random() < 0.25:
            data = b"&".join(chance.choice(PAIRS) for _ in range(chance.randrange(6)))
        else:
            boundary = chance.choice(BOUNDARIES)
            data = _multipart(chance, boundary.encode(), odd)
        if chance.random() < 0.4:
            data = tamper(chance, data, TOKENS)
        return data, boundary, cuts(chance, data), chance.random() < 0.3

    def judge(self, sample: Any) -> str | None:
        data, boundary, places, small = sample
        content_type = f'multipart/form-data; boundary="{boundary}"' if boundary else URLENCODED
        limits = SMALL if small else FormLimits(spool_size=64)
        whole = self._read([data], content_type, limits)
        for pieces in (cut(data, places), [data[i : i + 1] for i in range(len(data))]):
            form = self._read(pieces, content_type, limits)
            if form != whole and not _both_refused(form, whole):
                return f"cuts matter: {pieces} gives\n{form}\nand whole it is\n{whole}"
        if small or (isinstance(whole, tuple) and whole[0] == 413):
            return None
        return self._compare(data, boundary.encode(), whole) if boundary else _compare_pairs(data, whole)

    def _read(self, pieces: list[bytes], content_type: str, limits: FormLimits) -> Any:
        """Return the parts of a form, or status and detail of its refusal."""
        self.executions += 1
        try:
            parser = FormParser(content_type, limits=limits)
            for piece in pieces:
                parser.feed(piece)
            with parser.finish() as form:
                parts = [(name, None, value) for name, value in form.fields]
                return parts, [(name, file.filename, file.file.read(), file.headers) for name, file in form.files]
        except FormError as error:
            return error.status, error.detail

    def _compare(self, data: bytes, boundary: bytes, whole: Any) -> str | None:
        ours: Any = None
        if isinstance(whole[0], list):
            ours = [*whole[0], *((name, filename, content) for name, filename, content, _ in whole[1])]
        theirs = _read_werkzeug(data, boundary)
        if ours == (theirs if isinstance(theirs, list) else None):
            return None
        detail = whole[1] if ours is None else theirs if isinstance(theirs, str) else ""
        difference = Difference(data, boundary, ours, theirs if isinstance(theirs, list) else None, detail)
        if self.rules.excuse(difference) is None:
            kind = "we refuse" if ours is None else "werkzeug refuses" if isinstance(theirs, str) else "parts differ"
            return f"{kind}, {re.sub(r'[^a-z A-Z*]', '', detail)}, no rule: {difference}"
        return None

    def close(self) -> None:
        """Hold nothing."""


def _both_refused(one: Any, other: Any) -> bool:
    """Both are refused: which of two faults is named depends on how much was seen at once, and nothing else."""
    return isinstance(one[0], int) and isinstance(other[0], int)


def _multipart(chance: Random, boundary: bytes, odd: float) -> bytes:
    def pick(usual: list[Any], other: list[Any]) -> Any:
        return chance.choice(other if chance.random() < odd else usual)

    end = b"\r\n"
    out: bytes = pick([b""], [b"preamble\r\n", b"\r\n", b"\r", b"\n"])
    for _ in range(chance.choice((0, 1, 1, 2, 3, 4))):
        lines = ["Content-Disposition: " + pick(DISPOSITIONS, ODD_DISPOSITIONS)]
        lines += [pick(FIELDS, ODD_FIELDS) for _ in range(chance.choice((0, 0, 1, 2)))]
        if chance.random() < odd:
            chance.shuffle(lines)
        if chance.random() < odd:
            end = chance.choice((b"\n", b"\r", b" \r\n"))
        head = end.join(line.encode() for line in lines)
        out += b"--" + boundary + end + head + end + end + chance.choice(BODIES) + b"\r\n"
    last: bytes = pick([b"--\r\n", b"--"], ODD_ENDS)
    return out + b"--" + boundary + last


def _read_werkzeug(data: bytes, boundary: bytes) -> Any:
    """Return the parts, fields before files as we sort them, or why there are none."""
    decoder = MultipartDecoder(boundary)
    decoder.receive_data(data)
    decoder.receive_data(None)
    fields: list[Any] = []
    files: list[Any] = []
    content = b""
    part: Any = None
    try:
        while True:
            event = decoder.next_event()
            if isinstance(event, Field | File):
                part, content = event, b""
            elif isinstance(event, Data):
                content += event.data
                if not event.more_data:
                    if isinstance(part, File):
                        files.append((part.name, part.filename, content))
                    else:
                        fields.append((part.name, None, content.decode("utf-8", "replace")))
            elif isinstance(event, Epilogue):
                return [*fields, *files]
            elif isinstance(event, NeedData):
                return "incomplete"
    except Exception as error:  # whatever it is, it is theirs
        return f"{type(error).__name__} {error}"


def _compare_pairs(data: bytes, whole: Any) -> str | None:
    """Compare with urllib, which wants text: bytes that are no ASCII are escaped first, which means the same."""
    text = re.sub(rb"[\x80-\xff]", lambda match: b"%%%02X" % match[0][0], data).decode()
    expected = parse_qsl(text, keep_blank_values=True, errors="replace", separator="&")
    pairs = [(name, value) for name, _, value in whole[0]] if isinstance(whole[0], list) else whole
    return None if pairs == expected else f"pairs differ: {pairs}, urllib: {expected}"
