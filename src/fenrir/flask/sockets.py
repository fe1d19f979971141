"""WebSockets of code that speaks the protocol itself, over the socket in its WSGI environ (`werkzeug.socket`).

A view with `websocket=True`, or a WSGI middleware, finds a socket there, answers the handshake and exchanges frames
(RFC 6455). It gets one end of a socket pair; at the other end this module is its client, and carries messages between
it and the channel of the server. So it needs no more of a server than any other WebSocket does. As on Werkzeug's server
each connection has a thread of its own.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import socket
from collections.abc import AsyncIterator
from io import BytesIO
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

from asteri.exchange import ChannelClosed
from fenrir.flask.environ import environ_from

if TYPE_CHECKING:
    from asteri.exchange import Channel
    from asteri.wsgi import WSGIApplication

__all__ = ["speak"]

log = logging.getLogger("fenrir")

_TEXT, _BINARY, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10
_NEVER_SENT = frozenset({1004, 1005, 1006, 1015})  # RFC 6455 §7.4.1: codes that no frame has
_OF_ONE_CONNECTION = frozenset({b"upgrade", b"connection", b"content-length", b"transfer-encoding"})


class Answer(NamedTuple):
    """What an application answered instead of taking the socket."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


async def speak(application: WSGIApplication, channel: Channel) -> None:
    """Serve a WebSocket by an application that speaks the protocol, or answers the handshake as any other request."""
    ours, theirs = socket.socketpair()
    connect = (
        asyncio.open_unix_connection if ours.family == getattr(socket, "AF_UNIX", None) else asyncio.open_connection
    )
    reader, writer = await connect(sock=ours)
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[Answer] = loop.create_future()
    environ = _environ(channel, theirs)

    def settle(answer: Answer) -> None:
        if not answered.done():
            answered.set_result(answer)

    def run() -> None:
        with theirs:
            answer = _call(application, environ)
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, answer)

    Thread(target=run, name="flask-websocket", daemon=True).start()
    try:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:  # it left the socket alone
            await channel.reject(*await answered)
            return
        status, headers, length = _read_head(head)
        if status != 101:
            body = await (reader.read() if length is None else reader.readexactly(length))
            await channel.reject(status, headers, body)
            return
        protocol = next((value.decode("latin-1") for name, value in headers if name == b"sec-websocket-protocol"), None)
        await channel.accept(protocol, [(n, v) for n, v in headers if not n.startswith(b"sec-websocket-")])
        listening = asyncio.create_task(_inward(channel, writer))
        try:
            await channel.close(*await _outward(reader, writer, channel))
        finally:
            listening.cancel()
    finally:
        writer.close()


def _environ(channel: Channel, theirs: socket.socket) -> dict[str, Any]:
    """Return the environ of a handshake over HTTP/1.1, whatever the client's was; extensions are not offered."""
    environ = environ_from(channel, BytesIO())
    environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
    environ |= {
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_CONNECTION": "Upgrade",
        "HTTP_UPGRADE": "websocket",
        "HTTP_SEC_WEBSOCKET_KEY": base64.b64encode(os.urandom(16)).decode(),
        "HTTP_SEC_WEBSOCKET_VERSION": "13",
        "werkzeug.socket": theirs,
    }
    if channel.subprotocols:
        environ["HTTP_SEC_WEBSOCKET_PROTOCOL"] = ", ".join(channel.subprotocols)
    return environ


def _call(application: WSGIApplication, environ: dict[str, Any]) -> Answer:
    """Call a WSGI application until it ends, and return what it answered, 500 if it failed."""
    told: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        told[:] = [(status, headers)]
        return written.append

    pieces: Any = ()
    try:
        try:
            pieces = application(environ, start_response)
            written.extend(pieces)
        finally:
            if hasattr(pieces, "close"):
                pieces.close()
    except ConnectionError:  # how a view says that the socket has had its answer
        pass
    except Exception:
        log.exception("the application failed in a WebSocket of %s", environ["PATH_INFO"])
        return Answer(500, [], b"")
    if not told:
        return Answer(500, [], b"")
    status, headers = told[0]
    # The server adds the length of what is sent.
    pairs = [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in headers if n.lower() != "content-length"]
    return Answer(int(status.split()[0]), pairs, b"".join(written))


def _read_head(head: bytes) -> tuple[int, list[tuple[bytes, bytes]], int | None]:
    """Return status, fields, and the length of what follows if it is told; the server adds it to what is sent."""
    first, *lines = head.rstrip(b"\r\n").split(b"\r\n")
    fields = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    length = next((int(value) for name, value in fields if name == b"content-length"), None)
    return int(first.split()[1]), [field for field in fields if field[0] not in _OF_ONE_CONNECTION], length


async def _inward(channel: Channel, writer: asyncio.StreamWriter) -> None:
    """Carry messages of the client, and its close, to the application."""
    try:
        while True:
            data = await channel.receive()
            writer.write(_frame(_TEXT, data.encode()) if isinstance(data, str) else _frame(_BINARY, data))
            await writer.drain()
    except ChannelClosed as closed:
        if closed.code != 1006:
            code = b"" if closed.code in _NEVER_SENT else closed.code.to_bytes(2) + closed.reason.encode()
            writer.write(_frame(_CLOSE, code))
        writer.write_eof()  # whoever reads on learns that nothing comes
    except ConnectionError:
        pass  # the application is gone: its end says so


async def _outward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, channel: Channel) -> tuple[int, str]:
    """Carry messages of the application to the client until it ends; return the code and the reason of the close."""
    kind, parts = _TEXT, list[bytes]()
    try:
        async for last, opcode, payload in _frames(reader):
            if opcode == _CLOSE:
                code = int.from_bytes(payload[:2]) if payload else 1000
                return 1000 if code in _NEVER_SENT else code, payload[2:].decode()
            if opcode == _PING:
                writer.write(_frame(_PONG, payload))
            elif opcode != _PONG:
                kind = opcode or kind
                parts.append(payload)
                if last:
                    message, parts = b"".join(parts), []
                    await channel.send(message.decode() if kind == _TEXT else message)
    except ChannelClosed:
        return 1000, ""  # it is closed already, and another close does nothing
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    return 1011, ""


async def _frames(reader: asyncio.StreamReader) -> AsyncIterator[tuple[bool, int, bytes]]:
    while True:
        first, length = await reader.readexactly(2)
        if length > 125:
            length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8))
        yield bool(first & 0x80), first & 0x0F, await reader.readexactly(length)


def _frame(opcode: int, payload: bytes) -> bytes:
    """Return a frame as a client sends it; the mask is zero, there is nobody between to be protected."""
    n = len(payload)
    length = bytes([0x80 | n]) if n < 126 else b"\xfe" + n.to_bytes(2) if n < 65536 else b"\xff" + n.to_bytes(8)
    return bytes([0x80 | opcode]) + length + bytes(4) + payload
