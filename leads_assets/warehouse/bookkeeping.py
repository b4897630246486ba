"""The schema `ops`: what every load leaves behind besides its rows."""

from leads_assets.warehouse.connection import Session
from leads_assets.warehouse.errors import WarehouseUnusable

VERSION = 1

_TABLES = """
CREATE SCHEMA IF NOT EXISTS ops;
CREATE TABLE IF NOT EXISTS ops.version (version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS ops.sync_runs (
    run_id VARCHAR, endpoint VARCHAR, mode VARCHAR, verdict VARCHAR, reason VARCHAR,
    rows_read BIGINT, inserted BIGINT, updated BIGINT, unchanged BIGINT, deleted BIGINT, restored BIGINT,
    outdated BIGINT, duplicates BIGINT, rejected BIGINT, misfits JSON, new_columns JSON, server_total BIGINT,
    live_rows BIGINT, pages BIGINT, requests BIGINT, retries BIGINT, seconds_waited DOUBLE, seconds JSON,
    budget_left BIGINT, spooled_bytes BIGINT, notes JSON, watermark TIMESTAMPTZ,
    began_at TIMESTAMPTZ, ended_at TIMESTAMPTZ, loaded_at TIMESTAMPTZ
);
CREATE TABLE IF NOT EXISTS ops.changes (
    endpoint VARCHAR, id BIGINT, field VARCHAR, old VARCHAR, new VARCHAR,
    changed_at TIMESTAMPTZ, seen_at TIMESTAMPTZ, run_id VARCHAR
);
CREATE TABLE IF NOT EXISTS ops.rejected_rows (
    endpoint VARCHAR, run_id VARCHAR, reason VARCHAR, record VARCHAR, seen_at TIMESTAMPTZ
);
CREATE OR REPLACE VIEW ops.freshness AS
SELECT
    endpoint,
    max(began_at) FILTER (verdict = 'proven') AS data_as_of,
    max(loaded_at) FILTER (verdict = 'proven') AS last_proven_sync,
    max(began_at) FILTER (verdict = 'proven' AND mode = 'full') AS last_reconcile,
    arg_max(verdict, loaded_at) AS verdict,
    arg_max(reason, loaded_at) AS reason,
    arg_max(live_rows, loaded_at) FILTER (live_rows IS NOT NULL) AS live_rows
FROM ops.sync_runs
GROUP BY endpoint
ORDER BY endpoint;
"""


def prepare(session: Session) -> None:
    """Make or upgrade the bookkeeping, inside the caller's transaction.

    Raises WarehouseUnusable for a warehouse that a newer version of this project has written.
    """
    version = _version(session)
    if version == VERSION:
        return
    if version is not None and version > VERSION:
        raise WarehouseUnusable(
            f"the warehouse was written by a newer version of leads_assets (format {version}, this one knows {VERSION});"
            " nothing was changed: upgrade leads_assets"
        )
    for statement in _TABLES.strip().split(";\n"):
        session.run("preparing the bookkeeping", statement)
    session.run("preparing the bookkeeping", "DELETE FROM ops.version")
    session.run("preparing the bookkeeping", f"INSERT INTO ops.version VALUES ({VERSION})")


def _version(session: Session) -> int | None:
    if not exists(session):
        return None
    rows = session.run("reading the format version", "SELECT max(version) FROM ops.version")
    return rows[0][0] if rows else None


def exists(session: Session) -> bool:
    """Whether the warehouse has its bookkeeping yet."""
    found = session.run(
        "looking for the bookkeeping",
        "SELECT 1 FROM duckdb_tables() WHERE database_name = current_database()"
        " AND schema_name = 'ops' AND table_name = 'version'",
    )
    return bool(found)
