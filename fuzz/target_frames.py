"""The WebSocket frame reader: its two forms at any split, and websockets beside them, compressed messages included.

websockets gives frames, which are put together here. It gets no limits, so the reader has large ones for this
comparison and small ones for that of its forms.
"""

from __future__ import annotations

import zlib
from random import Random
from typing import Any, NamedTuple

from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol as WebSocketProtocol
from websockets.protocol import Side, State

from asteri.wire.deflate import Inflater
from fuzz.grammar import cut, cuts, tamper
from fuzz.rules import Judge, Rule
from tests.asteri.forms import FORMS, family
from tests.asteri.websocket_peer import masked

__all__ = ["Frames"]

SMALL = {"max_message": 100, "max_fragments": 3}
LARGE = {"max_message": 1 << 24, "max_fragments": 1 << 17}
TEXTS = ["", "a", "Grüße, 世界 🌍", "x" * 125, "y" * 126, "words, words, words " * 20]
BAD_TEXTS = [b"\xff", b"\xe4\xb8", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf", b"a\xe4", b"\xed\xa0"]
CODES = [b"", b"\x03\xe8", b"\x03\xe8bye", b"\x13\x87", b"\x03", b"\x03\xed", b"\x03\xe7", b"\x03\xe8\xff", b"\x0b\xb8"]
TOKENS = [
    masked(9),
    masked(1, b"a"),
    masked(0, b"b"),
    masked(2, b"", False),
    b"\x81\xfe\x00\x7e",
    b"\x82\xff" + bytes(6),
    b"\x82\xfe\x00\x05" + bytes(9),
    b"\x88\x80",
]


class Difference(NamedTuple):
    """The events of both from the first that differs."""

    ours: list[Any]
    theirs: list[Any]
    final_block: bool  # there was one, behind which websockets' decompressor reads no further


def _failures(d: Difference, ours: int, theirs: int) -> bool:
    """Both fail at the same place, with these codes."""
    return bool(d.ours and d.theirs) and d.ours[0][:2] == ("Failure", ours) and d.theirs[0] == ("Failure", theirs)


def _only_ours(d: Difference, *reasons: str) -> bool:
    return bool(d.ours) and d.ours[0][0] == "Failure" and (not reasons or d.ours[0][2] in reasons)


def _next(events: list[Any]) -> str:
    """Return the kind of the first event that is no ping or pong."""
    return next((event[0] for event in events if event[0] not in ("Ping", "Pong")), "nothing")


RULES: list[Rule[Difference]] = [
    Rule(
        "a frame is judged as soon as it is condemned",
        "RFC 6455 §5.2, §8.1; frames_cy.py, rule 1",
        "websockets waits for the whole frame",
        lambda d: _only_ours(d) and not d.theirs,
    ),
    Rule(
        "text is judged byte by byte",
        "RFC 6455 §8.1",
        "the first wrong byte of an unfinished message fails it; here websockets' messages are judged at their end",
        lambda d: _only_ours(d, "text is not UTF-8", "compressed message is invalid") and _next(d.theirs) != "message",
    ),
    Rule(
        "lengths are minimal and below 2^63",
        "RFC 6455 §5.2",
        "websockets does not look",
        lambda d: _only_ours(d, "length is not minimal", "length is over 63 bits"),
    ),
    Rule(
        "which fault of one frame comes first",
        "RFC 6455 §5",
        "a frame with two faults fails with either code",
        lambda d: _failures(d, 1002, 1007),
    ),
    Rule(
        "a close frame between fragments",
        "RFC 6455 §5.4 and §5.5.1",
        "control frames MAY be there; websockets refuses this one",
        lambda d: bool(d.ours) and d.ours[0][0] == "Close" and bool(d.theirs) and d.theirs[0] == ("Failure", 1002),
    ),
    Rule(
        "final blocks",
        "RFC 7692 §7.2.3.5",
        "a message may hold them and go on behind; websockets' decompressor stops there",
        lambda d: d.final_block,
    ),
]


class Frames:
    """Compiled against interpreted against websockets."""

    name = "frames"

    def __init__(self) -> None:
        self.executions = 0
        self.rules = Judge(RULES)
        self._modules = {form: family(form)["frames_cy"] for form in FORMS}

    @property
    def interpreted(self) -> Any:
        """The class whose branches coverage is about."""
        return self._modules["interpreted"].FrameReader

    def sample(self, chance: Random) -> Any:
        deflate = chance.choice((0, 0, 1, 2))
        writer = zlib.compressobj(wbits=-15)
        frames: list[bytes] = []
        odd = chance.choice((0.0, 0.03, 0.2))
        for _ in range(chance.randrange(1, 5)):
            frames += _message(chance, deflate, writer, odd)
        data = b"".join(frames)
        if chance.random() < 0.4:
            data = tamper(chance, data, TOKENS, bytes(range(256)), 3)
        return data, cuts(chance, data), deflate, chance.randrange(2)

    def judge(self, sample: Any) -> str | None:
        data, places, deflate, small = sample
        limits = SMALL if small else LARGE
        whole = self._read("interpreted", [data], deflate, limits)
        for form in FORMS:
            for pieces in (cut(data, places), [data]):
                events = self._read(form, pieces, deflate, limits)
                if events != whole:
                    return f"{form} differs: {pieces} gives\n{events}\nand whole and interpreted it is\n{whole}"
        if small:
            return None
        theirs, final_block = _read_websockets(data, deflate)
        ours = whole
        same = 0
        while same < min(len(ours), len(theirs)) and _alike(ours[same], theirs[same]):
            same += 1
        difference = Difference(ours[same:], theirs[same:], final_block)
        if (difference.ours or difference.theirs) and self.rules.excuse(difference) is None:
            return f"ours {_brief(difference.ours)}, websockets {_brief(difference.theirs)}, no rule: {difference}"
        return None

    def _read(self, form: str, pieces: list[bytes], deflate: int, limits: dict[str, int]) -> list[Any]:
        self.executions += 1
        inflater = Inflater(15, deflate == 1) if deflate else None
        reader = self._modules[form].FrameReader(**limits, inflater=inflater)
        events: list[Any] = []
        for piece in pieces:
            events += reader.feed(piece)
            while reader.pending:
                events += reader.feed(b"")
        return [
            ("message", event) if isinstance(event, str | bytes) else (type(event).__name__, *event) for event in events
        ]

    def close(self) -> None:
        """Hold nothing."""


def _alike(ours: Any, theirs: Any) -> bool:
    """Reasons of failures are ours alone."""
    return bool((ours[:2] if ours[0] == "Failure" else ours) == theirs)


def _brief(events: list[Any]) -> str:
    return " ".join(map(str, events[0][: 2 if events[0][0] == "Failure" else 1])) if events else "nothing"


def _message(chance: Random, deflate: int, writer: Any, odd: float) -> list[bytes]:
    """Return the frames of a message, with control frames between them."""
    mask = chance.randbytes(4)
    kind = chance.choice((1, 1, 2, 8, 9, 10))
    if kind == 8 and chance.random() < 0.7:
        kind = 1
    if kind >= 8:
        payload = chance.choice(CODES) if kind == 8 else chance.randbytes(chance.choice((0, 1, 5, 125)))
        fin = chance.random() >= odd
        return [masked(kind, payload, fin, chance.choice((1, 2, 4)) if chance.random() < odd else 0, mask)]
    payload = chance.choice(TEXTS).encode() if kind == 1 else chance.randbytes(chance.choice((0, 1, 7, 126, 300)))
    if kind == 1 and chance.random() < odd:
        payload += chance.choice(BAD_TEXTS)
    rsv = 0
    if deflate and chance.random() < 0.6:
        if deflate == 2:
            writer = zlib.compressobj(wbits=-15)
        payload = writer.compress(payload) + writer.flush(zlib.Z_SYNC_FLUSH)
        if chance.random() >= odd:
            payload = payload[:-4]
        rsv = 4
    if chance.random() < odd:
        rsv ^= chance.choice((1, 2, 4))
    frames: list[bytes] = []
    pieces = cut(payload, sorted(chance.randrange(len(payload) + 1) for _ in range(chance.choice((0, 0, 1, 2, 4)))))
    for index, piece in enumerate(pieces):
        last = index == len(pieces) - 1
        opcode = 0 if index else kind
        if chance.random() < odd:
            opcode = chance.choice((0, 1, 2, 3, 11))
            last = not last
        frames.append(masked(opcode, piece, last, 0 if index else rsv, mask))
        if chance.random() < 0.1:
            frames.append(masked(9, b"hey"))
    return frames


class _Deflate(PerMessageDeflate):
    """The extension of websockets, which also tells whether it met a final block."""

    def __init__(self, takeover: bool) -> None:
        super().__init__(False, False, 15, 15)
        self.takeover = takeover
        self.final_block = False

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        if not self.takeover and frame.rsv1 and frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self.decoder = zlib.decompressobj(wbits=-15)
        try:
            return super().decode(frame, max_size=max_size)
        finally:
            self.final_block |= self.decoder.eof


def _read_websockets(data: bytes, deflate: int) -> tuple[list[Any], bool]:
    """Return the events of websockets, and whether there was a final block."""
    protocol = WebSocketProtocol(Side.SERVER, state=State.OPEN, max_size=None)
    extension = _Deflate(takeover=deflate == 1)
    protocol.extensions = [extension] if deflate else []
    protocol.receive_data(data)
    events: list[Any] = []
    message: list[bytes] = []
    text = False
    for frame in protocol.events_received():
        assert isinstance(frame, Frame)
        payload = bytes(frame.data)
        if frame.opcode is Opcode.PING:
            events.append(("Ping", payload))
        elif frame.opcode is Opcode.PONG:
            events.append(("Pong", payload))
        elif frame.opcode is Opcode.CLOSE:
            events.append(("Close", int.from_bytes(payload[:2], "big") if payload else 1005, payload[2:].decode()))
        else:
            if frame.opcode is not Opcode.CONT:
                text, message = frame.opcode is Opcode.TEXT, []
            message.append(payload)
            if frame.fin:
                whole = b"".join(message)
                try:
                    events.append(("message", whole.decode() if text else whole))
                except UnicodeDecodeError:
                    return [*events, ("Failure", 1007)], extension.final_block
    if protocol.parser_exc is not None:
        assert protocol.close_sent is not None
        events.append(("Failure", int(protocol.close_sent.code)))
    return events, extension.final_block
