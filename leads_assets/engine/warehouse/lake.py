"""DuckLake: Parquet files in a folder or an object store, and a catalog of them that several machines share.

Readers are never kept waiting; one writer at a time is let in by the gate.
"""

import os
import time
from collections.abc import Hashable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from leads_assets.engine.records.spool import SpoolDir
from leads_assets.engine.warehouse import bookkeeping
from leads_assets.engine.warehouse.errors import WarehouseBusy, WarehouseUnusable, is_lost
from leads_assets.engine.warehouse.extensions import load_extension
from leads_assets.engine.warehouse.gate import FileGate, Gate, PostgresGate, connect, held, lost
from leads_assets.engine.warehouse.new_files import PRIVATE
from leads_assets.engine.warehouse.session import LAKE, Session, Upkeep
from leads_assets.engine.warehouse.spooling import open_spool, own_database
from leads_assets.engine.warehouse.sql import literal
from leads_assets.engine.warehouse.staging_database import ALIAS
from leads_assets.engine.warehouse.stamp import stamp_of
from leads_assets.engine.warehouse.transaction import transaction
from leads_assets.engine.warehouse.upkeep import files_and_bytes, tidy

_POLL_SECONDS = 0.05
_INLINED_ROWS = 10
_HELD = ("Could not set lock", "database is locked")
_OTHER_DATA = "does not match existing data path"


@dataclass(frozen=True, slots=True)
class Catalog:
    """Where a lake's catalog is, as DuckLake is told: a file (`path`), or a database of PostgreSQL (`dsn`)."""

    address: str = field(repr=False)
    path: Path | None = None
    dsn: str = field(default="", repr=False)


