"""The SQLite file of a request count: made private, opened by several processes at once, filled from a former place."""

import os
import sqlite3
import stat
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

from leads_assets.engine.errors import ConfigurationError

BUSY_SECONDS = 30.0
"""Longest wait for a process that holds the file."""
_BUSY_NAP = 0.01
_OTHERS_AT_IT = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL)
"""The second where so many open the log at once that SQLite gives up waiting for its turn."""
_MAKING = threading.Lock()
_SCHEMA = """
CREATE TABLE IF NOT EXISTS spent (day TEXT PRIMARY KEY, requests INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS turn (
    one INTEGER PRIMARY KEY CHECK (one = 1), taken_at REAL NOT NULL, free_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS quota_pause (
    one INTEGER PRIMARY KEY CHECK (one = 1), began_at REAL NOT NULL, until REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS need (endpoint TEXT PRIMARY KEY, requests INTEGER NOT NULL, noted_at REAL NOT NULL);
"""
_ADD = """
INSERT INTO spent VALUES (?, ?) ON CONFLICT (day) DO UPDATE SET requests = requests + excluded.requests
"""
_PAUSE_TOO = """
INSERT INTO quota_pause VALUES (1, ?, ?)
ON CONFLICT (one) DO UPDATE SET began_at = excluded.began_at, until = excluded.until WHERE until < excluded.until
"""


def open_count(path: Path, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    """The count, made as needed: its folder for this user alone, its file too, and never through a link.

    Another process that holds it is waited for `busy_seconds` at most, also later. Raises
    ConfigurationError if it cannot be used.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _MAKING:
            _make(path)
        return _opened(path, busy_seconds)
    except (OSError, sqlite3.Error) as error:
        raise unusable(path, error) from None


def take_over(count: sqlite3.Connection, path: Path, former: Path, busy_seconds: float = BUSY_SECONDS) -> None:
    """Move what was counted at `former`, a file of the same form, into the `count` at `path`, and remove that file.

    Where this is killed in between, requests count twice rather than not at all. Raises ConfigurationError if the
    former file cannot be read.
    """
    if not _is_count(former):
        return
    try:
        # SQLite's own locks do not cover the removal.
        with FileLock(f"{path}.lock", timeout=busy_seconds, mode=0o600):
            if not _is_count(former):
                return
            spent, pauses = _content(former, busy_seconds)
            count.execute("BEGIN IMMEDIATE")
            count.executemany(_ADD, spent)
            count.executemany(_PAUSE_TOO, pauses)
            count.execute("COMMIT")
            for name in (f"{former}-wal", f"{former}-shm", former):
                Path(name).unlink(missing_ok=True)
    except (OSError, sqlite3.Error) as error:
        with suppress(sqlite3.Error):
            count.execute("ROLLBACK")
        raise unusable(former, error) from None


def _is_count(former: Path) -> bool:
    return former.is_file() and not former.is_symlink()


def _content(former: Path, busy_seconds: float) -> tuple[list[Any], list[Any]]:
    with closing(_opened(former, busy_seconds)) as before:
        spent = before.execute("SELECT day, requests FROM spent").fetchall()
        return spent, before.execute("SELECT began_at, until FROM quota_pause").fetchall()


def unusable(path: Path, error: Exception) -> ConfigurationError:
    """What to tell the user about a count that cannot be used."""
    return ConfigurationError(
        f"the request count {path} cannot be used ({type(error).__name__}):"
        " check that its folder is writable, or delete the file to start a new count"
    )


def _make(path: Path) -> None:
    """Make the file where there is none.

    SQLite follows links, so a file that is there is looked at. It is not opened for that: closing it would end the
    locks that this process holds on it. Raises OSError for a link, a folder or a device.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
    except FileExistsError:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise


def _opened(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """The file with its tables. SQLite does not wait where several processes make them at once, so this does."""
    ends = time.monotonic() + busy_seconds
    while True:
        left = max(0.0, ends - time.monotonic())
        database = sqlite3.connect(path, timeout=left, isolation_level=None, check_same_thread=False)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.executescript(_SCHEMA)
        except sqlite3.Error as error:
            database.close()
            if error.sqlite_errorcode & 0xFF not in _OTHERS_AT_IT or time.monotonic() > ends:
                raise
            time.sleep(_BUSY_NAP)
        else:
            database.execute(f"PRAGMA busy_timeout = {busy_seconds * 1000:.0f}")
            return database
