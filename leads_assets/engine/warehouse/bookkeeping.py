"""The schema `ops`: its tables, and the format in which they are kept."""

from collections.abc import Mapping

from leads_assets.engine.warehouse import deletions, runs, superseded
from leads_assets.engine.warehouse import schema as tables
from leads_assets.engine.warehouse.errors import WarehouseUnusable
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.sql import literal, quoted

VERSION = 5
"""1: without `ops.seen_rows`, and without `number` and the columns after it in `ops.sync_runs`.
2: without `_first_seen_at` in the tables, deletions in `ops.changes`, `ops.refused_deletions`, and without
`changes_as_of` and the columns after it in `ops.sync_runs`. 3: without `lap` and `in_progress` there. 4: without
`took_over`."""

_FIRST_SEEN_KEPT = 3
"""The format from which on tables say when a row was first written."""

TABLES: Mapping[str, Mapping[str, str]] = {
    "version": {"version": "INTEGER"},
    "sync_runs": runs.COLUMNS,
    "seen_rows": superseded.COLUMNS,
    "refused_deletions": deletions.COLUMNS,
    "changes": {
        "endpoint": "VARCHAR",
        "id": "BIGINT",
        "field": "VARCHAR",
        "old": "VARCHAR",
        "new": "VARCHAR",
        "changed_at": "TIMESTAMPTZ",
        "seen_at": "TIMESTAMPTZ",
        "run_id": "VARCHAR",
    },
    "rejected_rows": {
        "endpoint": "VARCHAR",
        "run_id": "VARCHAR",
        "reason": "VARCHAR",
        "record": "VARCHAR",
        "seen_at": "TIMESTAMPTZ",
    },
}
"""Only ever widened, so that a warehouse of an older format is brought up to date by adding columns."""


def prepare(session: Session) -> None:
    """Make or upgrade the bookkeeping, inside the caller's transaction.

    Raises WarehouseUnusable for a warehouse that a newer version of this project has written.
    """
    version = _version(session)
    if version == VERSION:
        return
    if version is not None and version > VERSION:
        raise WarehouseUnusable(
            f"the warehouse was written by a newer version of leads_assets (format {version}; this one knows"
            f" {VERSION}); nothing was changed: upgrade leads_assets"
        )
    step = "preparing the bookkeeping"
    session.run(step, "CREATE SCHEMA IF NOT EXISTS ops")
    for name, columns in TABLES.items():
        listed = [f"{column} {kind}" for column, kind in columns.items()]
        session.run(step, f"CREATE TABLE IF NOT EXISTS ops.{name} ({', '.join(listed)})")
        if version is not None:
            for column in listed:
                session.run(step, f"ALTER TABLE ops.{name} ADD COLUMN IF NOT EXISTS {column}")
    if version is not None:
        runs.bring_up_to_date(session, version)
        if version < _FIRST_SEEN_KEPT:
            _free(session, tables.FIRST_SEEN)
    session.run(step, runs.FRESHNESS)
    session.run(step, "DELETE FROM ops.version")
    session.run(step, f"INSERT INTO ops.version VALUES ({VERSION})")


def _free(session: Session, name: str) -> None:
    """Give another name to a column of the server's that is called as a bookkeeping column of this version is."""
    taken = session.run(
        "looking up the columns",
        "SELECT schema_name, table_name, column_name FROM duckdb_columns() WHERE database_name = current_database()"
        f" AND schema_name <> 'ops' AND lower(column_name) = {literal(name)}",
    )
    for schema, table, column in taken:
        where, now = f"{quoted(schema)}.{quoted(table)}", quoted(f"{column} (sent)")
        session.run("renaming a column", f"ALTER TABLE {where} RENAME COLUMN {quoted(column)} TO {now}")


def _version(session: Session) -> int | None:
    if not exists(session):
        return None
    version = session.one("reading the format version", "SELECT coalesce(max(version), 0) FROM ops.version")[0]
    return int(version)


def exists(session: Session) -> bool:
    """Whether the warehouse has its bookkeeping yet."""
    return tables.exists(session, "version", schema="ops")
