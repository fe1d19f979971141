"""Every option of the server, declared once.

A field of `Settings` *is* the option: its type, its default, its command-line flags and its help stand in one line,
and the command line, the environment (`ASTERI_` + the field's name) and the documentation are read from it. The order
of precedence is command line, environment, default. A `Settings` that exists is valid: malformed and contradictory
values raise `UsageError` in the constructor.

Unknown variables `ASTERI_*` are left alone on purpose: a container platform defines names like `ASTERI_PORT` for a
service that happens to be called "asteri".
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, NamedTuple

from asteri.errors import UsageError
from asteri.log import LEVELS

__all__ = [
    "Address",
    "Option",
    "Settings",
    "add_arguments",
    "from_command_line",
    "options",
    "parse_address",
    "split_target",
]


_DAY = 86400.0
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s?#@]+")


class Address(NamedTuple):
    """Where to listen: a host and a port, or the path of a Unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Read `HOST:PORT`, `[IPV6]:PORT`, `:PORT` (all IPv4 interfaces) or `unix:PATH`.

    Raises:
        UsageError: the text is none of these.
    """
    if text.startswith("unix:"):
        if not text[5:]:
            raise UsageError(f"bind {text!r}: the path is missing")
        return Address(path=text[5:])
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"bind {text!r}: write HOST:PORT, [IPV6]:PORT or unix:PATH")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise UsageError(f"bind {text!r}: write an IPv6 address in brackets, [{host}]:{port}")
    return Address(host=host or "0.0.0.0", port=int(port))


class Option(NamedTuple):
    """How one field of `Settings` is spelled outside of Python."""

    name: str
    default: Any
    flags: tuple[str, ...]
    help: str
    read: Callable[[str], Any]
    choices: tuple[str, ...]
    many: bool
    group: str

    @property
    def variable(self) -> str:
        """The name of the environment variable."""
        return f"ASTERI_{self.name.upper()}"


def _truth(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered in ("1", "true", "yes", "on"):
        return True
    if lowered in ("0", "false", "no", "off"):
        return False
    raise ValueError("write one of 1, true, yes, on, 0, false, no, off")


def _option(
    default: Any,
    help: str,
    *flags: str,
    read: Callable[[str], Any] = str,
    choices: tuple[str, ...] = (),
    group: str = "server",
) -> Any:
    meta = {"help": help, "flags": flags, "read": read, "choices": choices, "group": group}
    return field(default=default, metadata=meta)


def _is_like(value: Any, default: Any) -> bool:
    """Return whether a value has its default's type; an int may stand for a float, but no bool for a number."""
    if isinstance(default, tuple):
        return isinstance(value, tuple) and all(isinstance(item, str) for item in value)
    if isinstance(default, float):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return type(value) is type(default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options of one server. Times are in seconds, sizes in bytes."""

    target: str = _option("", "application as module:attribute, or module:factory with --factory", group="application")
    factory: bool = _option(
        False, "the target is called without arguments and returns the application", read=_truth, group="application"
    )
    app_dir: str = _option(".", "directory that the target is imported from", group="application")
    interface: str = _option(
        "auto", "how to call the application", choices=("auto", "direct", "asgi", "wsgi"), group="application"
    )
    lifespan: str = _option(
        "auto", "ASGI lifespan: on = must succeed, off = not called", choices=("auto", "on", "off"), group="application"
    )
    root_path: str = _option("", "path prefix that a proxy has removed", group="application")
    threads: int = _option(40, "threads of each worker for a WSGI application", read=int, group="application")

    bind: tuple[str, ...] = _option(("127.0.0.1:8000",), "HOST:PORT, [IPV6]:PORT or unix:PATH; may be repeated", "-b")
    workers: int = _option(1, "number of worker processes", "-w", read=int)
    loop: str = _option("auto", "event loop; auto = uvloop where installed", choices=("auto", "asyncio", "uvloop"))
    underscore_headers: str = _option(
        "drop", "header fields whose names have an underscore; refuse = answer 400", choices=("drop", "refuse")
    )
    backlog: int = _option(2048, "connections that the kernel keeps waiting", read=int)
    graceful_timeout: float = _option(30.0, "time for requests in flight when a worker stops", read=float)

    reload: bool = _option(False, "restart the workers when a source file changes", read=_truth, group="development")
    reload_dir: tuple[str, ...] = _option(
        (), "directory to watch besides the imported modules (default: --app-dir); may be repeated", group="development"
    )
    reload_include: tuple[str, ...] = _option(
        ("*.py",), "pattern of file names to watch; may be repeated", group="development"
    )

    access_log: bool = _option(False, "write one line per request to stdout", read=_truth, group="log")
    log_level: str = _option("info", "least severity that is logged", choices=LEVELS, group="log")

    keep_alive: float = _option(75.0, "how long an idle connection is kept", read=float, group="deadlines")
    header_timeout: float = _option(10.0, "time for a request's head to arrive", read=float, group="deadlines")
    write_timeout: float = _option(60.0, "longest time that a peer may refuse data", read=float, group="deadlines")

    limit_request_line: int = _option(8192, "bytes of the request line", read=int, group="limits")
    limit_header_size: int = _option(16384, "bytes of one header field", read=int, group="limits")
    limit_header_count: int = _option(100, "number of header fields", read=int, group="limits")
    limit_header_total: int = _option(65536, "bytes of all header fields", read=int, group="limits")
    limit_body: int = _option(0, "bytes of a request's body; 0 = no limit", read=int, group="limits")

    ws_max_message: int = _option(1 << 24, "bytes of one message, inflated", read=int, group="websocket")
    ws_ping_interval: float = _option(20.0, "time from ping to ping; 0 = none", read=float, group="websocket")
    ws_ping_timeout: float = _option(
        20.0, "how long nothing may arrive after a ping before the peer is given up", read=float, group="websocket"
    )
    ws_origins: tuple[str, ...] = _option(
        (), "origin that browsers may connect from (default: any); may be repeated", group="websocket"
    )
    ws_deflate: bool = _option(True, "compress messages where the peer offers it", read=_truth, group="websocket")

    def __post_init__(self) -> None:
        for option in options():
            value = getattr(self, option.name)
            if not _is_like(value, option.default):
                raise UsageError(f"{option.name} {value!r}: must be like {option.default!r}")
            if option.choices and value not in option.choices:
                raise UsageError(f"{option.name} {value!r}: choose from {', '.join(option.choices)}")
        limits = (o.name for o in options() if o.group == "limits")
        for name in ("workers", "threads", "backlog", "ws_max_message", *limits):
            least = 0 if name == "limit_body" else 1
            if getattr(self, name) < least:
                raise UsageError(f"{name} {getattr(self, name)}: must be at least {least}")
        deadlines = (o.name for o in options() if o.group == "deadlines")
        for name in ("graceful_timeout", "ws_ping_interval", "ws_ping_timeout", *deadlines):
            if not 0 <= getattr(self, name) <= _DAY:
                raise UsageError(f"{name} {getattr(self, name)}: must be between 0 and {_DAY:g} seconds")
        self._check_combinations()

    def _check_combinations(self) -> None:
        if not self.bind:
            raise UsageError("bind: give at least one address")
        addresses = self.addresses
        if len({a for a in addresses if a.port or a.path}) < sum(1 for a in addresses if a.port or a.path):
            raise UsageError(f"bind: the same address twice in {', '.join(self.bind)}")
        if self.reload_dir and not self.reload:
            raise UsageError("reload_dir needs reload")
        if self.interface == "wsgi" and self.lifespan == "on":
            raise UsageError("lifespan on: a WSGI application has no lifespan")
        if self.root_path and (not self.root_path.startswith("/") or self.root_path.endswith("/")):
            raise UsageError(f"root_path {self.root_path!r}: write it with a slash in front and none at the end")
        for origin in self.ws_origins:
            if origin != "null" and not _ORIGIN.fullmatch(origin):
                raise UsageError(f"ws_origins {origin!r}: write it as browsers do, https://example.org or with :PORT")

    @property
    def addresses(self) -> tuple[Address, ...]:
        """`bind`, parsed."""
        return tuple(parse_address(text) for text in self.bind)

    @classmethod
    def of(cls, **values: Any) -> Settings:
        """Return settings from keywords; one string is accepted where several are possible.

        Raises:
            UsageError: a keyword is unknown, or a value is malformed.
        """
        known = {option.name: option for option in options()}
        for name, value in values.items():
            if name not in known:
                raise UsageError(f"unknown option {name!r}; known are {', '.join(sorted(known))}")
            if known[name].many:
                values[name] = (value,) if isinstance(value, str) else tuple(value)
        return cls(**values)


def options() -> tuple[Option, ...]:
    """Return the table of options, in the order of declaration."""
    return _OPTIONS


def _read_table() -> tuple[Option, ...]:
    def entry(item: Field[Any]) -> Option:
        meta = item.metadata
        long = f"--{item.name.replace('_', '-')}"
        return Option(
            item.name,
            item.default,
            () if item.name == "target" else (*meta["flags"], long),
            meta["help"],
            meta["read"],
            meta["choices"],
            isinstance(item.default, tuple),
            meta["group"],
        )

    return tuple(entry(item) for item in fields(Settings))


_OPTIONS = _read_table()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add every option to a parser. Options that are not given leave no attribute in the namespace."""
    groups: dict[str, argparse._ArgumentGroup] = {}
    for option in options():
        if option.name == "target":
            parser.add_argument("target", nargs="?", default=argparse.SUPPRESS, metavar="MODULE:APP", help=option.help)
            continue
        group = groups.get(option.group)
        if group is None:
            group = groups[option.group] = parser.add_argument_group(option.group)
        default = ", ".join(option.default) if option.many else option.default
        shown = "" if default in (False, "") else f" (default: {default})"
        extra: dict[str, Any] = {"dest": option.name, "default": argparse.SUPPRESS, "help": option.help + shown}
        if isinstance(option.default, bool):
            extra["action"] = argparse.BooleanOptionalAction
        else:
            extra.update(type=option.read, metavar=_metavar(option), action="append" if option.many else "store")
            if option.choices:
                extra["choices"] = option.choices
        group.add_argument(*option.flags, **extra)


def _metavar(option: Option) -> str:
    if option.choices:
        return "|".join(option.choices)
    if option.name == "bind":
        return "ADDRESS"
    if option.read is int:
        return "N"
    return "SECONDS" if option.read is float else option.name.rpartition("_")[2].upper()


def from_command_line(given: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> Settings:
    """Return settings from parsed arguments and the environment.

    Raises:
        UsageError: a value is malformed, or two contradict each other.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for option in options():
        if option.name in given:
            values[option.name] = tuple(given[option.name]) if option.many else given[option.name]
        elif option.variable in environ:
            values[option.name] = _from_environment(option, environ[option.variable])
    return Settings(**values)


def _from_environment(option: Option, text: str) -> Any:
    try:
        if option.many:
            return tuple(option.read(part.strip()) for part in text.split(",") if part.strip())
        return option.read(text)
    except ValueError as error:
        raise UsageError(f"{option.variable}={text!r}: {error}") from None


def split_target(target: str) -> tuple[str, str]:
    """Return module and attribute path of a target.

    Raises:
        UsageError: it is not of the form module:attribute.
    """
    module, colon, attribute = target.partition(":")
    if not module or not colon or not all(part.isidentifier() for part in [*module.split("."), *attribute.split(".")]):
        raise UsageError(f"target {target!r}: write it as module:attribute, for example main:app")
    return module, attribute
