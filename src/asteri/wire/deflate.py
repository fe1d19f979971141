"""permessage-deflate (RFC 7692): negotiation, bounded inflating and deflating.

An offer is taken or declined as a whole; one that holds an unknown, repeated or invalid parameter is declined and the
next one tried. With no offer left the connection goes on uncompressed.

SECURITY: inflating never produces more than it is asked for, so that the reader can stop a bomb at its limit instead of
after it (faults.md, finding 4: 199 KiB became 226 MB elsewhere).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Agreement", "DeflateSettings", "Deflater", "Inflater", "negotiate"]

NAME = "permessage-deflate"
FINAL_BLOCKS = 8
FLUSH_TAIL = b"\x00\x00\xff\xff"
KNOWN = {"server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits", "client_max_window_bits"}


@dataclass(frozen=True, slots=True)
class DeflateSettings:
    """How this server compresses.

    Attributes:
        window_bits: largest window of either side, 9 to 15. 12 costs 25 kB a connection instead of 300 (the value that
            the `websockets` library uses too).
        memory_level: zlib's, 1 to 9.
        level: zlib's, 1 to 9.
        threshold: shorter messages are sent as they are.
        context_takeover: keep the window between messages.
    """

    window_bits: int = 12
    memory_level: int = 5
    level: int = 1
    threshold: int = 256
    context_takeover: bool = True

    def __post_init__(self) -> None:
        """Refuse what zlib can not do."""
        if not 9 <= self.window_bits <= 15:
            raise ValueError(f"window_bits is {self.window_bits}, not from 9 to 15")
        if not 1 <= self.memory_level <= 9 or not 1 <= self.level <= 9:
            raise ValueError("level and memory_level are from 1 to 9")


@dataclass(frozen=True, slots=True)
class Agreement:
    """The outcome of a negotiation.

    Attributes:
        header: value of the response's Sec-WebSocket-Extensions.
        server_bits, client_bits: window of our and of the client's compressor.
        server_takeover, client_takeover: whether that window lives on between messages.
    """

    header: bytes
    server_bits: int
    client_bits: int
    server_takeover: bool
    client_takeover: bool


class Inflater:
    """Inflates the messages of one connection, in bounded pieces."""

    __slots__ = ("_bits", "_blocks", "_tail", "_takeover", "_zlib", "more")

    def __init__(self, bits: int = 15, takeover: bool = True) -> None:
        self._bits = bits
        self._takeover = takeover
        self._zlib = zlib.decompressobj(-bits)
        self._tail = b""
        self._blocks = 0
        self.more = False

    def inflate(self, data: bytes, limit: int) -> bytes:
        """Return at most `limit` bytes; call again with b"" while `more` is true.

        Raises:
            zlib.error: the data is not deflated.
        """
        piece = self._zlib.decompress(self._tail + data, limit)
        if self._zlib.eof:
            # RFC 7692 §7.2.3.5: a message may hold final blocks. Each costs a new decompressor, so they are counted.
            self._blocks += 1
            if self._blocks > FINAL_BLOCKS:
                raise zlib.error("too many final blocks in one message")
            self._tail = self._zlib.unused_data
            self._zlib = zlib.decompressobj(-self._bits)
            self.more = bool(self._tail)
        else:
            self._tail = self._zlib.unconsumed_tail
            # A full piece may leave output inside zlib although it has taken all input.
            self.more = bool(self._tail) or len(piece) == limit
        return piece

    def end_message(self) -> None:
        """Prepare for the next message."""
        self._blocks = 0
        if not self._takeover:
            self._zlib = zlib.decompressobj(-self._bits)


class Deflater:
    """Deflates the messages of one connection."""

    __slots__ = ("_bits", "_settings", "_takeover", "_zlib", "threshold")

    def __init__(self, settings: DeflateSettings, bits: int = 15, takeover: bool = True) -> None:
        self._settings = settings
        self._bits = bits
        self._takeover = takeover
        self._zlib = self._compressor()
        self.threshold = settings.threshold

    def deflate(self, data: bytes) -> bytes:
        """Return a message's compressed payload (RFC 7692 §7.2.1)."""
        return self.add(data) + self.finish()

    def add(self, data: bytes) -> bytes:
        """Take a part of a message and return what is ready of its payload."""
        return self._zlib.compress(data)

    def finish(self) -> bytes:
        """End the message and return the rest of its payload."""
        rest = self._zlib.flush(zlib.Z_SYNC_FLUSH).removesuffix(FLUSH_TAIL)
        if not self._takeover:
            self._zlib = self._compressor()
        return rest

    def _compressor(self) -> zlib._Compress:
        settings = self._settings
        return zlib.compressobj(settings.level, zlib.DEFLATED, -self._bits, settings.memory_level)


