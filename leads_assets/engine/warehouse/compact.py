"""Rewriting a file that has grown: DuckDB uses the space of replaced rows again, and never gives it back."""

from pathlib import Path

from leads_assets.engine.warehouse.errors import LoadFailed
from leads_assets.engine.warehouse.new_files import NEW_FILE
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.sql import literal, quoted
from leads_assets.engine.warehouse.staging_database import ALIAS


def copy_whole(session: Session, fresh: Path) -> None:
    """Write all that the warehouse holds to a new DuckDB file. Raises LoadFailed if a row would be missing."""
    session.run("making the new file", f"ATTACH {literal(str(fresh))} AS fresh ({NEW_FILE})")
    session.run("copying", f"COPY FROM DATABASE {ALIAS} TO fresh")
    if _rows(session, ALIAS) != _rows(session, "fresh"):
        raise LoadFailed("compacting: the new file does not hold the same rows; nothing was changed")
    session.run("closing the new file", "DETACH fresh")


def _rows(session: Session, database: str) -> dict[tuple[str, str], int]:
    """(schema, table) -> number of rows."""
    tables = session.run(
        "listing the tables", f"SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = '{database}'"
    )
    return {
        (schema, table): session.one(
            "counting rows", f"SELECT count(*) FROM {database}.{quoted(schema)}.{quoted(table)}"
        )[0]
        for schema, table in tables
    }
