"""The arbiter: how many workers there are, of which version, and when one has to go.

Everything happens in one loop that waits for signals, for lines from children and for the next deadline, and then
settles the difference between what is and what is wanted. Its rules:

1. A *generation* is one version of the application. SIGHUP and a changed file start the next one; the workers of the
   former retire only when *all* of the new one are ready. If one of them fails to start, the new generation is given
   up and the former goes on serving.
2. A worker that dies is replaced at once; after three quick deaths in a row with exponentially growing pauses.
3. An application that can not be started at all ends the server with exit code 3; with --reload it waits for a change.
4. SIGTERM and SIGINT let the workers finish; a second one, or SIGQUIT, does not. Who exceeds the deadline is killed.
"""

from __future__ import annotations

import selectors
import signal
import socket
import time

from asteri.errors import ExitCode
from asteri.log import LOGGER
from asteri.settings import Settings
from asteri.supervisor import notify, sockets
from asteri.supervisor.child import Child, fork
from asteri.supervisor.signals import SignalPipe

__all__ = ["Arbiter", "respawn_pause"]

WORKER = "asteri.worker.process:main"
WATCHER = "asteri.supervisor.reload:main"

_SLACK = 5.0  # for lifespan shutdown, after the requests' own deadline has passed in the worker
_FAST = 3.0  # from SIGQUIT to SIGKILL
_ATTEMPTS = 3  # deaths more than workers, before the first one is ready, that end the server
_KILLED = float("inf")
_QUICK = 1.0  # a worker that served for less than this died quickly


def respawn_pause(quick_deaths: int) -> float:
    """Return how many seconds to wait before the next worker after this many quick deaths in a row."""
    return 0.0 if quick_deaths <= 3 else min(30.0, 0.25 * 2 ** (quick_deaths - 3))


