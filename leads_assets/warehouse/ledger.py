"""The ledger: what each load did, written in the load's own transaction, and what the next read may rely on."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec

from leads_assets.endpoints import PRIMARY_KEY, Endpoint
from leads_assets.extract import Held
from leads_assets.warehouse.bookkeeping import RUNS, exists
from leads_assets.warehouse.connection import Session, Warehouse
from leads_assets.warehouse.sql import literal, moment, quoted


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


USER_COLUMN = "user_id"
"""Tells whose a row is, in a list that may be read user by user."""
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
    full read. `known`: whether any read of it was ever committed. `held`: what a full read can compare itself with.
    """

    watermark: datetime | None = None
    last_full: datetime | None = None
    known: bool = False
    held: Held = field(default_factory=Held)


def sync_states(warehouse: Warehouse, endpoints: Iterable[Endpoint] = ()) -> dict[str, SyncState]:
    """The state of every endpoint that was loaded before and whose table still stands.

    Only of `endpoints` it says which rows are held.
    """
    with warehouse.read("the ledger") as session:
        if session is None or not exists(session):
            return {}
        loads = session.run("reading the ledger", _LOADS)
        columns = {name: frozenset(columns) for name, *_, columns in loads}
        rows = _held_rows(session, [(endpoint, columns.get(endpoint.name, frozenset())) for endpoint in endpoints])
    return {
        name: SyncState(
            watermark=watermark,
            last_full=last_full,
            known=True,
            held=replace(rows.get(name, Held()), longest=longest, longest_response=response),
        )
        for name, watermark, last_full, longest, response, _ in loads
    }


_LOADS = """
SELECT endpoint,
    max(watermark) FILTER (verdict = 'proven'),
    max(began_at) FILTER (verdict = 'proven' AND mode = 'full'),
    coalesce(max(rows_read) FILTER (mode = 'full'), 0),
    -- One page, and one more to see whether it was all.
    coalesce(max(rows_read) FILTER (mode = 'full' AND pages <= 2), 0),
    any_value(columns)
FROM ops.sync_runs JOIN (
    SELECT table_name AS endpoint, list(column_name) AS columns FROM duckdb_columns()
    WHERE database_name = current_database() AND schema_name = 'main'
    GROUP BY ALL
) USING (endpoint)
GROUP BY endpoint
"""


def _held_rows(session: Session, tables: Iterable[tuple[Endpoint, frozenset[str]]]) -> dict[str, Held]:
    """The ids and users of live rows, by endpoint; nothing for a table that somebody has taken a column from."""
    parts = []
    for endpoint, columns in tables:
        if not {PRIMARY_KEY, "_deleted_at"} <= columns:
            continue
        by_user = endpoint.per_user_fallback and USER_COLUMN in columns
        users = f"list(DISTINCT {USER_COLUMN}), count(*) - count({USER_COLUMN})" if by_user else "NULL, 0"
        parts.append(
            f"SELECT {literal(endpoint.name)}, min({PRIMARY_KEY}), max({PRIMARY_KEY}), {users}"
            f" FROM main.{quoted(endpoint.name)} WHERE _deleted_at IS NULL"
        )
    if not parts:
        return {}
    return {
        name: Held(lowest=lowest, highest=highest, users=frozenset(users or ()) - {None}, without_user=without_user)
        for name, lowest, highest, users, without_user in session.run(
            "looking for live rows", " UNION ALL ".join(parts)
        )
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
