"""Whole connections over a socket: random pipelines, cuts and pauses, and applications that do anything.

Both forms serve the same conversation. Their byte streams must be equal but for the date, and for each of them:

* a client never takes an answer for complete that the application did not complete;
* every complete answer is the one that the application gave, or the server's own, in the order of the requests;
* behind a refusal, or any answer that says `connection: close`, comes nothing;
* when the connection is gone, no task and no connection of the server is left, and in the end no descriptor.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
from pathlib import Path
from random import Random
from typing import Any

import h11

from asteri.exchange import AnswerError
from asteri.wire.limits import Limits
from fuzz.grammar import cut, cuts, pipeline, seeds
from tests.asteri.forms import FORMS
from tests.asteri.serving import LOOPS, Server, serving

__all__ = ["Connections"]

DATE = re.compile(rb"date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n")
LIMITS = Limits(body=100_000)
TURNS = 6  # of the loop after each piece: enough for the server to do all that it can do without more
PATIENCE = 10.0
SIZES = (0, 1, 10, 100, 16384, 16385, 70_000)
HEADERS: tuple[tuple[tuple[bytes, bytes], ...], ...] = (
    ((b"content-type", b"text/plain"),),
    (),
    ((b"connection", b"close"),),
    ((b"x", b"bad\r\n"),),
)

Program = list[tuple[str, int]]
"""What the application does with one request; each step has a number whose meaning is the step's."""


class Answer:
    """What the application did with one request."""

    def __init__(self, method: str) -> None:
        self.method = method
        self.status = 0
        self.body = b""
        self.length = -1  # as declared
        self.complete = False

    def delivered(self, body: bytes) -> bool:
        """Whether a client may take the answer for complete although the application did not end it.

        It may when nothing is missing: all of the declared length is there, or there is no body anyway.
        """
        return len(body) == self.length or self.method == "HEAD"


class _Failed(Exception):
    """The application's own exception."""


async def _run(exchange: Any, program: Program, answer: Answer) -> None:
    """Do what the program says."""
    sink: Any = None
    for step, number in program:
        if step == "read":
            await exchange.read(number + 1)
        elif step == "read all":
            async for _ in exchange:
                pass
        elif step == "sleep":
            for _ in range(number % 4):
                await asyncio.sleep(0)
        elif step == "respond":
            _respond(exchange, number, answer)
        elif step == "begin":
            headers = HEADERS[number % len(HEADERS)]
            if number % 5 == 1:
                answer.length = SIZES[number % 3 + 1]
                headers = (*headers, (b"content-length", b"%d" % answer.length))
            sink = exchange.begin(200, headers)
            answer.status = 200
        elif step == "write" and sink is not None:
            data = b"w" * SIZES[number % len(SIZES)]
            await sink.write(data)
            answer.body += data
        elif step == "finish" and sink is not None:
            await sink.finish([(b"x-sum", b"1")] if number % 3 == 1 else ())
            answer.complete = True
        elif step == "abort" and sink is not None:
            sink.abort()
        elif step == "inform":
            exchange.inform(103, [(b"link", b"x")])
        elif step == "raise":
            raise _Failed
        elif step == "cancel":
            raise asyncio.CancelledError


def _respond(exchange: Any, number: int, answer: Answer) -> None:
    status = (200, 200, 200, 204, 304, 404)[number % 6]
    body = b"r" * SIZES[number % len(SIZES)]
    exchange.respond(status, HEADERS[number % len(HEADERS)], body)
    answer.status = status
    answer.body = b"" if status in (204, 304) else body
    answer.complete = True