class LakeWarehouse:
    """A DuckLake, and the manners of opening it. Its texts name it by `label`, which holds no secret.

    `data`: folder or `s3://` of the rows. `endpoint`: URL of an object store that is not Amazon's. `base`: the local
    path beside which helper files lie. `keep_days`: how long upkeep leaves old snapshots.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        label: str,
        data: str,
        endpoint: str,
        base: Path,
        page: Path,
        keep_days: int,
        lock_seconds: float,
    ) -> None:
        self._catalog, self._endpoint = catalog, endpoint
        self._data = checked_data(data)
        self._label, self._base, self._page = label, base, page
        self._keep_days, self._lock_seconds = keep_days, lock_seconds
        self._gate: Gate = (
            PostgresGate(catalog.dsn, label, lock_seconds)
            if catalog.dsn
            else FileGate(self.beside(".lock"), label, lock_seconds)
        )

    @property
    def label(self) -> str:
        """The address without its secrets."""
        return self._label

    @property
    def page(self) -> Path:
        """Beside a catalog that is a file, else in the folder `data`."""
        return self._page

    @property
    def stays_attached(self) -> bool:
        """Whether nobody waits for it."""
        return bool(self._catalog.dsn)

    @property
    def spool_root(self) -> Path:
        """Where extracts wait to be loaded, and statements spill."""
        return self.beside(".spool")

    def beside(self, ending: str) -> Path:
        """The path of a local helper file."""
        return self._base.with_name(self._base.name + ending)

    def spool(self) -> SpoolDir:
        """A folder for one extract. Raises WarehouseBusy or WarehouseUnusable."""
        instead = "set the setting `state` to a folder that can, or the setting `warehouse` to one in a folder that can"
        return open_spool(self.spool_root, self._lock_seconds, instead)

    def exists(self) -> bool:
        """Whether there is a catalog. Raises WarehouseBusy or WarehouseUnusable."""
        if self._catalog.path:
            return self._catalog.path.exists()
        return self._ask("to_regclass('ducklake_metadata')") is not None

    def stamp(self) -> Hashable:
        """The newest snapshot, or what the catalog's file tells."""
        if self._catalog.path is None:
            return self.exists() and self._ask("(SELECT max(snapshot_id) FROM ducklake_snapshot)")
        return stamp_of(map(self.beside, ("", ".wal", "-wal")))

    @contextmanager
    def read(self, what: str) -> Iterator[Session | None]:
        """A read-only session, or None where there is no warehouse yet. Raises WarehouseBusy or WarehouseUnusable."""
        if not self.exists():
            yield None
            return
        # A catalog in PostgreSQL keeps no reader waiting; one in a file lets in one process.
        with nullcontext() if self._catalog.dsn else self._gate.hold(), own_database(self.spool) as connection:
            self._attach(connection, read_only=True)
            yield Session(connection, what, LAKE)

    @contextmanager
    def write(self, what: str, staging: duckdb.DuckDBPyConnection | None = None) -> Iterator[Session]:
        """A read-write session, alone on all machines. Raises WarehouseBusy or WarehouseUnusable.

        `staging`: a DuckDB in memory where rows are staged already. A catalog in PostgreSQL stays attached to it.
        """
        with (
            self._gate.hold() as still_held,
            own_database(self.spool) if staging is None else nullcontext(staging) as connection,
        ):
            try:
                self._attach(connection)
                yield Session(connection, what, LAKE, before_commit=still_held)
            finally:
                if staging is not None:
                    self._let_go(connection)

    def compact(self) -> Upkeep:
        """Rewrite, merge and remove files, and forget old snapshots. Raises a WarehouseError."""
        with self.write("the upkeep") as session:
            return tidy(session, self._keep_days)

    def publish(self, target: Path) -> None:
        """Nobody needs a read copy of a lake. Raises WarehouseUnusable, which says so."""
        raise WarehouseUnusable(
            f"the warehouse {self._label} is a lake, whose readers never wait: there is no read copy {target};"
            " leave the setting `snapshot` empty"
        )

    def about(self, session: Session) -> str:
        """Label, size and versions."""
        files, size = files_and_bytes(session)
        data, version = session.one(
            "looking at the files",
            "SELECT max(value) FILTER (option_name = 'data_path'), max(value) FILTER (option_name = 'version')"
            f" FROM ducklake_options('{ALIAS}')",
        )
        catalog = f", catalog {version}" if version else ""
        kept = f"{files:,} files of {size:,} bytes in {data}{catalog}"
        return f"{self._label}, {kept}; opened by DuckDB {duckdb.__version__}"

    def not_writable(self) -> str:
        """The local folders of the catalog, the rows and what waits, as far as they are there."""
        folders = [self._base.parent]
        if self._data and "://" not in self._data:
            folders.append(Path(self._data))
        present = [next(place for place in (folder, *folder.parents) if place.exists()) for folder in folders]
        return " and ".join(str(place) for place in dict.fromkeys(present) if not os.access(place, os.W_OK))

    def _ask(self, expression: str) -> Any:
        with closing(connect(self._catalog.dsn, self._label)) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(f"SELECT {expression}")
            row = cursor.fetchone()
        return row[0] if row else None

    def _attach(self, connection: duckdb.DuckDBPyConnection, *, read_only: bool = False) -> None:
        if self.stays_attached and _is_alive(connection):
            return
        load_extension(connection, "ducklake")
        # Inlined rows have come back, or were lost, on catalogs in PostgreSQL, and a text with a NUL fails there.
        connection.execute("SET GLOBAL ducklake_default_data_inlining_row_limit = 0")
        if self._catalog.dsn:
            load_extension(connection, "postgres_scanner")
        elif self._catalog.address.startswith("sqlite:"):
            load_extension(connection, "sqlite_scanner")
        if self._data.startswith("s3://"):
            self._let_into_store(connection)
        fresh = not read_only and not self.exists()
        if fresh:
            self._prepare_folders()
        options = [f"DATA_PATH {literal(self._data)}"] if self._data else []
        options += ["READ_ONLY"] if read_only else []
        listed = f" ({', '.join(options)})" if options else ""
        self._execute_attach(
            connection, f"ATTACH {literal(f'ducklake:{self._catalog.address}')} AS {ALIAS}{listed}; USE {ALIAS}"
        )
        if fresh and self._catalog.path:
            self._catalog.path.chmod(PRIVATE)
        if not read_only:
            _keep_ledger_inline(Session(connection, "the lake", LAKE))

    def _execute_attach(self, connection: duckdb.DuckDBPyConnection, sql: str) -> None:
        ends = time.monotonic() + self._lock_seconds
        while True:
            try:
                connection.execute(sql)
            except duckdb.Error as error:
                text = str(error)
            else:
                return
            if not any(sign in text for sign in _HELD):
                raise self._why_not(text)
            if time.monotonic() >= ends:
                raise WarehouseBusy(held(self._label, "another process", self._lock_seconds))
            time.sleep(_POLL_SECONDS)

    def _why_not(self, text: str) -> WarehouseBusy | WarehouseUnusable:
        """What to raise; DuckDB's own text quotes the address with its password."""
        name = f"the warehouse {self._label}"
        if _OTHER_DATA in text:
            return WarehouseUnusable(
                f"{name} keeps its rows in another place than the setting `warehouse_data` says: leave that empty, it"
                " is needed once, or move the lake with DuckLake's own means"
            )
        if "data_path is not set" in text:
            return WarehouseUnusable(
                f"{name} is new: the setting `warehouse_data` must say where its rows go, a folder that all machines"
                " share or s3://bucket/folder/"
            )
        if "Unable to connect" in text or is_lost(text):
            return WarehouseBusy(lost(self._label))
        if "version" in text:
            return WarehouseUnusable(f"{name} was written by another version of DuckLake: upgrade duckdb, or the lake")
        return WarehouseUnusable(
            f"{name} cannot be opened: check the catalog of the setting `warehouse`, and the rights on it"
        )

    def _let_into_store(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Credentials of the usual chain: variables, profile, role of the machine."""
        load_extension(connection, "httpfs")
        load_extension(connection, "aws")
        where = ""
        if self._endpoint:
            scheme, _, host = self._endpoint.rpartition("://")
            where = (
                f", ENDPOINT {literal(host.rstrip('/'))}, URL_STYLE 'path',"
                f" USE_SSL {'false' if scheme == 'http' else 'true'}"
            )
        try:
            connection.execute(f"CREATE OR REPLACE SECRET warehouse_data (TYPE s3, PROVIDER credential_chain{where})")
        except duckdb.Error:
            raise WarehouseUnusable(
                f"no credentials were found for {self._data}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a"
                " profile, or a role of the machine"
            ) from None

    def _prepare_folders(self) -> None:
        """Local folders of a new lake: there are people's data in them."""
        try:
            self._base.parent.mkdir(parents=True, exist_ok=True)
            if self._data and "://" not in self._data:
                Path(self._data).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise WarehouseUnusable(
                f"the folders of the warehouse {self._label} cannot be made ({error.strerror}); set the setting"
                " `warehouse_data` to a folder that can be written"
            ) from None

    def _let_go(self, connection: duckdb.DuckDBPyConnection) -> None:
        # Where that fails, the staging is given up, and with it its hold of the catalog.
        with suppress(duckdb.Error):
            connection.execute("USE memory" if self.stays_attached else f"USE memory; DETACH {ALIAS}")


def _keep_ledger_inline(session: Session) -> None:
    """Keep small inserts into the ledger in the catalog, so that a sync that changes nothing writes no file.

    The ledger's rows are ours and never replaced. DuckDB 1.5 dies of the same option for a whole lake that has views.
    """
    step = "preparing the ledger"
    if not session.has_table("ops.sync_runs"):
        with transaction(session):
            bookkeeping.prepare(session)
    scope = f"FROM ducklake_options('{ALIAS}') WHERE option_name = 'data_inlining_row_limit' AND scope = 'TABLE'"
    if not session.one(step, f"SELECT count(*) {scope}")[0]:
        table = "schema => 'ops', table_name => 'sync_runs'"
        session.run(step, f"CALL {ALIAS}.set_option('data_inlining_row_limit', {_INLINED_ROWS}, {table})")


def checked_data(data: str) -> str:
    """The folder, absolute, or the URL, with a slash at its end. Raises WarehouseUnusable where it holds secrets."""
    if "?" in data or "@" in data:
        raise WarehouseUnusable(
            "the setting `warehouse_data` must be a folder or s3://bucket/folder/, without `?` and `@`: credentials"
            " come from the usual variables of the object store"
        )
    if "://" in data or not data:
        return f"{data.rstrip('/')}/" if data else ""
    return f"{Path(data).expanduser().resolve()}/"


def _is_alive(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the lake is attached since an earlier load, and its catalog answers; if not, it is attached no more."""
    try:
        connection.execute(f"USE {ALIAS}; FROM {ALIAS}.current_snapshot()")
    except duckdb.Error:
        with suppress(duckdb.Error):
            connection.execute(f"USE memory; DETACH DATABASE IF EXISTS {ALIAS}")
        return False
    return True
