"""Frames, permessage-deflate and the handshake, without sockets: both forms of the codec, cut at every place."""

from __future__ import annotations

import importlib.util
import itertools
import random
import sys
import tracemalloc
import zlib
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import asteri.wire
from asteri.wire import frames_cy as imported
from asteri.wire import handshake
from asteri.wire.deflate import Deflater, DeflateSettings, Inflater, negotiate
from tests.asteri.websocket_peer import MASK, Fields, deflated, masked


def load_source() -> ModuleType:
    """Load the interpreted form under another name, whatever form is imported."""
    path = Path(asteri.wire.__path__[0]) / "frames_cy.py"
    name = "asteri.wire.frames_interpreted"
    loader = SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    return module


interpreted = load_source()
FORMS = [pytest.param(interpreted, id="interpreted"), pytest.param(imported, id="imported")]


def plain(events: list[Any]) -> list[Any]:
    """Events without the classes of one form."""
    return [e if isinstance(e, (str, bytes)) else (type(e).__name__, *e) for e in events]


def read(form: ModuleType, pieces: list[bytes], **options: Any) -> list[Any]:
    if "inflater" in options:
        options["inflater"] = Inflater(*options["inflater"])
    reader = form.FrameReader(**options)
    events: list[Any] = []
    for piece in pieces:
        events += reader.feed(piece)
        while reader.pending:
            events += reader.feed(b"")
    return plain(events)


def cuts(data: bytes) -> list[list[bytes]]:
    """Whole, by byte, and in two at every place near the ends."""
    places = {*range(1, min(len(data), 150)), *range(max(1, len(data) - 20), len(data))}
    return [[data], [bytes((b,)) for b in data], *([data[:i], data[i:]] for i in sorted(places))]


