"""Server and table side by side: is the table a true copy, and has it lost anything that it had?

Values are compared here on their own, by none of the code that loads them: its faults must not hide themselves.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.engine.declare import PRIMARY_KEY, ColumnType, Endpoint
from leads_assets.engine.records.encoder import EXTRA
from leads_assets.engine.warehouse.schema import BOOKKEEPING

Record = Mapping[str, Any]
Records = Mapping[int, Record]

_MOST_UNDECLARED = 300
"""Columns of a table that no declaration asks for, as the README promises."""
_STORED: Mapping[ColumnType, Callable[[Any], Any]] = {
    ColumnType.TIMESTAMP: datetime.fromisoformat,
    ColumnType.DATE: date.fromisoformat,
    ColumnType.MONEY: lambda number: Decimal(str(number)),
}


def served(name: str, records: Iterable[Record]) -> Records:
    """The server's records by id, with values as DuckDB hands them to Python, without nulls."""
    kinds = {column.json_key: column.type for column in ENDPOINTS[name].columns}
    stored = (
        {
            key: _STORED[kinds[key]](value) if kinds.get(key) in _STORED else value
            for key, value in record.items()
            if value is not None
        }
        for record in records
    )
    return {record[PRIMARY_KEY]: record for record in stored}


def live(warehouse: Path, name: str) -> Records:
    """The live rows of a table in the form of `served`; none where there is no table. Raises RuntimeError for twins."""
    if not warehouse.exists():
        return {}
    with duckdb.connect(warehouse, read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        if not connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [name]).fetchall():
            return {}
        found = connection.execute(f'SELECT * FROM main."{name}" WHERE _deleted_at IS NULL')
        columns = [(column, str(kind)) for column, kind, *_ in found.description or []]
        rows = found.fetchall()
    records = [_record(ENDPOINTS[name], columns, row) for row in rows]
    by_id = {record[PRIMARY_KEY]: record for record in records}
    if len(by_id) < len(records):
        raise RuntimeError(f"{name}: {len(records) - len(by_id):,} live rows share an id with another one")
    return by_id


def undeclared(warehouse: Path, name: str) -> int:
    """How many columns of a table stand in no declaration."""
    if not warehouse.exists():
        return 0
    with duckdb.connect(warehouse, read_only=True) as connection:
        of_table = "SELECT column_name FROM duckdb_columns() WHERE schema_name = 'main' AND table_name = ?"
        found = connection.execute(of_table, [name]).fetchall()
    return len({column for (column,) in found} - {column.name for column in ENDPOINTS[name].columns} - set(BOOKKEEPING))


def _record(endpoint: Endpoint, columns: Iterable[tuple[str, str]], row: Iterable[Any]) -> Record:
    keys = {column.name: column.json_key for column in endpoint.columns}
    record: dict[str, Any] = {}
    for (column, kind), value in zip(columns, row, strict=True):
        if value is None or (column in BOOKKEEPING and column != EXTRA):
            continue
        plain = json.loads(value) if kind == "JSON" else value
        record |= plain if column == EXTRA else {keys.get(column, column): plain}
    return record


def no_forms(_row_id: int) -> Iterable[Record]:
    """Nothing is known of what a row has been."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One endpoint around one sync: the server's rows and the table's, before it and after it.

    `instead` is a value that the server sent in the place of some others: a row that has kept it is a true copy.
    `forms` gives what a row has been at any time, for those that changed twice during the sync. `undeclared`: columns
    of the table that stand in no declaration.
    """

    name: str
    server_before: Records
    server_after: Records
    table_before: Records
    table_after: Records
    instead: object = None
    forms: Callable[[int], Iterable[Record]] = no_forms
    undeclared: int = 0

    def gaps(self) -> list[str]:
        """What keeps the table from being the server's list; rows that changed during the sync may have either form."""
        lived = self.server_before.keys() & self.server_after.keys()
        known = self.server_before.keys() | self.server_after.keys()
        if not ENDPOINTS[self.name].marks_deleted:
            known |= self.table_before.keys()
        stale = [
            row_id
            for row_id in lived & self.table_after.keys()
            if self.server_before[row_id] == self.server_after[row_id]
            and not self._same(self.table_after[row_id], self.server_after[row_id])
        ]
        return _counted(
            {
                "rows missing": len(lived - self.table_after.keys()),
                "rows that the server does not have": len(self.table_after.keys() - known),
                "rows with other values": len(stale),
            }
        )

    def harm(self, *, is_claimed: bool) -> list[str]:
        """What a sync must never do: lose a row, or spoil it; mark one without a proof; widen without end."""
        gone = self.table_before.keys() - self.table_after.keys()
        spoiled = [
            row_id
            for row_id in self.table_before.keys() & self.table_after.keys()
            if not any(self._same(self.table_after[row_id], form) for form in self._forms(row_id))
        ]
        return _counted(
            {
                "live rows lost": len(gone & self.server_before.keys() & self.server_after.keys()),
                "rows marked without a proof": 0 if is_claimed else len(gone),
                "rows spoiled": len(spoiled),
                "columns too many": max(0, self.undeclared - _MOST_UNDECLARED),
            }
        )

    def _forms(self, row_id: int) -> Iterator[Record]:
        yield from (
            rows[row_id] for rows in (self.table_before, self.server_before, self.server_after) if row_id in rows
        )
        yield from self.forms(row_id)

    def _same(self, row: Record, record: Record) -> bool:
        return row.keys() <= record.keys() and all(
            row.get(key) == value or (self.instead is not None and row.get(key) == self.instead)
            for key, value in record.items()
        )


def _counted(counts: Mapping[str, int]) -> list[str]:
    return [f"{count:,} {what}" for what, count in counts.items() if count]
