"""One HTTP/1 connection: which request is next, who answers it, and how the connection ends.

Rules
    1. One exchange at a time. The next head is parsed when the answer is complete and the body has been read or
       drained; until then pipelined bytes wait, and beyond one read no more are taken from the transport.
    2. The application runs only in a copy of the base context, and the next request never starts inside the stack of
       the application that answered the last one.
    3. All that is answered during one read goes out in one write.
    4. An error of the peer is answered once, with `Connection: close`, one log line and a lingering close; nothing
       behind it is parsed.
    5. An answer that can not be completed is cut with a reset.
    6. The peer's FIN ends its requests, not our answers, unless the application waits for the peer to go.
"""

# mypy: ignore-errors

from __future__ import annotations

import asyncio
from dataclasses import replace as _replace
from functools import partial

try:
    import cython
except ImportError:
    from asteri.wire.interpreted import cython

from asteri.exchange import Connection, Disconnected
from asteri.pending import Pending
from asteri.wire.fault import ProtocolError

if cython.compiled:
    from cython.cimports.asteri.protocol.flow_cy import FlowProtocol, wake
    from cython.cimports.asteri.protocol.service_cy import Service
    from cython.cimports.asteri.protocol.step_cy import start
    from cython.cimports.asteri.protocol.wheel_cy import Deadline
    from cython.cimports.asteri.wire.exchange_cy import Exchange, begin_exchange
    from cython.cimports.asteri.wire.request_cy import RequestHead, RequestParser
    from cython.cimports.asteri.wire.response_cy import encode_response
else:
    from asteri.protocol.flow_cy import FlowProtocol, wake
    from asteri.protocol.service_cy import Service
    from asteri.protocol.step_cy import start
    from asteri.protocol.wheel_cy import Deadline
    from asteri.wire.exchange_cy import Exchange, begin_exchange
    from asteri.wire.request_cy import RequestHead, RequestParser
    from asteri.wire.response_cy import encode_response

__all__ = ["H1Protocol"]

QUEUED = cython.declare(cython.Py_ssize_t, 65536)  # body bytes that wait for the application before reading stops
# Unread body bytes that are thrown away to keep a connection; nginx's lingering reads more, h2o none.
DRAINED = cython.declare(cython.Py_ssize_t, 65536)
# Bytes thrown away after an error before the connection is cut.
LINGERED = cython.declare(cython.Py_ssize_t, 1024 * 1024)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
UNKNOWN = Connection()  # until the transport tells more
TEXT = ((b"content-type", b"text/plain; charset=utf-8"),)


