"""Opening the warehouse: one writer of a machine at a time, for no longer than a transaction."""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout

from leads_assets.warehouse.errors import LoadFailed, WarehouseBusy, WarehouseUnusable

MEMORY_LIMIT = "300MB"
"""Enough for any load: larger ones spill to disk beside the warehouse. Process memory stays below 500 MB."""
RESERVED_STEMS = frozenset({"main", "ops", "marts", "temp", "system"})
_POLL_SECONDS = 0.05


class Session:
    """An open connection whose failures name the step, never a value."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, what: str) -> None:
        self.connection = connection
        self._what = what

    def run(self, step: str, sql: str, params: object = None) -> list[tuple[Any, ...]]:
        """Execute one statement and return its rows. Raises LoadFailed, which names `step`."""
        return self.execute(step, sql, params).fetchall()

    def execute(self, step: str, sql: str, params: object = None) -> duckdb.DuckDBPyConnection:
        """Execute one statement and leave its result on the connection. Raises LoadFailed, which names `step`."""
        try:
            return self.connection.execute(sql, params)
        except duckdb.Error as error:
            raise LoadFailed(failure(self._what, step, error)) from None

    def one(self, step: str, sql: str, params: object = None) -> tuple[Any, ...]:
        """The only row of a statement."""
        return self.run(step, sql, params)[0]


def failure(what: str, step: str, error: duckdb.Error) -> str:
    """A sentence about a failed statement that quotes nothing of it."""
    text = str(error)
    if "No space left" in text or "Disk quota" in text or "File too large" in text or "could not write all" in text:
        hint = "the disk is full: free some space and run again"
    elif isinstance(error, duckdb.OutOfMemoryException):
        hint = f"the memory limit of {MEMORY_LIMIT} and the disk for spilling are used up"
    elif isinstance(error, duckdb.IOException | duckdb.FatalException):
        hint = "check the disk and the rights on the file and its folder"
    else:
        hint = "please report it with the statement's name"
    return f"{what}: {type(error).__name__} while {step}; nothing was changed ({hint})"


class Warehouse:
    """The address of a DuckDB file, and the manners of opening it.

    `lock_seconds` bounds the wait for other writers. Clock and sleep are parameters so that tests need not wait.
    """

    def __init__(
        self,
        path: Path,
        *,
        lock_seconds: float = 120.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Nothing is opened yet. Raises WarehouseUnusable for a file name that DuckDB would mix up with a schema."""
        if path.stem.lower() in RESERVED_STEMS:
            raise WarehouseUnusable(
                f"the warehouse must not be called {path.name}: DuckDB would mix the file up with its schema"
                f" {path.stem}; set LEADS_WAREHOUSE to another name"
            )
        self.path = path
        self._lock_seconds = lock_seconds
        self._clock, self._sleep = clock, sleep

    @property
    def spool_root(self) -> Path:
        """Where extracts wait to be loaded."""
        return self._beside(".spool")

    def _beside(self, ending: str) -> Path:
        return self.path.with_name(self.path.name + ending)

    @contextmanager
    def write(self, what: str) -> Iterator[Session]:
        """A read-write session, alone on this machine. Raises WarehouseBusy or WarehouseUnusable."""
        with self.locked() as ends:
            connection = self._connect(ends, read_only=False)
            try:
                yield Session(connection, what)
            finally:
                _close(connection)

    @contextmanager
    def read(self, what: str) -> Iterator[Session | None]:
        """A read-only session, or None where there is no warehouse yet."""
        if not self.path.exists():
            yield None
            return
        with self.locked() as ends:
            connection = self._connect(ends, read_only=True)
            try:
                yield Session(connection, what)
            finally:
                _close(connection)

    @contextmanager
    def locked(self) -> Iterator[float]:
        """Hold the lock of this machine's writers; yields the time at which waiting for the file itself must end."""
        ends = self._clock() + self._lock_seconds
        holder = self._beside(".lock.holder")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self._beside(".lock"))
            lock.acquire(timeout=self._lock_seconds, poll_interval=_POLL_SECONDS)
        except Timeout:
            raise self._busy(_holder(holder)) from None
        except OSError as error:
            raise WarehouseUnusable(
                f"the folder of the warehouse {self.path} cannot be written ({error.strerror});"
                " set LEADS_WAREHOUSE to a file in a folder that can"
            ) from None
        try:
            holder.write_text(str(os.getpid()))
            yield ends
        finally:
            lock.release()

    def _connect(self, ends: float, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        while True:
            try:
                connection = duckdb.connect(self.path, read_only=read_only)
            except duckdb.Error as error:
                if not _is_lock_conflict(error):
                    raise WarehouseUnusable(self._why_unusable(str(error))) from None
                if self._clock() >= ends:
                    raise self._busy(_pid_in(str(error))) from None
                self._sleep(_POLL_SECONDS)
                continue
            connection.execute(f"SET TimeZone = 'UTC'; SET memory_limit = '{MEMORY_LIMIT}'")
            return connection

    def _busy(self, pid: str) -> WarehouseBusy:
        by = f"process {pid}" if pid else "another process"
        return WarehouseBusy(
            f"the warehouse {self.path} was held by {by} for more than {self._lock_seconds:.0f} s; nothing was changed."
            " Close it there (a notebook or database client blocks even while it only reads), or set"
            " LEADS_WAREHOUSE_LOCK_SECONDS higher, then run again"
        )

    def _why_unusable(self, text: str) -> str:
        name = f"the warehouse {self.path}"
        if "not a valid DuckDB database" in text or "Corrupt" in text or "checksum" in text or "Serialization" in text:
            return f"{name} is no DuckDB file, or a damaged one; it was left alone: move it away, or restore a copy"
        if "version number" in text or "newer version" in text:
            return f"{name} was written by another version of DuckDB than {duckdb.__version__}; it was left alone"
        if "different configuration" in text:
            return f"{name} is open in this process with other settings; close that connection first"
        return f"{name} cannot be opened; check the rights on the file and its folder (LEADS_WAREHOUSE)"


def _close(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.close()
    except duckdb.Error:
        # After a fatal error the connection is already invalid, and what matters has been said by that error.
        return


def _is_lock_conflict(error: duckdb.Error) -> bool:
    return isinstance(error, duckdb.IOException) and "lock" in str(error).lower()


def _pid_in(text: str) -> str:
    found = re.search(r"PID (\d+)", text)
    return found.group(1) if found else ""


def _holder(note: Path) -> str:
    try:
        return note.read_text().strip()
    except OSError:
        return ""


def quoted(name: str) -> str:
    """An identifier for use in SQL, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text for use in SQL where no parameter can stand."""
    return "'" + text.replace("'", "''") + "'"
