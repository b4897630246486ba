"""Opening the warehouse: one writer of a machine at a time, for no longer than a transaction.

The file is attached to a DuckDB that lives in memory: making one costs thirty times what attaching does, so a load
stages its rows and merges them in the same one, and whatever the file is called, its schemas keep their names.
"""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from leads_assets.engine.records.spool import SpoolDir
from leads_assets.engine.warehouse.compact import copy_whole
from leads_assets.engine.warehouse.errors import WarehouseBusy, WarehouseUnusable, why_no_database, why_unusable
from leads_assets.engine.warehouse.new_files import FILE_OPTIONS, NEW_FILE, make_copy, put_in_place, write_private
from leads_assets.engine.warehouse.session import Session, Upkeep
from leads_assets.engine.warehouse.spooling import open_spool, own_database
from leads_assets.engine.warehouse.sql import literal
from leads_assets.engine.warehouse.staging_database import ALIAS, close, open_staging
from leads_assets.engine.warehouse.stamp import Stamp, stamp_of

RESERVED_STEMS = frozenset({"main", "ops", "live", "every", "marts", "kept", "temp", "system"})
RESERVED_SCHEMAS = RESERVED_STEMS | {ALIAS, "memory", "information_schema", "pg_catalog"}
"""Schemas that this project or DuckDB fills; nobody else's tables may go there."""
_POLL_SECONDS = 0.05