class _Application:
    """Serves the requests of one connection by a list of programs, in turn."""

    def __init__(self) -> None:
        self.programs: list[Program] = []
        self.answers: list[Answer] = []

    def start(self, programs: list[Program]) -> None:
        self.programs = programs
        self.answers = []

    def __call__(self, exchange: Any) -> Any:
        answer = Answer(exchange.method)
        self.answers.append(answer)
        program = self.programs[len(self.answers) % len(self.programs)] if self.programs else []
        if all(step == "respond" for step, _ in program[:1]) and len(program) == 1 and program[0][1] % 2:
            _respond(exchange, program[0][1], answer)
            return None
        return self._misuse(_run(exchange, program, answer))

    @staticmethod
    async def _misuse(work: Any) -> None:
        """What an application may get for what it does is no news."""
        with contextlib.suppress(AnswerError, ValueError):
            await work


class Connections:
    """The whole HTTP/1 protocol, compiled and interpreted, on one of the loops."""

    def __init__(self, loop: str = "asyncio") -> None:
        self.name = f"connection-{loop}"
        self.executions = 0
        self._corpus = seeds("valid")
        self._runner = asyncio.Runner(loop_factory=LOOPS[loop])
        self._stack = contextlib.AsyncExitStack()
        self._applications: dict[str, _Application] = {}
        self._servers: dict[str, Server] = {}
        self._logger = logging.getLogger("asteri")
        self._level = self._logger.level
        self._logger.setLevel(logging.CRITICAL + 1)
        self._faults: list[str] = []
        self._runner.get_loop().set_exception_handler(self._fault)
        self._runner.run(self._open())
        self._descriptors = _descriptors()

    async def _open(self) -> None:
        for form in FORMS:
            self._applications[form] = _Application()
            server = serving(form, self._applications[form], limits=LIMITS)
            self._servers[form] = await self._stack.enter_async_context(server)

    def _fault(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Note what nobody has caught."""
        self._faults.append(f"{context['message']} {context.get('exception')!r}")

    def sample(self, chance: Random) -> Any:
        data = pipeline(chance, self._corpus, calm=True)
        programs = [_program(chance) for _ in range(chance.randrange(1, 4))]
        end = chance.choice(("half-close", "half-close", "half-close", "close", "reset"))
        return data, cuts(chance, data)[:20], programs, end

    def judge(self, sample: Any) -> str | None:
        wrong = self._judge(sample, TURNS)
        if wrong is not None and wrong.startswith("forms differ"):
            # Which of two events is first may be the kernel's choice: only what differs at any pace is a finding.
            wrong = self._judge(sample, 10 * TURNS) and self._judge(sample, 40 * TURNS)
        return wrong

    def _judge(self, sample: Any, turns: int) -> str | None:
        data, places, programs, end = sample
        streams: dict[str, tuple[bytes, bool]] = {}
        for form in FORMS:
            self.executions += 1
            application = self._applications[form]
            application.start([[(str(step), int(number)) for step, number in program] for program in programs])
            pieces = cut(data, places)
            stream = self._runner.run(self._talk(self._servers[form], pieces, end, turns))
            if isinstance(stream, str):
                return f"{form} {stream}"
            if self._faults:
                faults, self._faults = self._faults, []
                return f"{form} does not catch {faults[0].partition(' ')[0]}: {faults}"
            streams[form] = stream
            if end == "half-close" and (wrong := _misread(*stream, application.answers)):
                return f"{form} {wrong}; the stream is {stream}"
        if _descriptors() > self._descriptors:
            return "a descriptor is left"
        if end == "half-close" and not _equal(streams["compiled"], streams["interpreted"]):
            return f"forms differ: {streams}"
        return None

    async def _talk(self, server: Server, pieces: list[bytes], end: str, turns: int) -> tuple[bytes, bool] | str:
        """Return what the client received and whether it ended with a reset, or what is left when it is gone."""
        loop = asyncio.get_running_loop()
        client = socket.socket()
        client.setblocking(False)
        received: list[bytes] = []
        reset = False
        try:
            await loop.sock_connect(client, ("127.0.0.1", server.port))
            try:
                for piece in pieces:
                    if piece:
                        await loop.sock_sendall(client, piece)
                    await _turns(turns)
                    _take(client, received)
                if end == "half-close":
                    client.shutdown(socket.SHUT_WR)
                    async with asyncio.timeout(PATIENCE):
                        while more := await loop.sock_recv(client, 65536):
                            received.append(more)
            except TimeoutError:
                return f"does not end: {b''.join(received)!r}"
            except OSError:
                reset = True
            if end == "reset":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        finally:
            client.close()
        for _ in range(1000):
            await asyncio.sleep(0)
            if not server.connections and not server.tasks:
                break
        else:
            await asyncio.sleep(0.5)
        if server.connections or server.tasks:
            left = f"{server.connections} {server.tasks}"
            for connection in list(server.connections):
                connection.abort()
            for task in list(server.tasks):
                task.cancel()
            await _turns(5)
            return f"leaves something: {left}"
        return DATE.sub(b"", b"".join(received)), reset

    def close(self) -> None:
        """End the servers."""
        self._runner.run(self._stack.aclose())
        self._runner.close()
        self._logger.setLevel(self._level)


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def _take(client: socket.socket, received: list[bytes]) -> None:
    """Read what is there."""
    try:
        while more := client.recv(65536):
            received.append(more)
    except BlockingIOError:
        pass


def _program(chance: Random) -> Program:
    usual: list[list[str]] = [
        ["respond"], ["respond"], ["read all", "respond"], ["sleep", "respond"], ["read", "respond"],
        ["begin", "write", "finish"], ["read all", "begin", "write", "sleep", "write", "finish"], ["begin", "finish"],
        ["inform", "respond"],
    ]  # fmt: skip
    steps = list(chance.choice(usual))
    if chance.random() < 0.3:
        odd = ["raise", "abort", "respond", "begin", "write", "sleep", "read", "read all", "finish", "inform", "cancel"]
        for _ in range(chance.randrange(1, 3)):
            spot = chance.randrange(len(steps) + 1)
            if chance.random() < 0.3:
                del steps[spot:]
            else:
                steps.insert(spot, chance.choice(odd))
    return [(step, chance.randrange(100)) for step in steps]


def _equal(one: tuple[bytes, bool], other: tuple[bytes, bool]) -> bool:
    """Equal streams; what a reset takes away from the client is the kernel's choice."""
    if one[1] and other[1]:
        return one[0].startswith(other[0]) or other[0].startswith(one[0])
    return one == other


def _misread(stream: bytes, reset: bool, answers: list[Answer]) -> str | None:
    """Return what a client takes for something that it is not."""
    closed = False
    for index in range(len(answers) + 2):
        if not stream:
            return None
        if closed:
            return "answers behind an answer that ends the connection"
        answer = answers[index] if index < len(answers) else None
        client = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
        client.send(h11.Request(method=answer.method if answer else "GET", target="/", headers=[("host", "a")]))
        client.send(h11.EndOfMessage())
        client.receive_data(stream)
        if not reset:
            client.receive_data(b"")
        status, body, complete, options = _read_answer(client)
        if not complete:
            return None  # and nothing can follow
        stream = bytes(client.trailing_data[0])
        closed = b"close" in options
        if answer is None:
            if status < 400 or not closed:
                return f"gives an answer to no request: {status}"
        elif answer.complete:
            whole = b"" if answer.method == "HEAD" else answer.body
            if (status, body) != (answer.status, whole) and not (status >= 400 and closed):
                return f"gives another answer to request {index}: {status}"
        elif status < 400 and not answer.delivered(body):
            return f"makes an incomplete answer to request {index} complete: {status} {body!r}"
    return "gives too many answers"


def _read_answer(client: h11.Connection) -> tuple[int, bytes, bool, bytes]:
    """Return status, body, whether the answer is complete, and the value of Connection."""
    status, options, body = 0, b"", b""
    try:
        while True:
            event: Any = client.next_event()
            if isinstance(event, h11.Response):
                status = event.status_code
                options = b",".join(bytes(value) for name, value in event.headers if name == b"connection")
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return status, body, True, options
            elif not isinstance(event, h11.InformationalResponse):
                return status, body, False, options
    except h11.RemoteProtocolError:
        return status, body, False, options