def negotiate(offers: Iterable[str], settings: DeflateSettings) -> Agreement | None:
    """Choose the first acceptable offer from the values of Sec-WebSocket-Extensions.

    Raises:
        ValueError: a value is not a list of extensions (RFC 6455 §9.1).
    """
    chosen = None
    for value in offers:
        for name, parameters in _parse(value):
            if chosen is None and name == NAME:
                chosen = _agree(parameters, settings)
    return chosen


def _agree(parameters: list[tuple[str, str | None]], settings: DeflateSettings) -> Agreement | None:
    offer = dict(parameters)
    if len(offer) != len(parameters) or not KNOWN.issuperset(offer):
        return None
    if offer.get("server_no_context_takeover") is not None or offer.get("client_no_context_takeover") is not None:
        return None
    answer = [NAME]
    server_takeover = settings.context_takeover and "server_no_context_takeover" not in offer
    client_takeover = settings.context_takeover and "client_no_context_takeover" not in offer
    if not server_takeover:
        answer.append("server_no_context_takeover")
    if not client_takeover:
        answer.append("client_no_context_takeover")
    server_bits = settings.window_bits
    if "server_max_window_bits" in offer:
        wanted = _bits(offer["server_max_window_bits"])
        # zlib can not write raw deflate with a window of 8 bits.
        if wanted is None or wanted < 9:
            return None
        server_bits = min(server_bits, wanted)
    if server_bits < 15:
        answer.append(f"server_max_window_bits={server_bits}")
    client_bits = 15
    if "client_max_window_bits" in offer:
        given = offer["client_max_window_bits"]
        allowed = 15 if given is None else _bits(given)
        if allowed is None:
            return None
        client_bits = min(max(allowed, 9), settings.window_bits)
        if allowed == 8:
            answer.append("client_max_window_bits=8")
        elif client_bits < 15:
            answer.append(f"client_max_window_bits={client_bits}")
    return Agreement("; ".join(answer).encode(), server_bits, client_bits, server_takeover, client_takeover)


def _bits(value: str | None) -> int | None:
    """Return 8 to 15 from a parameter's value, None for anything else."""
    if value is None or not value.isascii() or not value.isdigit() or value[0] == "0" or len(value) > 2:
        return None
    return int(value) if 8 <= int(value) <= 15 else None


def _parse(value: str) -> list[tuple[str, list[tuple[str, str | None]]]]:
    """Split a Sec-WebSocket-Extensions value. Quoted values are allowed if they hold a token (RFC 6455 §9.1)."""
    extensions = []
    for element in value.split(","):
        if not element.strip(" \t"):
            continue
        name, *rest = (part.strip(" \t") for part in element.split(";"))
        parameters: list[tuple[str, str | None]] = []
        for part in rest:
            key, equals, text = part.partition("=")
            key = key.rstrip(" \t")
            text = text.lstrip(" \t")
            if len(text) >= 2 and text[0] == text[-1] == '"':
                text = text[1:-1]
            if not _is_token(key) or (equals and not _is_token(text)):
                raise ValueError("Sec-WebSocket-Extensions is malformed")
            parameters.append((key, text if equals else None))
        if not _is_token(name):
            raise ValueError("Sec-WebSocket-Extensions is malformed")
        extensions.append((name, parameters))
    return extensions


def _is_token(text: str) -> bool:
    return bool(text) and text.isascii() and all(c.isalnum() or c in "!#$%&'*+-.^_`|~" for c in text)
