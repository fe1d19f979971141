"""What the environment asks for: debug mode, and whether its files are read."""

from __future__ import annotations

import os

__all__ = ["get_debug_flag", "get_load_dotenv"]


def get_debug_flag() -> bool:
    """Say whether `FLASK_DEBUG` asks for debug mode."""
    value = os.environ.get("FLASK_DEBUG")
    return bool(value and value.lower() not in ("0", "false", "no"))


def get_load_dotenv(default: bool = True) -> bool:
    """Say whether `.env` and `.flaskenv` are read, which `FLASK_SKIP_DOTENV` forbids."""
    value = os.environ.get("FLASK_SKIP_DOTENV")
    return value.lower() in ("0", "false", "no") if value else default
