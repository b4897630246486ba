"""Reads that failed: one sentence each in `ops.failed_reads`, so that SQL and `leads-assets status` can tell."""

from datetime import datetime

from leads_assets.warehouse import bookkeeping
from leads_assets.warehouse.connection import Warehouse
from leads_assets.warehouse.sql import literal, moment
from leads_assets.warehouse.tables import exists
from leads_assets.warehouse.transaction import transaction

_TABLE = """
CREATE TABLE IF NOT EXISTS ops.failed_reads (endpoint VARCHAR, run_id VARCHAR, error VARCHAR, failed_at TIMESTAMPTZ)
"""


def note_failure(warehouse: Warehouse, endpoint: str, run_id: str, error: str, at: datetime) -> None:
    """Keep the sentence; nothing happens where there is no warehouse yet. Raises a WarehouseError."""
    if not warehouse.path.exists():
        return
    with warehouse.write(endpoint) as session, transaction(session):
        session.run("noting the failure", "CREATE SCHEMA IF NOT EXISTS ops")
        session.run("noting the failure", _TABLE)
        values = ", ".join([*map(literal, (endpoint, run_id, error)), moment(at)])
        session.run("noting the failure", f"INSERT INTO ops.failed_reads VALUES ({values})")


def last_failures(warehouse: Warehouse) -> dict[str, tuple[str, datetime]]:
    """Per endpoint the newest failure and its time (UTC), if no load came after it."""
    with warehouse.read("the failed reads") as session:
        if session is None or not exists(session, "failed_reads", schema="ops"):
            return {}
        loads = "SELECT endpoint, max(loaded_at) AS loaded_at FROM ops.sync_runs GROUP BY endpoint"
        if not bookkeeping.exists(session):
            loads = "SELECT NULL AS endpoint, NULL::TIMESTAMPTZ AS loaded_at"
        rows = session.run(
            "reading the failed reads",
            "SELECT f.endpoint, arg_max(f.error, f.failed_at), max(f.failed_at) FROM ops.failed_reads f"
            f" LEFT JOIN ({loads}) l ON l.endpoint = f.endpoint"
            " WHERE l.loaded_at IS NULL OR f.failed_at > l.loaded_at GROUP BY f.endpoint",
        )
    return {endpoint: (error, at) for endpoint, error, at in rows}
