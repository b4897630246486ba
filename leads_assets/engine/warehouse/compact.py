"""Rewriting a file that has grown: DuckDB uses the space of replaced rows again, and never gives it back."""

from leads_assets.engine.warehouse.errors import LoadFailed, WarehouseUnusable
from leads_assets.engine.warehouse.file import NEW_FILE, Warehouse
from leads_assets.engine.warehouse.new_files import put_in_place
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.sql import literal, quoted


def compact(warehouse: Warehouse) -> tuple[int, int]:
    """Write the warehouse anew and put it into the old one's place in one step; returns its bytes before and after.

    Raises a WarehouseError; then the old file stands as it was.
    """
    with warehouse.locked() as ends, warehouse.spool() as folder:
        fresh = folder.path / "compact.duckdb"
        try:
            with warehouse.opened("compacting", ends) as session:
                session.run("writing out the log", "CHECKPOINT")
                before = warehouse.path.stat().st_size
                _copy(session, str(fresh))
            put_in_place(fresh, warehouse.path)
        except OSError as error:
            raise WarehouseUnusable(
                f"the warehouse {warehouse.path} cannot be rewritten ({error.strerror}); it stands as it was"
            ) from None
        return before, warehouse.path.stat().st_size


def _copy(session: Session, fresh: str) -> None:
    session.run("making the new file", f"ATTACH {literal(fresh)} AS fresh ({NEW_FILE})")
    session.run("copying", "COPY FROM DATABASE warehouse TO fresh")
    if _rows(session, "warehouse") != _rows(session, "fresh"):
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