VALID = {
    "text": (masked(1, "Grüße, 世界 🌍".encode()), ["Grüße, 世界 🌍"]),
    "binary": (masked(2, bytes(range(256))), [bytes(range(256))]),
    "empty": (masked(1) + masked(2), ["", b""]),
    "125": (masked(2, b"x" * 125), [b"x" * 125]),
    "126": (masked(2, b"x" * 126), [b"x" * 126]),
    "fragments": (masked(1, b"a", False) + masked(0, b"", False) + masked(0, b"b"), ["ab"]),
    "ping inside": (
        masked(2, b"a", False) + masked(9, b"hey") + masked(10) + masked(0, b"b"),
        [("Ping", b"hey"), ("Pong", b""), b"ab"],
    ),
    "code point over frames": (masked(1, b"\xe4\xb8", False) + masked(0, b"\x96"), ["世"]),
    "empty fragments": (masked(1, b"", False) + masked(0), [""]),
    "close": (masked(8, b"\x03\xe8bye") + masked(1, b"never"), [("Close", 1000, "bye")]),
    "close without code": (masked(8), [("Close", 1005, "")]),
    "close 4999": (masked(8, b"\x13\x87"), [("Close", 4999, "")]),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", VALID)
def test_valid_frames_at_every_cut(form: ModuleType, name: str) -> None:
    data, expected = VALID[name]
    for pieces in cuts(data):
        assert read(form, pieces) == expected


INVALID = {
    "unmasked": (b"\x81\x01a", 1002),
    "rsv1": (masked(1, b"a", rsv=4), 1002),
    "rsv2": (masked(1, b"a", rsv=2), 1002),
    "rsv3": (masked(2, b"a", rsv=1), 1002),
    "opcode 3": (masked(3), 1002),
    "opcode 11": (masked(11), 1002),
    "16 bits for 125": (b"\x82\xfe\x00\x7d" + MASK, 1002),
    "64 bits for 65535": (b"\x82\xff" + (65535).to_bytes(8, "big") + MASK, 1002),
    "2**63": (b"\x82\xff" + (1 << 63).to_bytes(8, "big"), 1002),
    "ping of 126": (masked(9, b"x" * 126), 1002),
    "fragmented ping": (masked(9, b"x", False), 1002),
    "compressed ping": (masked(9, b"x", rsv=4), 1002),
    "continuation alone": (masked(0, b"x"), 1002),
    "continuation after the end": (masked(1, b"x") + masked(0, b"x"), 1002),
    "text inside": (masked(1, b"x", False) + masked(1, b"x"), 1002),
    "1 TiB": (b"\x82\xff" + (1 << 40).to_bytes(8, "big"), 1009),
    "over the limit": (b"\x82\xfe\x03\xe9", 1009),
    "fragments over the limit": (masked(2, b"x" * 600, False) + b"\x80\xfe\x01\x91", 1009),
    "too many fragments": (masked(2, b"", False) + masked(0, b"", False) * 9, 1009),
    "text": (masked(1, b"a\xffb"), 1007),
    "text, cut short": (masked(1, b"\xe4\xb8"), 1007),
    "text, overlong": (masked(1, b"\xc0\xaf", False), 1007),
    "text, surrogate": (masked(1, b"\xed\xa0", False), 1007),
    "text, over U+10FFFF": (masked(1, b"\xf4\x90", False), 1007),
    "close of one byte": (masked(8, b"\x03"), 1002),
    "close reason": (masked(8, b"\x03\xe8\xff"), 1007),
    **{
        f"close {code}": (masked(8, code.to_bytes(2, "big")), 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
    },
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", INVALID)
def test_invalid_frames_fail_alike_at_every_cut(form: ModuleType, name: str) -> None:
    data, code = INVALID[name]
    expected = read(interpreted, [data], max_message=1000, max_fragments=8)
    assert expected[-1][:2] == ("Failure", code)
    for pieces in cuts(data):
        assert read(form, [*pieces, masked(1, b"never")], max_message=1000, max_fragments=8) == expected


@pytest.mark.parametrize("form", FORMS)
def test_invalid_utf8_fails_before_the_frame_ends(form: ModuleType) -> None:
    frame = masked(1, b"good \xf4\x90" + b"x" * 100)
    assert read(form, [frame[: 6 + 7]])[-1][:2] == ("Failure", 1007)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 65535, 65536, 100_001])
def test_writer_and_unmasking(form: ModuleType, size: int) -> None:
    payload = random.Random(size).randbytes(size)
    frame = form.frame(2, payload)
    assert frame == form.frame_head(2, size) + payload
    assert frame == interpreted.frame(2, payload)
    assert read(form, [masked(2, payload)]) == [payload]
    assert read(form, [masked(2, payload)[:777], masked(2, payload)[777:]]) == [payload]


@pytest.mark.parametrize("form", FORMS)
def test_close_payload(form: ModuleType) -> None:
    assert form.close_payload(1005) == b""
    assert form.close_payload(1000, "ok") == b"\x03\xe8ok"
    assert form.close_payload(4000, "é" * 100) == b"\x0f\xa0" + "é".encode() * 61
    for code in (1006, 1015, 999, 5000):
        with pytest.raises(ValueError, match="may not be sent"):
            form.close_payload(code)


@pytest.mark.parametrize("form", FORMS)
def test_a_call_returns_a_batch(form: ModuleType) -> None:
    reader = form.FrameReader()
    events = reader.feed(masked(2, b"x" * 1000) * 200)
    assert len(events) < 100
    assert reader.pending
    while reader.pending:
        events += reader.feed(b"")
    assert events == [b"x" * 1000] * 200


@pytest.mark.parametrize("form", FORMS)
def test_inflates_at_every_cut(form: ModuleType) -> None:
    text = "Wörter, Wörter, Wörter. " * 20
    body = deflated(text.encode())
    data = masked(1, body[:5], False, rsv=4) + masked(9) + masked(0, body[5:]) + masked(2, b"not compressed")
    for pieces in cuts(data):
        assert read(form, pieces, inflater=(15,)) == [("Ping", b""), text, b"not compressed"]


@pytest.mark.parametrize("form", FORMS)
def test_window_lives_on_unless_agreed_otherwise(form: ModuleType) -> None:
    text = b"some text that repeats itself"
    c = zlib.compressobj(wbits=-15)
    bodies = [(c.compress(text) + c.flush(zlib.Z_SYNC_FLUSH))[:-4] for _ in range(2)]
    data = [masked(2, body, rsv=4) for body in bodies]
    assert read(form, data, inflater=(15, True)) == [text, text]
    assert read(form, data, inflater=(15, False))[1][:2] == ("Failure", 1007)


@pytest.mark.parametrize("form", FORMS)
def test_final_blocks(form: ModuleType) -> None:
    # RFC 7692 §7.2.3.5: "Hello" in a block with BFINAL, then an empty block.
    hello = bytes.fromhex("f348cdc9c9070000")
    for pieces in cuts(masked(1, hello, rsv=4) * 2):
        assert read(form, pieces, inflater=(15,)) == ["Hello", "Hello"]
    assert read(form, [masked(1, b"\x03\x00" * 50 + b"\x00", rsv=4)], inflater=(15,))[-1][1] == 1007


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\xff\xff\xff", 1007),
        (deflated(b"abc\xff"), 1007),
        (deflated(b"\xe4\xb8"), 1007),
        (deflated(b"x" * 1001), 1009),
        (deflated(b"\xff" + b"x" * 1000), 1007),
        (deflated(b"x" * 100_000), 1009),
    ],
)
def test_compressed_failures_at_every_cut(form: ModuleType, body: bytes, code: int) -> None:
    for pieces in cuts(masked(1, body, rsv=4)):
        assert read(form, pieces, inflater=(15,), max_message=1000)[-1][:2] == ("Failure", code)
    assert read(form, [masked(1, deflated(b"x" * 1000), rsv=4)], inflater=(15,), max_message=1000) == ["x" * 1000]


