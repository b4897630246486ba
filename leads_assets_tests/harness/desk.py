"""A warehouse in a folder, and extracts that come from no server."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import duckdb
import msgspec
import pytest
from msgspec import Raw

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.engine.declare import Column, ColumnType, Endpoint
from leads_assets.engine.records.extract import Extract, ReadMode, Verdict
from leads_assets.engine.records.spool import SpoolWriter
from leads_assets.engine.warehouse.address import open_warehouse
from leads_assets.engine.warehouse.file import FileWarehouse
from leads_assets.engine.warehouse.load import Loader, LoadOptions
from leads_assets.engine.warehouse.result import AfterLoad, LoadResult
from leads_assets.engine.warehouse.session import Session

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)

Record = Mapping[str, Any] | bytes

THINGS = Endpoint(
    name="things",
    path="/things",
    description="One column of every type.",
    columns=(
        Column("id", ColumnType.BIGINT, "Key.", nullable=False),
        Column("whole", ColumnType.BIGINT, "Integer.", tracked=True),
        Column("number", ColumnType.DOUBLE, "Number."),
        Column("money", ColumnType.MONEY, "Amount.", tracked=True),
        Column("flag", ColumnType.BOOLEAN, "Truth."),
        Column("text", ColumnType.VARCHAR, "Text.", tracked=True),
        Column("texts", ColumnType.TEXTS, "List of texts."),
        Column("day", ColumnType.DATE, "Day."),
        Column("updated_at", ColumnType.TIMESTAMP, "Time."),
        Column("nested", ColumnType.JSON, "Anything."),
    ),
    change_filter="updated_after",
    cursor_field="updated_at",
)
"""An endpoint for tests, with one column of each type."""


def things(*numbers: int) -> list[dict[str, int]]:
    """Records with these ids."""
    return [{"id": number, "whole": number} for number in numbers]


class WarehouseHarness:
    """Loads records into one warehouse; each load began a minute after the one before."""

    def __init__(
        self, folder: Path, *, name: str = "leads.duckdb", lock_seconds: float = 30.0, address: str = ""
    ) -> None:
        """`address`: of a lake, in place of a file called `name`."""
        self.folder = folder
        # A lake has no path; whoever asks for it is a test of files.
        self.warehouse = cast(
            FileWarehouse,
            open_warehouse(address or folder / name, data=f"{folder}/rows", scratch=folder, lock_seconds=lock_seconds),
        )
        self._is_lake = bool(address)
        self.after_load: AfterLoad | None = None
        self.loads = 0
        self._numbers: dict[str, int] = {}

    def extract(
        self,
        records: Sequence[Record],
        *,
        endpoint: Endpoint | str = THINGS,
        mode: ReadMode | str = ReadMode.FULL,
        verdict: Verdict | str = Verdict.PROVEN,
        began: datetime | None = None,
        total: int | None = None,
        page: int = 100,
    ) -> Extract:
        """What a walk would hand over for these records, in pages of `page`."""
        endpoint = ENDPOINTS[endpoint] if isinstance(endpoint, str) else endpoint
        self.loads += 1
        began = began or NOON + timedelta(minutes=self.loads)
        folder = self.folder / f"extract-{self.loads}"
        folder.mkdir(parents=True)
        writer = SpoolWriter(folder, endpoint)
        for start in range(0, len(records), page):
            raws = [Raw(r if isinstance(r, bytes) else msgspec.json.encode(r)) for r in records[start : start + page]]
            writer.add(raws, [identity(raw) for raw in raws])
        return Extract(
            endpoint=endpoint,
            mode=ReadMode(mode),
            verdict=Verdict(verdict),
            reason="" if verdict == Verdict.PROVEN else "for the test",
            spooled=writer.close(),
            total=total,
            duplicates=0,
            pages=1,
            requests=1,
            retries=0,
            seconds_waited=0.0,
            budget_left=None,
            began_at=began,
            ended_at=began + timedelta(seconds=5),
            after=self._numbers.get(endpoint.name, 0),
        )

    def load(
        self, records: Sequence[Record] | Extract, options: LoadOptions | None = None, **settings: Any
    ) -> LoadResult:
        """Load records, or an extract made before."""
        extract = records if isinstance(records, Extract) else self.extract(records, **settings)
        result = self.loader(options).load(extract, f"run {self.loads}")
        self._numbers[extract.endpoint.name] = result.row.number or 0
        return result

    def loader(self, options: LoadOptions | None = None) -> Loader:
        """A loader whose clocks stand still, so that two loads of the same write the same."""
        at = NOON + timedelta(minutes=self.loads, seconds=30)
        return Loader(self.warehouse, options, after_load=self.after_load, now=lambda: at, clock=lambda: 0.0)

    def statements(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The statements that loads execute in the warehouse from now on."""
        executed: list[str] = []
        execute = Session.execute

        def note(session: Session, step: str, sql: str) -> duckdb.DuckDBPyConnection:
            executed.append(sql)
            return execute(session, step, sql)

        monkeypatch.setattr(Session, "execute", note)
        return executed

    @contextmanager
    def open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The file as anybody's DuckDB opens it; a lake as this project does."""
        if self._is_lake:
            with self.warehouse.read("the test") as session:
                assert session is not None
                yield session.connection
            return
        connection = duckdb.connect(self.warehouse.path, read_only=True)
        try:
            connection.execute("SET TimeZone = 'UTC'")
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

    def everything(self) -> dict[str, Any]:
        """Every table: its columns and its rows."""
        if not self.warehouse.exists():
            return {}
        with self.open() as connection:
            tables = connection.execute(
                "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database()"
            ).fetchall()
            return {
                f"{schema}.{name}": (
                    connection.execute(f'DESCRIBE {schema}."{name}"').fetchall(),
                    sorted(map(repr, connection.execute(f'SELECT * FROM {schema}."{name}"').fetchall())),
                )
                for schema, name in tables
            }


def identity(raw: Raw) -> int | None:
    """The id of a record as the API layer would find it."""
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 1
    found = value.get("id") if isinstance(value, dict) else None
    return found if type(found) is int and -(2**63) <= found < 2**63 else None


def lead(number: int, **fields: Any) -> dict[str, Any]:
    """A small lead."""
    known = {"id": number, "title": f"Lead {number}", "updated_at": "2026-01-01T00:00:00.000Z", "amount": 100.5}
    return known | fields
