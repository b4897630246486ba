"""The schema `ops`: what every load leaves behind besides its rows."""

from leads_assets.warehouse import tables
from leads_assets.warehouse.connection import Session
from leads_assets.warehouse.errors import WarehouseUnusable

VERSION = 2

TABLES = {
    "version": "version INTEGER",
    "sync_runs": (
        "run_id VARCHAR, endpoint VARCHAR, mode VARCHAR, verdict VARCHAR, reason VARCHAR,"
        " rows_read BIGINT, inserted BIGINT, updated BIGINT, unchanged BIGINT, deleted BIGINT, restored BIGINT,"
        " outdated BIGINT, duplicates BIGINT, rejected BIGINT, misfits JSON, new_columns JSON, server_total BIGINT,"
        " live_rows BIGINT, pages BIGINT, requests BIGINT, retries BIGINT, seconds_waited DOUBLE, seconds JSON,"
        " budget_left BIGINT, spooled_bytes BIGINT, notes JSON, watermark TIMESTAMPTZ,"
        " began_at TIMESTAMPTZ, ended_at TIMESTAMPTZ, loaded_at TIMESTAMPTZ, number BIGINT, account VARCHAR"
    ),
    "changes": (
        "endpoint VARCHAR, id BIGINT, field VARCHAR, old VARCHAR, new VARCHAR,"
        " changed_at TIMESTAMPTZ, seen_at TIMESTAMPTZ, run_id VARCHAR"
    ),
    "rejected_rows": "endpoint VARCHAR, run_id VARCHAR, reason VARCHAR, record VARCHAR, seen_at TIMESTAMPTZ",
}
"""Only ever widened, so that a warehouse of an older format is brought up to date by adding columns."""

_FRESHNESS = """
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
ORDER BY endpoint
"""

_NUMBER = """
UPDATE ops.sync_runs SET number = counted.number
FROM (SELECT rowid AS place, row_number() OVER (ORDER BY loaded_at, rowid) AS number FROM ops.sync_runs) counted
WHERE counted.place = sync_runs.rowid
"""
"""Rows of the versions that did not count their loads; the clock's order is all that is known of them."""

RUNS = """
WITH every AS (
    FROM ops.sync_runs
    -- What a warehouse of an older version lacks.
    UNION ALL BY NAME SELECT CAST(NULL AS BIGINT) AS number, CAST(NULL AS VARCHAR) AS account WHERE false
),
standing AS (
    FROM every WHERE endpoint IN (
        SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'main'
    )
),
runs AS (
    SELECT *, account IS NOT DISTINCT FROM (SELECT arg_max(account, number) FROM standing) AS ours FROM standing
)
"""
"""SQL to begin with: `runs` are the loads of the tables that still stand; `ours` those of the account of the newest."""


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
        session.run(step, f"CREATE TABLE IF NOT EXISTS ops.{name} ({columns})")
        if version is not None:
            for column in columns.split(", "):
                session.run(step, f"ALTER TABLE ops.{name} ADD COLUMN IF NOT EXISTS {column}")
    if version is not None:
        session.run(step, _NUMBER)
    session.run(step, _FRESHNESS)
    session.run(step, "DELETE FROM ops.version")
    session.run(step, f"INSERT INTO ops.version VALUES ({VERSION})")


def _version(session: Session) -> int | None:
    if not exists(session):
        return None
    version = session.one("reading the format version", "SELECT coalesce(max(version), 0) FROM ops.version")[0]
    return int(version)


def exists(session: Session) -> bool:
    """Whether the warehouse has its bookkeeping yet."""
    return tables.exists(session, "version", schema="ops")