@pytest.mark.parametrize("form", FORMS)
def test_bomb_costs_less_than_twice_the_limit(form: ModuleType) -> None:
    limit = 1 << 20
    bomb = masked(1, deflated(bytes(8 << 20)), rsv=4)
    tracemalloc.start()
    try:
        result = read(form, [bomb], inflater=(15,), max_message=limit)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result[-1][1] == 1009
    assert peak < 2 * limit


@pytest.mark.parametrize("form", FORMS)
def test_fragment_flood_is_cheap(form: ModuleType) -> None:
    reader = form.FrameReader(max_fragments=1000)
    reader.feed(masked(2, b"", False))
    events = reader.feed(masked(0, b"", False) * 5000)
    assert plain(events)[0][1] == 1009


frame_lists = st.lists(
    st.builds(
        masked,
        st.sampled_from([0, 0, 1, 1, 2, 2, 8, 9, 10, 3]),
        st.one_of(
            st.binary(max_size=40), st.text(max_size=20).map(str.encode), st.sampled_from([deflated(b"ab" * 99)])
        ),
        st.booleans(),
        st.sampled_from([0, 0, 0, 4, 1]),
        st.binary(min_size=4, max_size=4),
    ),
    max_size=6,
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(frame_lists, st.lists(st.integers(0, 200), max_size=5), st.booleans())
def test_both_forms_agree_at_any_cut(frames: list[bytes], places: list[int], inflate: bool) -> None:
    data = b"".join(frames)
    edges = [0, *sorted(min(p, len(data)) for p in places), len(data)]
    pieces = [data[a:b] for a, b in itertools.pairwise(edges)]
    options: dict[str, Any] = {"max_message": 100, "max_fragments": 3}
    if inflate:
        options["inflater"] = (15,)
    expected = read(interpreted, [data], **options)
    assert read(interpreted, pieces, **options) == expected
    assert read(imported, pieces, **options) == expected
    assert read(imported, [bytes((b,)) for b in data], **options) == expected


SETTINGS = DeflateSettings()


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        ("permessage-deflate", b"permessage-deflate; server_max_window_bits=12"),
        ("permessage-deflate;", None),
        ("x-other, permessage-deflate", b"permessage-deflate; server_max_window_bits=12"),
        (
            "permessage-deflate; client_max_window_bits",
            b"permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",
        ),
        (
            'permessage-deflate; client_max_window_bits="10"; server_max_window_bits=9',
            b"permessage-deflate; server_max_window_bits=9; client_max_window_bits=10",
        ),
        ("permessage-deflate; server_max_window_bits=8", None),
        (
            "permessage-deflate; server_max_window_bits=8, permessage-deflate",
            b"permessage-deflate; server_max_window_bits=12",
        ),
        ("permessage-deflate; server_max_window_bits=16", None),
        ("permessage-deflate; server_max_window_bits", None),
        ("permessage-deflate; client_max_window_bits=09", None),
        ("permessage-deflate; unknown", None),
        ("permessage-deflate; server_no_context_takeover; server_no_context_takeover", None),
        ("permessage-deflate; server_no_context_takeover=1", None),
        (
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            b"permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12",
        ),
        ("x-webkit-deflate-frame", None),
    ],
)
def test_negotiation(offer: str, answer: bytes | None) -> None:
    if offer.endswith(";"):
        with pytest.raises(ValueError, match="malformed"):
            negotiate([offer], SETTINGS)
        return
    agreement = negotiate([offer], SETTINGS)
    assert (agreement and agreement.header) == answer


