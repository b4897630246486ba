"""The shape of an endpoint's table: made, migrated and widened, never narrowed."""

from collections.abc import Mapping
from dataclasses import dataclass

from leads_assets.engine.declare import PRIMARY_KEY, Column
from leads_assets.engine.records.encoder import EXTRA
from leads_assets.engine.warehouse.errors import LoadFailed
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.sql import literal, quoted

DELETED, FIRST_SEEN = "_deleted_at", "_first_seen_at"
BOOKKEEPING = {
    "_synced_at": "TIMESTAMPTZ",
    "_run_id": "VARCHAR",
    DELETED: "TIMESTAMPTZ",
    FIRST_SEEN: "TIMESTAMPTZ",
    EXTRA: "JSON",
}
"""Columns of every table and their types; what they mean is said in `BOOKKEEPING_MEANINGS`."""
BOOKKEEPING_MEANINGS = {
    "_synced_at": "When the row was last written here.",
    "_run_id": "The run that wrote it.",
    DELETED: "When the row was found to be gone from the server; null where it is there.",
    FIRST_SEEN: "When the row was first written here; null for rows from before this was kept.",
    EXTRA: "What the server sent and no column holds exactly.",
}


_FRESH = "_retyped"
MAIN = "main"
"""The schema of the tables that are read from the API."""


@dataclass(frozen=True, slots=True)
class TableName:
    """A table's name and schema; as a text, the schema is left out where it is `main`."""

    table: str
    schema: str = MAIN

    def __str__(self) -> str:
        return self.table if self.schema == MAIN else f"{self.schema}.{self.table}"

    @property
    def sql(self) -> str:
        """The name for use in SQL."""
        return f"{quoted(self.schema)}.{quoted(self.table)}"


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it is now: column name to type, the bookkeeping columns left out.

    `cursor`: the column with the time of a row's last change, None where there is none. `lacks`: bookkeeping columns
    that it had not when it was looked up.
    """

    name: TableName
    columns: dict[str, str]
    cursor: str | None = None
    lacks: tuple[str, ...] = ()

    @property
    def sql(self) -> str:
        """The table's name for use in SQL."""
        return self.name.sql

    def conflicts_by_case(self, field: str) -> bool:
        """Whether a column of another spelling stands where `field` would: DuckDB does not tell case apart."""
        taken = {name.lower() for name in (*self.columns, *BOOKKEEPING)}
        return field not in self.columns and field.lower() in taken


def exists(session: Session, name: str, schema: str = MAIN) -> bool:
    """Whether there is such a table."""
    return session.has_table(TableName(name, schema).sql)


def _refuse_view(session: Session, name: TableName) -> None:
    found = session.run(
        "looking up the table",
        "SELECT 1 FROM duckdb_views() WHERE database_name = current_database()"
        f" AND schema_name = {literal(name.schema)} AND view_name = {literal(name.table)}",
    )
    if found:
        raise LoadFailed(f"{name}: a view stands in the place of this table; nothing was changed: rename or drop it")


def find(session: Session, name: TableName) -> Table | None:
    """The table, or None."""
    if not exists(session, name.table, name.schema):
        return None
    rows = session.run("looking up the columns", f"DESCRIBE {name.sql}")
    columns = {column: short(kind) for column, kind, *_ in rows}
    lacks = tuple(column for column in BOOKKEEPING if column not in columns)
    return Table(name, {column: kind for column, kind in columns.items() if column not in BOOKKEEPING}, lacks=lacks)


def short(kind: str) -> str:
    """DuckDB's name of a type as the declarations write it."""
    return kind.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")