class FileWarehouse:
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
                f" {path.stem}; set the setting `warehouse` to another name"
            )
        self.path = path
        self._lock_seconds = lock_seconds
        self._clock, self._sleep = clock, sleep

    @property
    def label(self) -> str:
        """Its path."""
        return str(self.path)

    @property
    def page(self) -> Path:
        """Beside the file, with its name."""
        return self.path.with_suffix(".html")

    @property
    def stays_attached(self) -> bool:
        """No: while it is attached no other program can open it."""
        return False

    @property
    def spool_root(self) -> Path:
        """Where extracts wait to be loaded."""
        return self.beside(".spool")

    def spool(self) -> SpoolDir:
        """A folder for one extract. Raises WarehouseBusy or WarehouseUnusable."""
        instead = "set the setting `warehouse` to a file in a folder that can"
        return open_spool(self.spool_root, self._lock_seconds, instead)

    def beside(self, ending: str) -> Path:
        """The path of a helper file of the warehouse."""
        return self.path.with_name(self.path.name + ending)

    def exists(self) -> bool:
        """Whether there is such a file."""
        return self.path.exists()

    def stamp(self) -> Stamp:
        """What changes with every commit of anybody; equal stamps mean that nothing was committed in between."""
        return stamp_of((self.path, self.beside(".wal")))

    @contextmanager
    def write(self, what: str, staging: duckdb.DuckDBPyConnection | None = None) -> Iterator[Session]:
        """A read-write session, alone on this machine. Raises WarehouseBusy or WarehouseUnusable.

        `staging`: a DuckDB in memory to attach the file to, where rows are staged already.
        """
        with self.locked() as ends, self.opened(what, ends, staging) as session:
            yield session

    @contextmanager
    def read(self, what: str) -> Iterator[Session | None]:
        """A read-only session, or None where there is no warehouse yet. Raises WarehouseBusy or WarehouseUnusable."""
        if not self.path.exists():
            yield None
            return
        if reason := why_no_database(self.path):  # before the lock, which would leave files beside a wrong path
            raise WarehouseUnusable(reason)
        with self.locked() as ends, self.opened(what, ends, read_only=True) as session:
            yield session

    def compact(self) -> Upkeep:
        """Write the file anew and put it into the old one's place in one step.

        Raises a WarehouseError; then the old file stands as it was.
        """
        with self.locked() as ends, self.spool() as folder:
            fresh = folder.path / "compact.duckdb"
            try:
                with self.opened("compacting", ends) as session:
                    session.run("writing out the log", "CHECKPOINT")
                    before = self.path.stat().st_size
                    copy_whole(session, fresh)
                put_in_place(fresh, self.path)
            except OSError as error:
                raise WarehouseUnusable(
                    f"the warehouse {self.path} cannot be rewritten ({error.strerror}); it stands as it was"
                ) from None
            return Upkeep({"bytes": before}, {"bytes": self.path.stat().st_size})

    def publish(self, target: Path) -> None:
        """Copy the file to `target` by atomic rename. Raises a WarehouseError; then the old copy stands as it was."""
        if target.resolve() == self.path.resolve():
            raise WarehouseUnusable(
                f"the read copy {target} would replace the warehouse; set the setting `snapshot` to another file"
            )
        # While the file is open here no other program can write to it, and after a checkpoint it is all there is.
        with self.write("the read copy") as session:
            session.run("writing out the log", "CHECKPOINT")
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                make_copy(self.path, target)
            except OSError as error:
                raise WarehouseUnusable(
                    f"the read copy {target} cannot be written ({error.strerror}); the warehouse itself is complete"
                ) from None

    def about(self, session: Session) -> str:
        """Path, size and storage format."""
        stored = session.one(
            "looking at the file",
            "SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = current_database()",
        )[0]
        size = self.path.stat().st_size
        return f"{self.path}, {size:,} bytes, storage {stored}; opened by DuckDB {duckdb.__version__}"

    def not_writable(self) -> str:
        """The file and its folder, as far as they are there: locks and the spool lie beside it."""
        folder = next(parent for parent in self.path.parents if parent.exists())
        places = (self.path, folder) if self.path.exists() else (folder,)
        return " and ".join(str(place) for place in places if not os.access(place, os.W_OK))

    @contextmanager
    def opened(
        self,
        what: str,
        ends: float,
        staging: duckdb.DuckDBPyConnection | None = None,
        *,
        read_only: bool = False,
    ) -> Iterator[Session]:
        """A session for whoever holds the lock; a file that another program holds is waited for until `ends`."""
        if not self.path.exists():
            self._create()
        with own_database(self.spool) if staging is None else nullcontext(staging) as connection:
            try:
                self._attach(connection, ends, read_only=read_only)
                yield Session(connection, what)
            finally:
                if staging is not None:
                    _let_go(connection)

    @contextmanager
    def locked(self) -> Iterator[float]:
        """Hold the lock of this machine's writers; yields the time at which waiting for the file itself must end."""
        ends = self._clock() + self._lock_seconds
        holder = self.beside(".lock.holder")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.beside(".lock"))
            lock.acquire(timeout=self._lock_seconds, poll_interval=_POLL_SECONDS)
        except Timeout:
            raise self._busy(_holder(holder)) from None
        except OSError as error:
            raise WarehouseUnusable(
                f"the folder of the warehouse {self.path} cannot be written ({error.strerror});"
                " set the setting `warehouse` to a file in a folder that can"
            ) from None
        try:
            with suppress(OSError):  # the note only makes a message better: a full disk must not fail for it
                write_private(holder, str(os.getpid()))
            yield ends
        finally:
            lock.release()

    def _create(self) -> None:
        """Make an empty file in one step: one whose maker was killed half way would be taken for a damaged one."""
        if self.beside(".wal").exists():
            raise WarehouseUnusable(
                f"there is no warehouse {self.path}, but a log of one, {self.beside('.wal').name}; nothing was changed:"
                " put the warehouse back, or move the log away"
            )
        with self.spool() as folder:
            draft = folder.path / "new.duckdb"
            connection = open_staging(folder.path)
            try:
                connection.execute(f"ATTACH {literal(str(draft))} AS {ALIAS} ({NEW_FILE})")
            except duckdb.Error as error:
                raise WarehouseUnusable(why_unusable(self.path, error)) from None
            finally:
                close(connection)
            put_in_place(draft, self.path)

    def _attach(self, connection: duckdb.DuckDBPyConnection, ends: float, *, read_only: bool) -> None:
        mode = ", READ_ONLY" if read_only else ""
        while True:
            try:
                connection.execute(f"ATTACH {literal(str(self.path))} AS {ALIAS} ({FILE_OPTIONS}{mode}); USE {ALIAS}")
            except duckdb.Error as error:
                if not _is_lock_conflict(error):
                    raise WarehouseUnusable(why_unusable(self.path, error)) from None
                if self._clock() >= ends:
                    raise self._busy(_pid_in(str(error))) from None
                self._sleep(_POLL_SECONDS)
                continue
            return

    def _busy(self, pid: str) -> WarehouseBusy:
        by = f"process {pid}" if pid else "another process"
        return WarehouseBusy(
            f"the warehouse {self.path} was held by {by} for more than {self._lock_seconds:.0f} s; nothing was changed."
            " Close it there (a notebook or database client blocks even while it only reads), or set"
            " the setting `lock_seconds` higher, then run again"
        )


def _let_go(connection: duckdb.DuckDBPyConnection) -> None:
    # Where that fails, the staging is given up, and with it its hold of the file.
    with suppress(duckdb.Error):
        connection.execute(f"USE memory; DETACH {ALIAS}")


def _is_lock_conflict(error: duckdb.Error) -> bool:
    return isinstance(error, duckdb.IOException) and "Could not set lock" in str(error)


def _pid_in(text: str) -> str:
    found = re.search(r"PID (\d+)", text)
    return found.group(1) if found else ""


def _holder(note: Path) -> str:
    try:
        return note.read_text().strip()
    except OSError:
        return ""
