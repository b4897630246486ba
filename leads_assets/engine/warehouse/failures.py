"""Reads that failed: one sentence each in `ops.failed_reads`, so that SQL can tell."""

from datetime import datetime

from leads_assets.engine.warehouse import runs
from leads_assets.engine.warehouse.schema import exists
from leads_assets.engine.warehouse.session import Session, Warehouse
from leads_assets.engine.warehouse.sql import literal, moment
from leads_assets.engine.warehouse.transaction import transaction

_TABLE = """
CREATE TABLE IF NOT EXISTS ops.failed_reads (endpoint VARCHAR, run_id VARCHAR, error VARCHAR, failed_at TIMESTAMPTZ)
"""


def note_failure(warehouse: Warehouse, endpoint: str, run_id: str, error: str, at: datetime) -> None:
    """Keep the sentence; nothing happens where there is no warehouse yet. Raises a WarehouseError."""
    if not warehouse.exists():
        return
    with warehouse.write(endpoint) as session, transaction(session):
        session.run("noting the failure", "CREATE SCHEMA IF NOT EXISTS ops")
        session.run("noting the failure", _TABLE)
        values = ", ".join([*map(literal, (endpoint, run_id, error)), moment(at)])
        session.run("noting the failure", f"INSERT INTO ops.failed_reads VALUES ({values})")


def last_failures(warehouse: Warehouse) -> dict[str, tuple[str, datetime]]:
    """Per endpoint the newest failure and its time (UTC), if no load came after it."""
    with warehouse.read("the failed reads") as session:
        return {} if session is None else failures_in(session)


def failures_in(session: Session) -> dict[str, tuple[str, datetime]]:
    """The same in a warehouse that is open."""
    if not exists(session, "failed_reads", schema="ops"):
        return {}
    rows = session.run(
        "reading the failed reads",
        "SELECT endpoint, arg_max(error, failed_at), max(failed_at) FROM ops.failed_reads GROUP BY endpoint",
    )
    loaded = runs.newest_loads(session)
    return {endpoint: (error, at) for endpoint, error, at in rows if endpoint not in loaded or at > loaded[endpoint]}
