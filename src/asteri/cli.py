"""The command line: `asteri module:app`.

It reads the options, prints errors without a traceback, and hands over to the supervisor; the exit codes are those of
`asteri.errors.ExitCode`.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Sequence
from importlib import metadata

from asteri import log, settings
from asteri.errors import AsteriError, UsageError
from asteri.supervisor.arbiter import Arbiter
from asteri.wire.compiled import compiled_modules

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="asteri", description="Serve an ASGI, WSGI or Fenrir application over HTTP.", allow_abbrev=False
    )
    parser.add_argument("--version", action="store_true", help="print versions and compiled modules, and exit")
    settings.add_arguments(parser)
    given = vars(parser.parse_args(argv))
    if given.pop("version"):
        print(version_text())
        return 0
    try:
        chosen = settings.from_command_line(given)
        settings.split_target(chosen.target)
    except UsageError as error:
        parser.error(str(error))
    log.configure(chosen.log_level, access=chosen.access_log)
    try:
        return Arbiter(chosen).run()
    except AsteriError as error:
        log.LOGGER.critical("%s", error)
        return error.exit_code


def version_text() -> str:
    """Return the version, the interpreter, and which modules run compiled."""
    try:
        version = metadata.version("fenrir")
    except metadata.PackageNotFoundError:
        version = "(not installed)"
    compiled = ", ".join(name for name, extension in compiled_modules().items() if extension) or "none"
    return f"asteri {version}, {platform.python_implementation()} {platform.python_version()}, compiled: {compiled}"