class Arbiter:
    """The supervisor's main object: one per server, main thread only."""

    def __init__(self, settings: Settings, *, worker: str = WORKER) -> None:
        self._settings = settings
        self._worker = worker
        self._size = settings.workers
        self._listeners: list[socket.socket] = []
        self._children: dict[int, Child] = {}
        self._watcher: Child | None = None
        self._watched = set(settings.reload_dir or (settings.app_dir,))
        self._watching: set[str] = set()
        self._rolls = 1
        self._generation = 1  # what new workers belong to
        self._complete = 0  # the last generation of which all workers were ready
        self._quick_deaths = 0
        self._respawn_at = 0.0
        self._broken = False  # --reload: the current version does not start, so wait for the next
        self._stopping = False
        self._exit_code = ExitCode.OK

    def run(self) -> int:
        """Serve until a signal ends it, and return the exit code.

        Raises:
            BindError: an address can not be listened on.
        """
        self._listeners = sockets.bind(self._settings.addresses, self._settings.backlog)
        self._selector = selectors.DefaultSelector()
        self._signals = SignalPipe()
        try:
            for listener in self._listeners:
                LOGGER.info("listening on %s", sockets.url(listener))
            self._selector.register(self._signals, selectors.EVENT_READ)
            if self._settings.reload:
                self._watch()
            self._loop()
        finally:
            for child in self._everyone():
                child.end()
            self._selector.close()
            self._signals.close()
            sockets.close(self._listeners, self._settings.addresses)
        LOGGER.info("stopped")
        return self._exit_code

    def _loop(self) -> None:
        while True:
            now = time.monotonic()
            self._settle(now)
            if self._stopping and not self._children:
                return
            self._selector.select(self._patience(now))
            now = time.monotonic()
            for child in self._everyone():
                self._listen(child, now)
            for number in self._signals.read():
                self._on_signal(number, now)
            self._reap(now)
            if self._settings.reload and self._watched != self._watching and not self._stopping:
                self._watch()

    def _everyone(self) -> list[Child]:
        return [*self._children.values(), *([self._watcher] if self._watcher else [])]

    def _patience(self, now: float) -> float | None:
        deadlines = [child.kill_at for child in self._everyone() if child.kill_at not in (None, _KILLED)]
        if self._respawn_at > now and not self._stopping:
            deadlines.append(self._respawn_at)
        return max(0.0, min(deadlines) - now) if deadlines else None

    # What is wanted

    def _settle(self, now: float) -> None:
        """Make what is like what is wanted, as far as that is possible now."""
        for child in self._everyone():
            if child.kill_at is not None and child.kill_at <= now:
                LOGGER.warning("process %d did not end in time: killed", child.pid)
                child.send(signal.SIGKILL)
                child.kill_at = _KILLED
                self._exit_code = self._exit_code or ExitCode.FAILURE
        if self._stopping:
            return
        current = [c for c in self._children.values() if c.generation == self._generation and c.wanted]
        for child in current[self._size :]:
            self._retire(child, now)
        if len(current) < self._size and not self._broken and now >= self._respawn_at:
            for _ in range(self._size - len(current)):
                self._spawn()
        elif sum(child.ready_at is not None for child in current) >= self._size:
            self._complete = self._generation
            for child in self._children.values():
                if child.wanted and child.generation != self._generation:
                    self._retire(child, now)

    def _spawn(self) -> None:
        child = fork(self._worker, (self._settings, self._listeners), self._shed)
        child.generation = self._generation
        self._children[child.pid] = child
        self._selector.register(child.link, selectors.EVENT_READ)
        LOGGER.debug("worker %d started", child.pid)

    def _shed(self) -> None:
        """Close in a child what is its parent's."""
        self._selector.close()
        self._signals.forget()
        for child in self._everyone():
            child.link.close()

    def _retire(self, child: Child, now: float, *, fast: bool = False) -> None:
        child.send(signal.SIGQUIT if fast else signal.SIGTERM)
        kill_at = now + (_FAST if fast else self._settings.graceful_timeout + _SLACK)
        child.kill_at = kill_at if child.kill_at is None else min(kill_at, child.kill_at)

    def _roll(self, now: float) -> None:
        """Start a new generation."""
        if self._stopping:
            return
        for child in self._children.values():
            unfinished = child.ready_at is None or 0 < self._complete < child.generation
            if child.wanted and unfinished:
                self._retire(child, now, fast=True)
        self._rolls += 1
        self._generation = self._rolls
        self._broken = False
        self._quick_deaths = 0
        self._respawn_at = 0.0

    def _stop(self, now: float, *, fast: bool) -> None:
        if not self._stopping:
            self._stopping = True
            # The workers have their own descriptors and empty the queue; whoever comes later is refused, not left
            # waiting.
            sockets.close(self._listeners, self._settings.addresses)
            self._listeners = []
        for child in self._everyone():
            self._retire(child, now, fast=fast)

    # What happens

    def _on_signal(self, number: signal.Signals, now: float) -> None:
        if number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            fast = self._stopping or number == signal.SIGQUIT
            LOGGER.info("%s: %s", number.name, "stopping now" if fast else "stopping; again to stop at once")
            self._stop(now, fast=fast)
        elif number == signal.SIGHUP:
            LOGGER.info("SIGHUP: starting new workers")
            self._roll(now)
        elif number in (signal.SIGTTIN, signal.SIGTTOU):
            self._size = max(1, self._size + (1 if number == signal.SIGTTIN else -1))
            LOGGER.info("%s: %d workers", number.name, self._size)

    def _listen(self, child: Child, now: float) -> None:
        if child.link.ended():
            return
        for word, argument in child.link.read():
            if word == notify.READY:
                child.ready_at = now
                LOGGER.info("worker %d is ready", child.pid)
            elif word == notify.WATCH:
                self._watched.add(argument)
            elif word == notify.CHANGED and child.wanted:
                LOGGER.info("changed: %s", argument)
                self._roll(now)
        if child.link.ended():
            self._selector.unregister(child.link)

    def _reap(self, now: float) -> None:
        for child in self._everyone():
            code = child.reap()
            if code is None:
                continue
            self._listen(child, now)
            if not child.link.ended():
                self._selector.unregister(child.link)
            child.link.close()
            if child is self._watcher:
                self._watcher = None
                if child.wanted and not self._stopping:
                    LOGGER.error("the file watcher %s: files are no longer watched", _how(code))
            else:
                del self._children[child.pid]
                self._on_exit(child, code, now)

    def _on_exit(self, child: Child, code: int, now: float) -> None:
        if not child.wanted or self._stopping:
            LOGGER.debug("worker %d %s", child.pid, _how(code))
            return
        LOGGER.error("worker %d %s", child.pid, _how(code))
        if child.ready_at is None and child.generation != self._complete and self._complete:
            self._give_up(now)
        elif child.ready_at is None and self._settings.reload:
            LOGGER.error("the application does not start: waiting for a change")
            self._broken = True
        elif child.ready_at is None and not self._complete and code in (ExitCode.APPLICATION, ExitCode.USAGE):
            self._exit_code = ExitCode(code)
            self._stop(now, fast=True)
        else:
            quick = child.ready_at is None or now - child.ready_at < _QUICK
            self._quick_deaths = self._quick_deaths + 1 if quick else 0
            if not self._complete and self._quick_deaths > self._size + _ATTEMPTS:
                LOGGER.critical("the workers die before they serve: giving up")
                self._exit_code = ExitCode.APPLICATION
                self._stop(now, fast=True)
                return
            pause = respawn_pause(self._quick_deaths)
            self._respawn_at = now + pause
            if pause:
                LOGGER.error("workers die quickly: the next one starts in %g s", pause)

    def _give_up(self, now: float) -> None:
        """Return to the last complete generation."""
        for child in self._children.values():
            if child.wanted and child.generation != self._complete:
                self._retire(child, now, fast=True)
        self._generation = self._complete
        LOGGER.error("the new version does not start: the old one goes on serving")

    def _watch(self) -> None:
        """Start the file watcher, or start it again for more directories."""
        if self._watcher is not None:
            self._selector.unregister(self._watcher.link)
            self._watcher.end()
        self._watching = set(self._watched)
        directories = tuple(sorted(self._watching))
        self._watcher = fork(WATCHER, (directories, self._settings.reload_include), self._shed)
        self._selector.register(self._watcher.link, selectors.EVENT_READ)
        LOGGER.info("watching %s", ", ".join(directories))


def _how(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
