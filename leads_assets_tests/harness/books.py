"""A warehouse whose rows, journal and ledger are written by hand, and asked through the marts."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.engine.warehouse import kept
from leads_assets.engine.warehouse.bookkeeping import TABLES
from leads_assets.engine.warehouse.file import FileWarehouse
from leads_assets.engine.warehouse.schema import BOOKKEEPING
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.sql import literal, moment, quoted
from leads_assets.engine.warehouse.transaction import transaction
from leads_assets.marts.catalogue import kept_models
from leads_assets.marts.history import build_views, refresh_history

PARIS = "Europe/Paris"
_FRESHNESS = (
    "endpoint VARCHAR, verdict VARCHAR, in_progress VARCHAR, changes_as_of TIMESTAMPTZ, complete_as_of TIMESTAMPTZ,"
    " reason VARCHAR, live_rows BIGINT"
)


@dataclass(frozen=True, slots=True)
class Read:
    """One load of an endpoint."""

    run_id: str
    endpoint: str
    loaded_at: datetime


@cache
def _made(endpoints: Sequence[str], zone: str) -> bytes:
    """A file with the tables of these endpoints, empty, and the views over them: made once, for it takes a while."""
    with TemporaryDirectory() as folder:
        warehouse = FileWarehouse(Path(folder) / "made.duckdb")
        with warehouse.write("books") as session, transaction(session):
            session.run("test", "CREATE SCHEMA ops")
            for name, columns in TABLES.items():
                listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
                session.run("test", f"CREATE TABLE ops.{name} ({listed})")
            session.run("test", "ALTER TABLE ops.sync_runs ADD COLUMN IF NOT EXISTS number BIGINT")
            session.run("test", f"CREATE TABLE ops.freshness ({_FRESHNESS})")
            for name in endpoints:
                make_table(session, name)
            build_views(session, ENDPOINTS, zone, comments=False)
        return warehouse.path.read_bytes()


class Books:
    """The file, and the calls that fill it. Tables are made for `endpoints` only: the others were never read."""

    def __init__(self, folder: Path, endpoints: Sequence[str] = tuple(ENDPOINTS), *, zone: str = PARIS) -> None:
        self.warehouse = FileWarehouse(folder / "leads.duckdb", lock_seconds=30)
        self.warehouse.path.write_bytes(_made(tuple(endpoints), zone))
        self.zone = zone
        self.reads = 0

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A transaction in the file."""
        with self.warehouse.write("books") as session, transaction(session):
            yield session

    def read(
        self,
        session: Session,
        began_at: datetime,
        *,
        endpoint: str = "leads",
        mode: str = "full",
        verdict: str = "proven",
        lasted: timedelta = timedelta(seconds=60),
    ) -> Read:
        """Write the ledger's row of a load."""
        self.reads += 1
        read = Read(f"run {self.reads}", endpoint, began_at + lasted)
        values = {"run_id": read.run_id, "endpoint": endpoint, "number": self.reads, "mode": mode, "verdict": verdict}
        insert(session, "ops.sync_runs", [values | {"began_at": began_at, "loaded_at": read.loaded_at}])
        return read

    def build(self) -> frozenset[str]:
        """Bring the views up to date, and the history of all leads."""
        with self.session() as session:
            made = build_views(session, ENDPOINTS, self.zone, comments=False)
            kept.rebuild(session, kept_models(), self.zone)
        return made

    def refresh(self, endpoint: str, ids: Sequence[int]) -> None:
        """Bring the history up to date."""
        with self.session() as session:
            refresh_history(session, endpoint, ids, self.zone)

    @contextmanager
    def open(self, reader_zone: str = "UTC") -> Iterator[duckdb.DuckDBPyConnection]:
        """The file as anybody's DuckDB opens it."""
        connection = duckdb.connect(self.warehouse.path, read_only=True)
        try:
            connection.execute(f"SET TimeZone = {literal(reader_zone)}")
            yield connection
        finally:
            connection.close()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The answer to a query."""
        with self.open() as connection:
            return connection.execute(sql).fetchall()

    def row(self, sql: str) -> tuple[Any, ...]:
        """The only row of an answer."""
        (row,) = self.rows(sql)
        return row


def make_table(session: Session, endpoint: str) -> None:
    """Make the table of an endpoint, empty."""
    columns = {column.name: column.type.value for column in ENDPOINTS[endpoint].columns} | BOOKKEEPING
    listed = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
    session.run("test", f"CREATE TABLE main.{quoted(endpoint)} ({listed})")


def insert(session: Session, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, which may leave columns out."""
    for row in rows:
        values = ", ".join(map(written, row.values()))
        session.run("test", f"INSERT INTO {table} ({', '.join(map(quoted, row))}) VALUES ({values})")


def written(value: Any) -> str:
    """A value as SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return f"DATE {literal(value.isoformat())}"
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]::VARCHAR[]"
    if isinstance(value, dict):
        return literal(json.dumps(value))
    return literal(value) if isinstance(value, str) else str(value)


def money(amount: int | str) -> Decimal:
    """An amount as the warehouse holds it."""
    return Decimal(amount).quantize(Decimal("0.0001"))
