"""The ledger: what each load did, written in the load's own transaction, and what the next read may rely on."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from leads_assets.warehouse.bookkeeping import RUNS, exists
from leads_assets.warehouse.connection import Session, Warehouse
from leads_assets.warehouse.sql import literal, moment


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One row of `ops.sync_runs`. Times in UTC, `seconds` per phase; None where a figure does not apply."""

    run_id: str
    endpoint: str
    mode: str
    verdict: str
    reason: str = ""
    rows_read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    restored: int = 0
    outdated: int = 0
    duplicates: int = 0
    rejected: int = 0
    misfits: Mapping[str, int] = field(default_factory=dict)
    new_columns: Mapping[str, str] = field(default_factory=dict)
    server_total: int | None = None
    live_rows: int | None = None
    pages: int = 0
    requests: int = 0
    retries: int = 0
    seconds_waited: float = 0.0
    seconds: Mapping[str, float] = field(default_factory=dict)
    budget_left: int | None = None
    spooled_bytes: int = 0
    notes: tuple[str, ...] = ()
    watermark: datetime | None = None
    began_at: datetime
    ended_at: datetime
    loaded_at: datetime
    account: str | None = None


_AS_JSON = ("misfits", "new_columns", "seconds", "notes")


def write(session: Session, row: LedgerRow) -> None:
    """Add the row, inside the caller's transaction."""
    values = asdict(row)
    for name in _AS_JSON:
        values[name] = msgspec.json.encode(values[name]).decode()
    session.run(
        "writing the ledger",
        f"INSERT INTO ops.sync_runs ({', '.join(values)}, number) SELECT {', '.join(map(_value, values.values()))},"
        " coalesce(max(number), 0) + 1 FROM ops.sync_runs",
    )


def _value(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, datetime):
        return moment(value)
    return literal(value) if isinstance(value, str) else repr(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncState:
    """What is known of one endpoint before it is read again. Times in UTC; all None where it was never loaded.

    `watermark`: newest `updated_at` of the rows that a proven read has committed. `last_full`: begin of the last proven
    full read. `known`: whether any read of it was ever committed.
    """

    watermark: datetime | None = None
    last_full: datetime | None = None
    known: bool = False


def sync_states(warehouse: Warehouse) -> dict[str, SyncState]:
    """The state of every endpoint that was loaded before and whose table still stands."""
    with warehouse.read("the ledger") as session:
        if session is None or not exists(session):
            return {}
        rows = session.run(
            "reading the ledger",
            f"""{RUNS}
            SELECT endpoint,
                max(watermark) FILTER (verdict = 'proven' AND ours),
                max(began_at) FILTER (verdict = 'proven' AND ours AND mode = 'full')
            FROM runs GROUP BY endpoint
            """,
        )
    return {
        endpoint: SyncState(watermark=watermark, last_full=last_full, known=True)
        for endpoint, watermark, last_full in rows
    }


@dataclass(frozen=True, slots=True)
class Before:
    """What the ledger says about the loads of one endpoint so far.

    `overtaken`: a read that began later is loaded already. `live_rows`: live rows after the last proven load.
    """

    overtaken: bool
    live_rows: int | None


def before(session: Session, endpoint: str, began_at: datetime) -> Before:
    """Look up a read's predecessors."""
    overtaken, live_rows = session.one(
        "looking up earlier loads",
        f"SELECT coalesce(max(began_at) > {moment(began_at)}, false),"
        " arg_max(live_rows, loaded_at) FILTER (verdict = 'proven')"
        f" FROM ops.sync_runs WHERE endpoint = {literal(endpoint)}",
    )
    return Before(overtaken, live_rows)


def freshness(warehouse: Warehouse) -> Iterable[dict[str, Any]]:
    """The rows of the view `ops.freshness`, as dictionaries; none where there is no warehouse yet."""
    with warehouse.read("the ledger") as session:
        if session is None or not exists(session):
            return []
        rows = session.run("reading the freshness", "SELECT * FROM ops.freshness")
        names = [column[0] for column in session.connection.description or []]
    return [dict(zip(names, row, strict=True)) for row in rows]
