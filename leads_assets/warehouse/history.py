"""Earlier loads, as the ledger keeps them."""

from dataclasses import dataclass
from typing import Any

from leads_assets.warehouse import bookkeeping
from leads_assets.warehouse.connection import Warehouse
from leads_assets.warehouse.sql import literal


@dataclass(frozen=True, slots=True, kw_only=True)
class LastLoad:
    """What the last load of an endpoint in one mode has cost; `requests` without retries."""

    rows: int
    requests: int


def last_loads(warehouse: Warehouse) -> dict[tuple[str, str], LastLoad]:
    """(endpoint, mode) -> its last load; nothing where there is no warehouse yet."""
    with warehouse.read("the ledger") as session:
        if session is None or not bookkeeping.exists(session):
            return {}
        rows = session.run(
            "reading the ledger",
            "SELECT endpoint, mode, rows_read, requests - retries FROM ops.sync_runs"
            " QUALIFY row_number() OVER (PARTITION BY endpoint, mode ORDER BY loaded_at DESC) = 1",
        )
    return {(endpoint, mode): LastLoad(rows=count, requests=requests) for endpoint, mode, count, requests in rows}


def loads_of_run(warehouse: Warehouse, run_id: str) -> list[dict[str, Any]]:
    """What one run has loaded, in the order of loading."""
    with warehouse.read("the ledger") as session:
        if session is None or not bookkeeping.exists(session):
            return []
        rows = session.run(
            "reading the ledger",
            "SELECT endpoint, mode, verdict, reason, live_rows, inserted, updated, deleted, restored, requests,"
            " round(epoch(loaded_at - began_at), 1) AS seconds"
            f" FROM ops.sync_runs WHERE run_id = {literal(run_id)} ORDER BY loaded_at",
        )
        names = [column[0] for column in session.connection.description or []]
    return [dict(zip(names, row, strict=True)) for row in rows]