@pytest.mark.parametrize("takeover", [True, False])
def test_deflate_and_inflate(takeover: bool) -> None:
    deflater, inflater = Deflater(SETTINGS, 12, takeover), Inflater(12, takeover)
    for n in range(4):
        text = b"%d words " % n * 500
        body = deflater.deflate(text)
        assert len(body) < len(text) // 10
        assert read(imported, [masked(2, body, rsv=4)], inflater=(12, takeover)) == [text] or (takeover and n)
        assert inflater.inflate(body + b"\x00\x00\xff\xff", 1 << 20) == text
        inflater.end_message()


GOOD = {
    b"host": b"example.com",
    b"upgrade": b"WebSocket",
    b"connection": b"keep-alive, Upgrade",
    b"sec-websocket-key": b"dGhlIHNhbXBsZSBub25jZQ==",
    b"sec-websocket-version": b"13",
}


def fields(**changes: bytes | None) -> Fields:
    merged = {**GOOD, **{k.replace("_", "-").encode(): v for k, v in changes.items()}}
    return Fields(*((k, v) for k, v in merged.items() if v is not None))


def test_handshake_of_the_rfc() -> None:
    upgrade = handshake.check("GET", "1.1", fields(sec_websocket_protocol=b"chat, superchat"))
    assert upgrade.accept == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert upgrade.subprotocols == ("chat", "superchat")
    answer = handshake.switching_protocols(upgrade, "chat", b"x", [(b"Set-Cookie", b"a=b")])
    assert answer.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"sec-websocket-protocol: chat\r\nsec-websocket-extensions: x\r\nSet-Cookie: a=b\r\n\r\n" in answer


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"upgrade": b"h2c"}, 400),
        ({"connection": b"close"}, 400),
        ({"sec_websocket_key": None}, 400),
        ({"sec_websocket_key": b"short"}, 400),
        ({"sec_websocket_key": b"dGhlIHNhbXBsZSBub25jZQ="}, 400),
        ({"sec_websocket_key": b"\xff" * 24}, 400),
        ({"sec_websocket_version": None}, 400),
        ({"sec_websocket_version": b"8"}, 426),
        ({"sec_websocket_protocol": "ü".encode()}, 400),
        ({"sec_websocket_protocol": b"a,,b"}, 400),
        ({"sec_websocket_protocol": b"a,a"}, 400),
        ({"origin": b"https://evil.example"}, 403),
        ({"origin": b"null"}, 403),
    ],
)
def test_refusals(changes: dict[str, bytes | None], status: int) -> None:
    with pytest.raises(handshake.Refusal) as caught:
        handshake.check("GET", "1.1", fields(**changes), frozenset({"https://example.com"}))
    assert caught.value.status == status
    if status == 426:
        assert (b"sec-websocket-version", b"13") in caught.value.headers


def test_origin_method_and_version() -> None:
    origins = frozenset({"https://example.com"})
    handshake.check("GET", "1.1", fields(), origins)
    handshake.check("GET", "1.1", fields(origin=b"https://EXAMPLE.com"), origins)
    handshake.check("GET", "1.1", fields(origin=b"https://any.example"), None)
    for method, version in (("POST", "1.1"), ("GET", "1.0")):
        with pytest.raises(handshake.Refusal):
            handshake.check(method, version, fields())


@pytest.mark.parametrize(
    "header",
    [
        (b"x", b"a\r\nb: c"),
        (b"x y", b""),
        (b"", b""),
        (b"x", b"\0"),
        (b"Upgrade", b"x"),
        (b"Sec-WebSocket-Protocol", b"x"),
    ],
)
def test_application_headers_can_not_split_the_answer(header: tuple[bytes, bytes]) -> None:
    upgrade = handshake.check("GET", "1.1", fields())
    with pytest.raises(ValueError, match="header"):
        handshake.switching_protocols(upgrade, None, None, [header])


def test_subprotocol_must_have_been_offered() -> None:
    upgrade = handshake.check("GET", "1.1", fields())
    with pytest.raises(ValueError, match="not offered"):
        handshake.switching_protocols(upgrade, "chat")


def test_denial_response() -> None:
    answer = handshake.response(
        403, [(b"X-Why", b"no"), (b"Content-Length", b"99"), (b"connection", b"keep-alive")], b"no"
    )
    assert answer == b"HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 2\r\nX-Why: no\r\n\r\nno"
    assert handshake.response(204, (), b"dropped").endswith(b"connection: close\r\n\r\n")
    for status, header in ((101, (b"x", b"")), (200, (b"x", b"\n"))):
        with pytest.raises(ValueError, match=r"status|value"):
            handshake.response(status, [header])
