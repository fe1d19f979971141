"""Sessions: one object per request, under every dialect's name, kept in a signed cookie.

    configure_sessions(engine, SessionConfig(secret_key=...))
    session_of(c)["user"] = 7

The cookie has the format of Flask's sessions (`signed`): a real Flask with the same key reads it, and writes what is
read here. A session is opened when it is first asked for and saved just before the response is sent (`store`).
"""

from fenrir.kit.sessions.config import SessionConfig, configure_sessions
from fenrir.kit.sessions.session import Session
from fenrir.kit.sessions.signed import SignedCookies
from fenrir.kit.sessions.store import save_session, session_of
from fenrir.kit.sessions.tagged import JSONTag, TaggedJSONSerializer

__all__ = [
    "JSONTag",
    "Session",
    "SessionConfig",
    "SignedCookies",
    "TaggedJSONSerializer",
    "configure_sessions",
    "save_session",
    "session_of",
]