def ensure(
    session: Session, name: TableName, declared: tuple[Column, ...], columns: Mapping[str, str]
) -> tuple[Table, bool]:
    """Make the table with `columns`, or bring an older one to what is declared and to columns that it never filled.

    Bookkeeping columns that are missing, be it from an older version or dropped by hand, are added. Returns also
    whether an older one got other columns that it did not have. Raises LoadFailed where values would be lost.
    """
    table = find(session, name)
    if table is None:
        _refuse_view(session, name)
        return _make(session, name, columns), False
    for missing in table.lacks:
        session.run("adding a column", f"ALTER TABLE {table.sql} ADD COLUMN {missing} {BOOKKEEPING[missing]}")
    before = len(table.columns)
    for column in declared:
        _bring_up_to_date(session, table, column)
    _adopt(session, table, columns)
    return table, len(table.columns) > before


def _make(session: Session, name: TableName, columns: Mapping[str, str]) -> Table:
    """Make the table with these columns and the bookkeeping ones."""
    listed = [
        f"{quoted(column)} {kind}{' NOT NULL' if column == PRIMARY_KEY else ''}"
        for column, kind in {**columns, **BOOKKEEPING}.items()
    ]
    if name.schema != MAIN:
        session.run("making the schema", f"CREATE SCHEMA IF NOT EXISTS {quoted(name.schema)}")
    session.run("making the table", f"CREATE TABLE {name.sql} ({', '.join(listed)})")
    return Table(name, dict(columns))


def _bring_up_to_date(session: Session, table: Table, column: Column) -> None:
    if column.name not in table.columns:
        former = next((name for name in column.formerly if name in table.columns), None)
        if former is None:
            add(session, table, column.name, column.type.value)
            return
        session.run(
            "renaming a column",
            f"ALTER TABLE {table.sql} RENAME COLUMN {quoted(former)} TO {quoted(column.name)}",
        )
        table.columns[column.name] = table.columns.pop(former)
    if table.columns[column.name] != column.type:
        _retype(session, table, column)


def _retype(session: Session, table: Table, column: Column) -> None:
    name, before, now = quoted(column.name), table.columns[column.name], column.type.value
    lost = session.one(
        "checking a column's new type",
        f"SELECT count(*) FROM {table.sql} WHERE {name} IS NOT NULL"
        f" AND TRY_CAST(TRY_CAST({name} AS {now}) AS {before}) IS DISTINCT FROM {name}",
    )[0]
    if lost:
        raise LoadFailed(
            f"{table.name}.{column.name} is {before} in this warehouse and {now} in this version; {lost:,} values would"
            " be lost, so nothing was changed: rename that column in the warehouse; the next full read fills a new one"
        )
    _change_type(session, table, column.name, now)


def _adopt(session: Session, table: Table, columns: Mapping[str, str]) -> None:
    """Give columns that hold no value yet the types they have now: one that is all null in a frame has told none."""
    for column, kind in columns.items():
        if column in table.columns and table.columns[column] != kind:
            name = quoted(column)
            if session.one("looking for values", f"SELECT count({name}) FROM {table.sql}")[0] == 0:
                _change_type(session, table, column, kind)


def _change_type(session: Session, table: Table, column: str, kind: str) -> None:
    """Give a column a type that takes all its values. A lake widens types only: there the column is made anew."""
    step, name, fresh = "changing a column's type", quoted(column), quoted(_FRESH)
    if session.engine.retypes:
        session.run(step, f"ALTER TABLE {table.sql} ALTER COLUMN {name} SET DATA TYPE {kind}")
    else:
        session.run(step, f"ALTER TABLE {table.sql} ADD COLUMN {fresh} {kind}")
        session.run(step, f"UPDATE {table.sql} SET {fresh} = CAST({name} AS {kind}) WHERE {name} IS NOT NULL")
        session.run(step, f"ALTER TABLE {table.sql} DROP COLUMN {name}")
        session.run(step, f"ALTER TABLE {table.sql} RENAME COLUMN {fresh} TO {name}")
    table.columns[column] = kind


def add(session: Session, table: Table, column: str, kind: str) -> None:
    """Add a column."""
    session.run("adding a column", f"ALTER TABLE {table.sql} ADD COLUMN {quoted(column)} {kind}")
    table.columns[column] = kind
