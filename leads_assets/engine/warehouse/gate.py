"""One writer at a time: two inserts of one id are no conflict to a lake, and both would be committed.

Across machines the lock is one of PostgreSQL's, in the database of the catalog; it is gone with the process that holds
it. Catalogs that are files on one machine are locked beside the file.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from filelock import FileLock, Timeout

from leads_assets.engine.warehouse.errors import WarehouseBusy, WarehouseUnusable

if TYPE_CHECKING:
    import psycopg2.extensions

_POLL_SECONDS = 0.05
_KEY = "hashtext('leads_assets')"
_CONNECTION = {
    "connect_timeout": "10",
    # A machine that loses power would else hold the lock for two hours.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}
_HOLDER = f"""
SELECT coalesce(host(a.client_addr), 'the server itself'), a.application_name
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objid = {_KEY}::oid AND l.database = (
    SELECT oid FROM pg_database WHERE datname = current_database()
)
"""
_REFUSED = ("authentication failed", "no password", "does not exist", "permission denied", "pg_hba")

Check = Callable[[], None]


class Gate(Protocol):
    """What lets one writer in. Raises WarehouseBusy or WarehouseUnusable."""

    def hold(self) -> "Any":
        """A context manager; its value raises WarehouseBusy if the lock was lost since."""


class FileGate:
    """A lock file beside a catalog of one machine."""

    def __init__(self, path: Path, label: str, lock_seconds: float) -> None:
        self._path, self._label, self._lock_seconds = path, label, lock_seconds

    @contextmanager
    def hold(self) -> Iterator[Check]:
        """Hold it; the operating system keeps it as long as the process lives."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self._path)
            lock.acquire(timeout=self._lock_seconds, poll_interval=_POLL_SECONDS)
        except Timeout:
            raise WarehouseBusy(held(self._label, "another process", self._lock_seconds)) from None
        except OSError as error:
            raise WarehouseUnusable(
                f"the folder of the warehouse {self._label} cannot be written ({error.strerror});"
                " set the setting `warehouse` to a file in a folder that can"
            ) from None
        try:
            yield lambda: None
        finally:
            lock.release()


class PostgresGate:
    """An advisory lock in the database of the catalog."""

    def __init__(self, dsn: str, label: str, lock_seconds: float) -> None:
        self._dsn, self._label, self._lock_seconds = dsn, label, lock_seconds

    @contextmanager
    def hold(self) -> Iterator[Check]:
        """Hold it as long as the connection lives, on which nothing else is done."""
        import psycopg2  # noqa: PLC0415  of the extra `lake`

        with closing(connect(self._dsn, self._label)) as connection, closing(connection.cursor()) as cursor:
            try:
                wait = max(1, round(self._lock_seconds * 1000))
                cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = {wait}")
                cursor.execute(f"SELECT pg_advisory_xact_lock({_KEY})")
            except psycopg2.errors.LockNotAvailable:
                connection.rollback()
                raise WarehouseBusy(held(self._label, _holder(cursor), self._lock_seconds)) from None
            except psycopg2.Error:
                raise WarehouseBusy(lost(self._label)) from None

            def check() -> None:
                try:
                    cursor.execute("SELECT 1")
                except psycopg2.Error:
                    raise WarehouseBusy(lost(self._label)) from None

            yield check


def connect(dsn: str, label: str) -> "psycopg2.extensions.connection":
    """A connection to the database of the catalog. Raises WarehouseBusy or WarehouseUnusable, which do not quote it."""
    import psycopg2  # noqa: PLC0415

    name = f"leads_assets {socket.gethostname()} {os.getpid()}"
    try:
        return psycopg2.connect(dsn, **{**_CONNECTION, **psycopg2.extensions.parse_dsn(dsn), "application_name": name})
    except psycopg2.Error as error:
        refused = any(sign in str(error) for sign in _REFUSED)
    if refused:
        raise WarehouseUnusable(
            f"PostgreSQL refuses the warehouse {label}: check user, password (PGPASSWORD, ~/.pgpass) and database of"
            " the setting `warehouse`"
        )
    raise WarehouseBusy(f"PostgreSQL of the warehouse {label} cannot be reached; nothing was changed: run again")


def _holder(cursor: "psycopg2.extensions.cursor") -> str:
    import psycopg2  # noqa: PLC0415

    with suppress(psycopg2.Error):
        cursor.execute(_HOLDER)
        for address, name in cursor.fetchall():
            return f"{name or 'another process'} on {address}"
    return "another process"


def held(label: str, by: str, seconds: float) -> str:
    """A sentence about a lock that was not to be had in time."""
    return (
        f"the warehouse {label} was held by {by} for more than {seconds:.0f} s; nothing was changed. Wait for it or end"
        " it there, or set the setting `lock_seconds` higher, then run again"
    )


def lost(label: str) -> str:
    """A sentence about a connection that ended."""
    return f"the connection to PostgreSQL of the warehouse {label} was lost; nothing was changed: run again"
