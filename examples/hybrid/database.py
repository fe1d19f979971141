"""The SQLite file: its schema, its first rows, and a few connections that requests borrow.

Connections are in autocommit mode; `read` and `write` open the transactions. A writing one takes SQLite's lock at once
(BEGIN IMMEDIATE): a transaction that reads first and writes later could otherwise fail in the middle.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Database", "password_hash"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS people (
    name TEXT PRIMARY KEY, salt BLOB NOT NULL, password BLOB NOT NULL, staff INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS books (
    id INTEGER PRIMARY KEY, title TEXT NOT NULL, author TEXT NOT NULL, year INTEGER NOT NULL,
    cents INTEGER NOT NULL, room INTEGER NOT NULL, stock INTEGER NOT NULL CHECK (stock BETWEEN 0 AND room)
) STRICT;
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT, book INTEGER NOT NULL REFERENCES books,
    person TEXT NOT NULL REFERENCES people, copies INTEGER NOT NULL CHECK (copies > 0),
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT;
CREATE TABLE IF NOT EXISTS news (
    id INTEGER PRIMARY KEY AUTOINCREMENT, book INTEGER NOT NULL REFERENCES books, stock INTEGER NOT NULL,
    text TEXT NOT NULL, at TEXT NOT NULL DEFAULT (strftime('%H:%M:%S', 'now'))
) STRICT;
"""

# id, title, author, year, price in cents, copies that the shelf has room for
BOOKS = [
    (1, "Frankenstein", "Mary Shelley", 1818, 950, 5),
    (2, "Jane Eyre", "Charlotte Brontë", 1847, 1100, 4),
    (3, "Moby-Dick", "Herman Melville", 1851, 1400, 3),
    (4, "Walden", "Henry David Thoreau", 1854, 890, 6),
    (5, "Treasure Island", "Robert Louis Stevenson", 1883, 920, 5),
    (6, "Flatland", "Edwin A. Abbott", 1884, 680, 8),
    (7, "The Time Machine", "H. G. Wells", 1895, 750, 6),
    (8, "Dracula", "Bram Stoker", 1897, 1000, 4),
]
PEOPLE = [("ada", "lovelace", 0), ("grace", "hopper", 1)]  # name, password, works here


def password_hash(password: str, salt: bytes) -> bytes:
    """Return what is kept instead of a password."""
    return hashlib.scrypt(password.encode(), salt=salt, n=2**12, r=8, p=1)


class Database:
    """One SQLite file.

    Args:
        path: the file; it and its folder are made if they are missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()

    def open(self) -> None:
        """Make the tables and the first rows unless they are there."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._borrowed() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(SCHEMA)
        with self.write() as connection:
            if connection.execute("SELECT 1 FROM books").fetchone() is None:
                self._fill(connection)

    def _fill(self, connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO settings VALUES ('secret', ?), ('van left', '0')", (secrets.token_hex(32),))
        connection.executemany("INSERT INTO books VALUES (?, ?, ?, ?, ?, ?, ?)", [(*book, book[-1]) for book in BOOKS])
        for name, password, staff in PEOPLE:
            salt = secrets.token_bytes(16)
            connection.execute(
                "INSERT INTO people VALUES (?, ?, ?, ?)", (name, salt, password_hash(password, salt), staff)
            )

    def close(self) -> None:
        """Close the connections that nobody uses."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that sees one state of the data until the end of the block."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that nobody writes beside; an exception in the block undoes everything."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._borrowed() as connection:
            connection.execute(begin)
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _borrowed(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            connection = self._idle.pop() if self._idle else self._connect()
        try:
            yield connection
        finally:
            with self._lock:
                self._idle.append(connection)

    def _connect(self) -> sqlite3.Connection:
        # A connection is lent to one thread at a time, but to different ones.
        connection = sqlite3.connect(self.path, timeout=10, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        return connection
