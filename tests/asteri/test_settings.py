"""Every option is declared once, and a `Settings` that exists is valid."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from asteri.errors import UsageError
from asteri.settings import Address, Settings, add_arguments, from_command_line, options, parse_address, split_target


def from_arguments(*argv: str, environ: dict[str, str] | None = None) -> Settings:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return from_command_line(vars(parser.parse_args(argv)), environ or {})


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8000", Address("127.0.0.1", 8000)),
        ("[::1]:8000", Address("::1", 8000)),
        ("localhost:0", Address("localhost", 0)),
        (":80", Address("0.0.0.0", 80)),
        ("unix:/run/a.sock", Address(path="/run/a.sock")),
    ],
)
def test_address(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize("text", ["", "8000", "host", "host:", "host:x", "host:65536", "::1:8000", "unix:", "h:²"])
def test_malformed_address(text: str) -> None:
    with pytest.raises(UsageError, match="bind"):
        parse_address(text)


def test_precedence() -> None:
    environ = {"ASTERI_WORKERS": "3", "ASTERI_BIND": "127.0.0.1:1, unix:/a", "ASTERI_RELOAD": "yes"}
    settings = from_arguments("main:app", "-w", "2", "--no-reload", environ=environ)
    assert settings == Settings(target="main:app", workers=2, bind=("127.0.0.1:1", "unix:/a"))


def test_every_option_has_a_flag_and_a_variable() -> None:
    for option in options():
        if option.name != "target":
            assert option.flags[-1] == f"--{option.name.replace('_', '-')}"
        assert option.variable.startswith("ASTERI_")
        assert option.help


def test_repeated_bind() -> None:
    assert from_arguments("a:b", "-b", "[::1]:1", "--bind", ":2").bind == ("[::1]:1", ":2")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"workers": 0}, "workers 0"),
        ({"interface": "cgi"}, "choose from auto, direct, asgi, wsgi"),
        ({"graceful_timeout": -1.0}, "graceful_timeout"),
        ({"keep_alive": float("nan")}, "keep_alive"),
        ({"bind": ()}, "at least one"),
        ({"bind": ("a:1", "a:1")}, "twice"),
        ({"reload_dir": "src"}, "reload_dir needs reload"),
        ({"interface": "wsgi", "lifespan": "on"}, "no lifespan"),
        ({"root_path": "/a/"}, "root_path"),
        ({"limit_header_count": 0}, "limit_header_count"),
        ({"ws_max_message": 0}, "ws_max_message"),
        ({"ws_ping_interval": -1.0}, "ws_ping_interval"),
        ({"ws_ping_timeout": float("inf")}, "ws_ping_timeout"),
        ({"ws_origins": "example.org"}, "ws_origins 'example.org': write it as browsers do"),
        ({"ws_origins": "https://example.org/"}, "ws_origins"),
        ({"workers": "3"}, "must be like 1"),
        ({"workers": True}, "must be like 1"),
        ({"reload": "no"}, "must be like False"),
        ({"bind": (8000,)}, "must be like"),
        ({"worker": 3}, "unknown option 'worker'"),
    ],
)
def test_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Settings.of(**values)


def test_malformed_variable_is_named() -> None:
    with pytest.raises(UsageError, match="ASTERI_RELOAD='perhaps'"):
        from_arguments(environ={"ASTERI_RELOAD": "perhaps"})


def test_a_free_port_may_be_asked_for_twice() -> None:
    assert len(Settings.of(bind=["127.0.0.1:0", "127.0.0.1:0"]).addresses) == 2


@pytest.mark.parametrize("target", ["", "main", "main:", ":app", "a-b:app", "main:app()", "main:a..b"])
def test_malformed_target(target: str) -> None:
    with pytest.raises(UsageError, match="module:attribute"):
        split_target(target)