class H1Protocol(FlowProtocol):
    """An HTTP/1 connection.

    Args:
        service: the worker's.
    """

    def __init__(self, service: Service) -> None:
        FlowProtocol.__init__(self, service.loop, service.wheel, service.base_context, service.timeouts.write)
        self.service = service
        self.connection = UNKNOWN
        self._parser = RequestParser(service.limits)
        self._exchange = None
        self._readers = None
        self._deadline = Deadline(service.wheel, self._late)
        self._measured = 0  # body bytes since the last look at the rate
        self._drained = 0
        self._heading = False  # a head has begun to arrive
        self._lingering = False
        self._ended = False  # no request will be read any more
        self._eof = False
        self._advancing = False
        self._began = 0.0

    # -- the transport's events

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over a new connection."""
        self.take_transport(transport)
        service = self.service
        tls = transport.get_extra_info("ssl_object")
        self.connection = Connection(
            scheme="https" if tls is not None else service.scheme,
            client=_address(transport.get_extra_info("peername")),
            server=_server_address(transport.get_extra_info("sockname")),
            root_path=service.root_path,
            tls=tls,
        )
        service.connections.add(self)
        self._deadline.arm(service.timeouts.header)

    def data_received(self, data: bytes) -> None:
        """Read bytes of the peer."""
        if self._ended:
            self._discard(len(data))
            return
        self._parser.feed(data)
        exchange = self._exchange
        if exchange is None:
            self._advance()
        elif exchange.complete:
            self.stop_reading()
        else:
            self._measured += len(data)
            self._take_body(exchange)

    def eof_received(self) -> bool:
        """Note that the peer sends nothing any more; keep the connection for the answer."""
        self._eof = True
        exchange = self._exchange
        waiting = self._advancing or (self.paused and self._parser.pending > 0)
        if self._lingering or (exchange is None and not waiting):
            return False
        if exchange is not None and not exchange.complete:
            self._break(exchange)
            if exchange.is_answered():
                return False
        # Most who end their half are gone. An application that does not ask may still answer (RFC 9112 §9.6); one that
        # waits for the peer to go is told so, and then it has to be true: the transport closes.
        # A TLS transport can not be half closed.
        return self._watchers is None and self.connection.tls is None

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.service.connections.discard(self)
        self._deadline.close()
        self._ended = True
        exchange = self._exchange
        self._exchange = None
        self.release()
        if exchange is not None:
            exchange.fail()
        self._wake_readers()

    def resume_writing(self) -> None:
        """Go on with requests that waited for the peer to read its answers."""
        FlowProtocol.resume_writing(self)
        if self._exchange is None and not self._ended:
            self._advance_soon()

    # -- requests

    def _advance(self) -> None:
        """Answer what has arrived, as far as it can be answered now."""
        if self._exchange is not None or self._ended:
            return
        parser = self._parser
        head: RequestHead = None
        self.batching = True
        try:
            while self._exchange is None and not self._ended and not self.paused:
                head = None
                head = parser.head()
                if head is None:
                    break
                self._start(head)
        except ProtocolError as error:
            self._refuse(error, parser.head_only if head is None else head.method == "HEAD")
        finally:
            self.batching = False
            self.flush()
        self._settle()

    def _settle(self) -> None:
        """Between requests: set the deadline and decide whether to read on."""
        if self._exchange is not None or self._ended or self.paused:
            return
        if self._eof or (self.draining and not self._parser.pending):
            self._end()
        elif self._parser.pending:
            if not self._heading:
                self._heading = True
                self._deadline.arm(self.service.timeouts.header)
            self.start_reading()
        else:
            self._deadline.arm(self.service.keep_alive)
            self.start_reading()

    def _advance_soon(self) -> None:
        if not self._advancing:
            self._advancing = True
            self.loop.call_soon(self._advance_later, context=self.base_context.copy())

    def _advance_later(self) -> None:
        self._advancing = False
        self._advance()

    def _start(self, head: RequestHead) -> None:
        """Give one request to the application."""
        self._heading = False
        service = self.service
        parser = self._parser
        if head.upgrade and service.websocket is not None and self._is_websocket(head):
            self._hand_over(service.websocket, head)
            return
        connection = self.connection
        if not head.minor:
            connection = _replace(connection, http_version="1.0")
        body = b"" if head.content_length == 0 else parser.body()
        complete = parser.complete
        exchange = begin_exchange(self, head, connection, body, complete)
        if complete:
            self._deadline.disarm()
        else:
            self._measured = 0
            self._drained = 0
            self._deadline.arm(service.timeouts.body_grace)
        self._exchange = exchange
        if service.log_access is not None:
            self._began = self.loop.time()
        context = self.base_context.copy()
        try:
            result = context.run(service.http, exchange)
        except Exception as error:
            self._failed(exchange, error)
            return
        if result is None:
            self._returned(exchange)
            return
        if isinstance(result, Pending):
            service.tasks.add(result)
            result.add_done_callback(partial(self._pending_ended, exchange))
            return
        task = start(self, exchange, result, self.loop, context)
        if task is not None:
            service.tasks.add(task)
            task.add_done_callback(service.tasks.discard)

    def _pending_ended(self, exchange: Exchange, pending) -> None:
        self.service.tasks.discard(pending)
        self.finished(exchange, pending.exception())

    def finished(self, exchange: Exchange, error) -> None:
        """The application's coroutine has ended."""
        if error is None:
            self._returned(exchange)
        elif isinstance(error, Exception):
            self._failed(exchange, error)
        else:
            self._abandon(exchange)

    def _returned(self, exchange: Exchange) -> None:
        """The application says that it is done: hold it to that."""
        if exchange.is_open():
            if self.lost or self._ended:
                exchange.abandon()
                return
            self.service.logger.error("%s %s was not answered by the application", exchange.method, exchange.raw_path)
            exchange.respond(500, TEXT, b"Internal Server Error")
        elif exchange.is_streaming():
            if not self.lost:
                self.service.logger.error("%s %s: the answer was not finished", exchange.method, exchange.raw_path)
            self._abandon(exchange)

    def _failed(self, exchange: Exchange, error: Exception) -> None:
        """The application raised: log it once, and let no client take the answer for complete."""
        vanished = self.lost or self._ended or exchange.broken or exchange.is_aborted()
        if vanished and _is_of_disconnect(error):
            if not isinstance(error, Disconnected):  # a framework's own in its place, or a mistake in what cleans up
                self.service.logger.info("%s %s: %r when the peer was gone", exchange.method, exchange.raw_path, error)
        else:
            self.service.logger.error(
                "%s %s: exception in the application", exchange.method, exchange.raw_path, exc_info=error
            )
        if exchange.is_open() and not vanished:
            exchange.respond(500, TEXT, b"Internal Server Error")
        elif not exchange.is_answered():
            self._abandon(exchange)

    def _abandon(self, exchange: Exchange) -> None:
        """Give up an exchange whose answer can not be completed."""
        if exchange.is_answered():
            return
        exchange.abandon()
        if exchange is self._exchange:
            self.abort()

    # -- the exchange's port

    def answered(self, exchange: Exchange, keep: bool) -> None:
        """Go on after a complete answer."""
        log_access = self.service.log_access
        if log_access is not None:
            log_access(exchange, self.loop.time() - self._began)
        self._wake_watchers()
        if exchange is not self._exchange:
            return
        if not keep:
            self._exchange = None
            self._ended = True
            if exchange.complete:
                self.finish_writing()
            else:
                self._linger()
        elif exchange.complete:
            self._next()
        else:
            # The rest of the body is drained by `_take_body`.
            self._drained = exchange.queued
            self.start_reading()
            self._wake_readers()

    def _next(self) -> None:
        """The exchange is over. Inside a batch the loop in `_advance` goes on by itself."""
        self._exchange = None
        if self.batching:
            return
        if self._parser.pending:
            self._advance_soon()
        else:
            self._settle()

    def peer_gone(self) -> asyncio.Future[None]:
        """Return a future that ends when the peer is gone; see `eof_received`."""
        if self._eof:
            self.finish_writing()
        return FlowProtocol.peer_gone(self)

    def may_keep(self, exchange: Exchange) -> bool:
        """Tell whether the rest of the body is worth draining.

        A client that waits for 100 Continue may never send it.
        """
        return not exchange.expecting and not self._eof and self._parser.remaining <= DRAINED

    def more_body(self, exchange: Exchange) -> asyncio.Future[None]:
        """Ask for the body, and return the future of its next part."""
        if exchange.expecting:
            exchange.expecting = False
            if exchange.is_open():  # an interim response can not come behind the head of the final one
                self.emit(CONTINUE)
            self._measured = 0
            self._deadline.arm(self.service.timeouts.body_grace)
        self.start_reading()
        reader = self.loop.create_future()
        if self._readers is None:
            self._readers = []
        self._readers.append(reader)
        return reader

    def _wake_readers(self) -> None:
        if self._readers is not None:
            readers, self._readers = self._readers, None
            wake(readers)

    def body_taken(self, exchange: Exchange) -> None:
        """Read on if the application has caught up."""
        if not self.reading and exchange is self._exchange and exchange.queued * 2 < QUEUED:
            self._measured = QUEUED  # the pause was ours
            self.start_reading()

    def _take_body(self, exchange: Exchange) -> None:
        parser = self._parser
        try:
            data = parser.body()
        except ProtocolError as error:
            self._refuse(error, exchange.method == "HEAD")
            return
        if exchange.is_answered():
            self._drained += len(data)
            exchange.feed(b"", parser.complete)
            if parser.complete:
                self._next()
            elif self._drained > DRAINED:
                self._exchange = None
                self._ended = True
                self._linger()
            return
        exchange.feed(data, parser.complete)
        if parser.complete:
            self._deadline.disarm()
            if parser.pending:
                self.stop_reading()
        elif exchange.queued > QUEUED:
            self.stop_reading()
        self._wake_readers()

    def _break(self, exchange: Exchange) -> None:
        """The body of this exchange will never be complete."""
        exchange.fail()
        self._wake_readers()

    # -- errors and ends

    def _refuse(self, error: ProtocolError, head_only: cython.bint = False) -> None:
        """Answer the peer's error, unless an answer has begun, and end the connection.

        Args:
            error: what is wrong.
            head_only: it is a HEAD request.
        """
        self.service.logger.info("%s: %d, %s", self.connection.client, error.status, error.reason)
        exchange = self._exchange
        self._exchange = None
        self._ended = True
        answer: cython.bint = True
        if exchange is not None:
            answer = exchange.is_open()
            streaming: cython.bint = exchange.is_streaming()
            if not exchange.is_answered():
                exchange.abandon()
            self._break(exchange)
            if streaming:
                self.abort()
                return
        if answer:
            data, _ = encode_response(error.status, TEXT, error.reason.encode() + b"\n", head_only, 1, False)
            self.emit(data)
        self._linger()

    def _linger(self) -> None:
        """Close, but read what the peer is still sending: a reset would take the answer away from it."""
        self.flush()
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if self._eof or not transport.can_write_eof():
            self.finish_writing()
            return
        self._lingering = True
        self._drained = 0
        try:
            transport.write_eof()
        except OSError:  # the peer was gone already, and has reset the connection when the answer came
            self.abort()
            return
        self.start_reading()
        self._deadline.arm(self.service.timeouts.linger)

    def _discard(self, size: cython.Py_ssize_t) -> None:
        self._drained += size
        if self._drained > LINGERED:
            self.abort()

    def _end(self) -> None:
        self._ended = True
        self.finish_writing()

    def _late(self) -> None:
        """The read deadline has passed."""
        exchange = self._exchange
        timeouts = self.service.timeouts
        if self._lingering:
            self.abort()
        elif exchange is None:
            if self._ended:
                return
            if self._heading:
                self._refuse(ProtocolError(408, "request head too slow"))
            else:
                self._end()
        elif not exchange.complete:
            if not self.reading or exchange.expecting:
                self._measured = 0
                self._deadline.arm(timeouts.body_grace)
            elif self._measured < timeouts.body_rate * timeouts.body_grace:
                self._refuse(ProtocolError(408, "request body too slow"), exchange.method == "HEAD")
            else:
                self._measured = 0
                self._deadline.arm(timeouts.body_grace)

    def shutdown(self) -> None:
        """End after the request in flight, at once if there is none."""
        self.draining = True
        if self._exchange is None and not self._ended and not self._heading and not self._advancing:
            self._end()

    # -- upgrade

    def _is_websocket(self, head: RequestHead) -> bool:
        return head.upgrade == b"websocket" and head.method == "GET" and head.content_length == 0

    def _hand_over(self, factory, head: RequestHead) -> None:
        """Let a WebSocket protocol have the transport."""
        self.batching = False
        self.flush()
        transport = self.transport
        self._ended = True
        self._deadline.close()
        self.service.connections.discard(self)
        successor = factory(self, head, self._parser.leftover())
        transport.set_protocol(successor)
        self.transport = None
        if self._write_deadline is not None:
            self._write_deadline.close()
        successor.connection_made(transport)


def _is_of_disconnect(error) -> bool:
    """Tell whether an exception is `Disconnected`, or a framework's own in its place (Starlette's ClientDisconnect)."""
    while error is not None:
        if isinstance(error, Disconnected):
            return True
        if isinstance(error, BaseExceptionGroup):
            return all([_is_of_disconnect(part) for part in error.exceptions])
        error = error.__cause__ or error.__context__
    return False


def _address(name):
    return (str(name[0]), int(name[1])) if isinstance(name, tuple) and len(name) >= 2 else None


def _server_address(name):
    if isinstance(name, tuple) and len(name) >= 2:
        return str(name[0]), int(name[1])
    return (name, None) if isinstance(name, str) and name else None
