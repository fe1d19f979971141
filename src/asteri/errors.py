"""Errors that end the server, and the exit code of each.

An `AsteriError` is addressed to the operator: its text is printed as it is, without a traceback, and the process ends
with its `exit_code`. Errors of a single request are no business of this file (see `asteri.exchange`).
"""

from __future__ import annotations

from enum import IntEnum

__all__ = ["ApplicationError", "AsteriError", "BindError", "ExitCode", "UsageError"]


class ExitCode(IntEnum):
    """What the exit code of `asteri` (and of one worker) tells."""

    OK = 0
    FAILURE = 1  # something had to be killed, or went wrong in the server itself
    USAGE = 2  # unknown, malformed or contradictory options
    APPLICATION = 3  # the application could not be imported, or its startup failed
    BIND = 4  # an address could not be bound


class AsteriError(Exception):
    """An error with a text for the operator."""

    exit_code = ExitCode.FAILURE


class UsageError(AsteriError, ValueError):
    """An option is unknown, malformed, or contradicts another one."""

    exit_code = ExitCode.USAGE


class ApplicationError(AsteriError):
    """The application can not be imported, is of no known kind, or failed to start."""

    exit_code = ExitCode.APPLICATION


class BindError(AsteriError):
    """An address can not be listened on."""

    exit_code = ExitCode.BIND
