"""`ops.sync_runs`, one row a load, and what the next read may rely on. The only module with SQL on that table.

Loads are numbered in the order of their commits, and that number is the only order there is between them: clocks are
set back and forth. Times are kept to be shown, and to tell how old something is; one that lies in the future is the
mark of a wrong clock, and is not believed.
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from leads_assets.engine.declare import PRIMARY_KEY, Endpoint
from leads_assets.engine.instants import CLOCK_SLACK
from leads_assets.engine.records.names import shown_counts
from leads_assets.engine.records.state import MOST_AHEAD, Held, SyncState
from leads_assets.engine.warehouse import schema as tables
from leads_assets.engine.warehouse.file import Warehouse
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.sql import literal, moment, quoted

FRAME = "frame"
"""The mode of a load that comes from no list of the API: it says nothing about what the server has."""
_LATELY = timedelta(hours=24)
"""Over which deletions are summed up for the guard."""
_TABLE_COLUMNS = (
    "SELECT table_name, list(column_name) FROM duckdb_columns() WHERE database_name = current_database()"
    " AND schema_name = 'main' GROUP BY ALL"
)
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRun:
    """One row of `ops.sync_runs`. Times in UTC, `seconds` per phase; None where a figure does not apply.

    `number` orders the loads of the warehouse; it is given by `write`. `account`: whose rows were loaded, as
    `account_of` names it. `changed_since`: where a read asked for the changes since then, whatever it got.
    `deletions_allowed`: the user gave the word that any number of rows may be marked as deleted. `crowded_out`: about
    how many fields stay in `_extra` because the table has no room for them.
    """

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
    number: int | None = None
    account: str | None = None
    changed_since: datetime | None = None
    deletions_allowed: bool = False
    crowded_out: int = 0


_TYPES: Mapping[Any, str] = {
    str: "VARCHAR",
    str | None: "VARCHAR",
    int: "BIGINT",
    int | None: "BIGINT",
    float: "DOUBLE",
    bool: "BOOLEAN",
    datetime: "TIMESTAMPTZ",
    datetime | None: "TIMESTAMPTZ",
}
COLUMNS: Mapping[str, str] = {known.name: _TYPES.get(known.type, "JSON") for known in fields(SyncRun)}
"""Column of `ops.sync_runs` -> its type. Only ever widened."""

FRESHNESS = """
CREATE OR REPLACE VIEW ops.freshness AS
SELECT
    endpoint,
    arg_max(began_at, number) FILTER (verdict = 'proven') AS data_as_of,
    arg_max(began_at, number) FILTER (verdict = 'proven') AS changes_as_of,
    arg_max(began_at, number) FILTER (verdict = 'proven' AND mode = 'full') AS complete_as_of,
    CAST(NULL AS VARCHAR) AS in_progress,
    arg_max(loaded_at, number) FILTER (verdict = 'proven') AS last_proven_sync,
    arg_max(began_at, number) FILTER (verdict = 'proven' AND mode = 'full') AS last_reconcile,
    CASE WHEN foreign_rows THEN 'unproven' ELSE arg_max(verdict, number) END AS verdict,
    CASE WHEN foreign_rows THEN 'these are the rows of the account before' ELSE arg_max(reason, number) END AS reason,
    arg_max(live_rows, number) AS live_rows
FROM (
    SELECT *, coalesce(
        arg_max(account, number) OVER (PARTITION BY endpoint) <> arg_max(account, number) OVER (), false
    ) AS foreign_rows
    FROM ops.sync_runs
)
GROUP BY endpoint, foreign_rows
ORDER BY endpoint
"""

_NUMBER_OLD_RUNS = """
UPDATE ops.sync_runs SET number = counted.number
FROM (SELECT rowid AS place, row_number() OVER (ORDER BY loaded_at, rowid) AS number FROM ops.sync_runs) counted
WHERE counted.place = sync_runs.rowid
"""


def number_old_runs(session: Session) -> None:
    """Number the rows of a version that did not: their times of loading are all that is known of their order."""
    session.run("numbering earlier loads", _NUMBER_OLD_RUNS)


def write(session: Session, run: SyncRun) -> SyncRun:
    """Add the row, inside the caller's transaction; returns it with its number."""
    values = {name: _value(value) for name, value in asdict(run).items() if name != "number"}
    number = session.one(
        "writing the ledger",
        f"INSERT INTO ops.sync_runs ({', '.join(values)}, number) SELECT {', '.join(values.values())},"
        " coalesce(max(number), 0) + 1 FROM ops.sync_runs RETURNING number",
    )[0]
    return replace(run, number=int(number))


def _value(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, Mapping | tuple):
        return literal(msgspec.json.encode(value).decode())
    return literal(value) if isinstance(value, str) else repr(value)


_STANDING = f"""
standing AS (
    FROM numbered WHERE mode <> {literal(FRAME)} AND endpoint IN (
        SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'main'
    )
)
"""
_OLD_RUNS = """
SELECT *, row_number() OVER (ORDER BY loaded_at, rowid) AS number, NULL::VARCHAR AS account,
    NULL::TIMESTAMPTZ AS changed_since, false AS deletions_allowed
FROM ops.sync_runs
"""
"""The ledger of format 1 as the upgrade will make it."""
_LEDGER_COLUMNS = (
    "SELECT column_name FROM duckdb_columns() WHERE database_name = current_database()"
    " AND schema_name = 'ops' AND table_name = 'sync_runs'"
)


def _states(now: datetime, *, numbered: bool) -> str:
    """The query that fills a SyncState: a row for each endpoint that was loaded and whose table still stands."""
    limit = moment(now + CLOCK_SLACK)
    proven = "ours AND verdict = 'proven'"
    full = "ours AND mode = 'full'"
    changes = "ours AND (changed_since IS NOT NULL OR mode = 'incremental')"
    lately = f"number > coalesce(word, 0) AND loaded_at > {moment(now - _LATELY)} AND loaded_at <= {limit}"
    return f"""
WITH numbered AS ({"FROM ops.sync_runs" if numbered else _OLD_RUNS}), {_STANDING},
words AS (
    SELECT endpoint, max(number) AS word FROM standing WHERE deletions_allowed GROUP BY endpoint
),
runs AS (
    SELECT *, account IS NOT DISTINCT FROM (SELECT arg_max(account, number) FROM standing) AS ours,
        began_at <= {limit} AS believed,
        coalesce(max(number) FILTER (mode = 'full' AND verdict <> 'proven') OVER (PARTITION BY endpoint), 0) AS doubted
    FROM standing LEFT JOIN words USING (endpoint)
)
SELECT endpoint,
    max(number) AS number,
    coalesce(max(number) FILTER (mode <> 'incremental'), 0) AS full_number,
    arg_max(account, number) AS account,
    max(began_at) FILTER (believed) AS began,
    max(began_at) FILTER (believed AND {proven}) AS proven,
    max(began_at) FILTER (believed AND {proven} AND mode = 'full') AS "full",
    max(watermark) FILTER ({proven} AND watermark <= {limit}) AS watermark,
    coalesce(arg_max(requests - retries, number) FILTER ({full}), 1) AS full_requests,
    arg_max(rows_read, number) FILTER ({full}) AS full_rows,
    coalesce(arg_max(requests - retries, number) FILTER ({changes}), 1) AS change_requests,
    arg_max(rows_read, number) FILTER ({changes}) AS change_rows,
    coalesce(arg_max(server_total - live_rows, number) FILTER ({full}), 0) AS surplus,
    arg_max(live_rows, number) FILTER ({proven}) AS live_proven,
    coalesce(sum(deleted) FILTER (ours AND {lately}), 0)::BIGINT AS deleted_lately,
    arg_max(began_at, number) AS newest_began,
    coalesce(max(rows_read) FILTER ({full} AND number > doubted), 0) AS longest,
    -- One page, and one more to see whether it was all.
    coalesce(max(rows_read) FILTER ({full} AND number > doubted AND pages <= 2), 0) AS longest_response
FROM runs GROUP BY endpoint
"""


def states(session: Session, now: datetime, *, numbered: bool = True) -> dict[str, SyncState]:
    """The state of every endpoint that was loaded before and whose table still stands, at the time `now` (UTC).

    `numbered`: the ledger is of today's format.
    """
    rows = _dictionaries(session, "reading the ledger", _states(now, numbered=numbered))
    return {row.pop("endpoint"): _state(row, now) for row in rows}


def _state(row: dict[str, Any], now: datetime) -> SyncState:
    newest = row.pop("newest_began")
    if newest is not None and newest > now + CLOCK_SLACK:
        _LOG.warning("the newest load began at %s, which is still to come: a wrong clock, ignored", newest.isoformat())
    held = Held(longest=row.pop("longest"), longest_response=row.pop("longest_response"))
    return SyncState(**row, held=held)


def sync_states(
    warehouse: Warehouse, now: datetime, endpoints: Mapping[str, Endpoint] | None = None
) -> dict[str, SyncState]:
    """The states in a warehouse; none where there is none yet.

    For `endpoints` the figures of their tables are looked up too, and others are left out. Raises a WarehouseError.
    """
    with warehouse.read("the ledger") as session:
        columns = [] if session is None else session.run("looking up the ledger", _LEDGER_COLUMNS)
        if session is None or not columns:
            return {}
        found = states(session, now, numbered=("number",) in columns)
        if endpoints is None:
            return found
        known = {name: _with_rows(session, endpoints[name], found[name], now) for name in found if name in endpoints}
        return _with_held(session, endpoints, known)


def _with_rows(session: Session, endpoint: Endpoint, state: SyncState, now: datetime) -> SyncState:
    table = f"main.{quoted(endpoint.name)}"
    if endpoint.change_filter and endpoint.cursor_field:
        changed, limit = quoted(endpoint.cursor_field), moment(now + CLOCK_SLACK)
        live, newest, ids, ahead, moments = session.one(
            "looking for the newest change",
            f"""
            WITH live AS (SELECT id, {changed} AS moment FROM {table} WHERE _deleted_at IS NULL),
                early AS (FROM live WHERE moment > {limit} ORDER BY moment DESC LIMIT {MOST_AHEAD}),
                newest AS (SELECT max(moment) AS moment FROM live WHERE moment <= {limit})
            SELECT (SELECT count(*) FROM live), (SELECT moment FROM newest),
                (SELECT list(id) FROM live WHERE moment = (SELECT moment FROM newest)),
                (SELECT list(id ORDER BY id) FROM early), (SELECT list(moment ORDER BY id) FROM early)
            """,
        )
        return replace(
            state,
            live=live,
            newest=newest,
            newest_ids=frozenset(ids or ()),
            ahead=frozenset(zip(ahead or (), moments or (), strict=True)),
        )
    if not endpoint.marks_deleted:
        highest = session.one("looking for the newest event", f"SELECT max(id) FROM {table}")[0]
        return replace(state, highest_id=highest)
    return state


def _with_held(
    session: Session, endpoints: Mapping[str, Endpoint], known: Mapping[str, SyncState]
) -> dict[str, SyncState]:
    """The ids of live rows and the parts they belong to; the next load puts back a column that somebody has dropped."""
    columns = dict(session.run("looking up the columns", _TABLE_COLUMNS))
    parts = []
    for name in known:
        has = columns.get(name, ())
        if PRIMARY_KEY not in has:
            continue
        counted = "NULL, 0"
        if (fan_out := endpoints[name].fan_out) is not None:
            part = quoted(fan_out.column) if fan_out.column in has else "CAST(NULL AS BIGINT)"
            counted = f"list(DISTINCT {part}), count(*) - count({part})"
        live = "_deleted_at IS NULL" if "_deleted_at" in has else "true"
        parts.append(
            f"SELECT {literal(name)}, min({PRIMARY_KEY}), max({PRIMARY_KEY}), {counted}"
            f" FROM main.{quoted(name)} WHERE {live}"
        )
    rows = session.run("looking for live rows", " UNION ALL ".join(parts)) if parts else []
    found = dict(known)
    for name, lowest, highest, of_rows, without_part in rows:
        held = replace(
            found[name].held,
            lowest=lowest,
            highest=highest,
            parts=frozenset(of_rows or ()) - {None},
            without_part=without_part,
        )
        found[name] = replace(found[name], held=held)
    return found


def bound_account(known: Mapping[str, SyncState]) -> str | None:
    """The account whose rows the warehouse holds; None where no load has named one.

    That is so where there is no warehouse, where all tables were dropped, and where an older version has written.
    """
    named = [state for state in known.values() if state.account]
    return max(named, key=lambda state: state.number).account if named else None


def retype_empty_columns(session: Session, account: str) -> None:
    """Say whose rows those are that no load has named, inside the caller's transaction."""
    session.run(
        "adopting the account",
        f"UPDATE ops.sync_runs SET account = {literal(account)} WHERE account IS NULL AND mode <> {literal(FRAME)}",
    )


def freshness(warehouse: Warehouse) -> list[dict[str, Any]]:
    """The rows of the view `ops.freshness`; none where there is no warehouse yet."""
    return _read(warehouse, "reading the freshness", "FROM ops.freshness")


def loads_of_run(warehouse: Warehouse, run_id: str) -> list[dict[str, Any]]:
    """What one run has loaded, in the order of loading."""
    return _read(
        warehouse,
        "reading the ledger",
        "SELECT endpoint, mode, verdict, reason, live_rows, inserted, updated, deleted, restored, requests,"
        " round(epoch(loaded_at - began_at), 1) AS seconds"
        f" FROM ops.sync_runs WHERE run_id = {literal(run_id)} ORDER BY loaded_at",
    )


@dataclass(frozen=True, slots=True)
class Notes:
    """What the last load of one endpoint could not keep in its columns. `misfits`: column -> values in `_extra`."""

    endpoint: str
    misfits: Mapping[str, int]
    rejected: int
    columns: int

    def sentences(self) -> list[str]:
        """One for each kind."""
        misfits = shown_counts(self.misfits).items()
        found = [f"{self.endpoint}: {name}: {count:,} values in _extra" for name, count in misfits]
        if self.rejected:
            found.append(f"{self.endpoint}: {self.rejected:,} records without a usable id in ops.rejected_rows")
        if self.columns:
            found.append(f"{self.endpoint}: {self.columns:,} fields that are new became columns")
        return found


def last_notes(warehouse: Warehouse) -> dict[str, Notes]:
    """Per endpoint the notes of its last load, where it has any."""
    rows = _read(
        warehouse,
        "reading the ledger",
        "SELECT endpoint, misfits, rejected, len(json_keys(new_columns)) AS columns FROM ops.sync_runs"
        " QUALIFY row_number() OVER (PARTITION BY endpoint ORDER BY number DESC) = 1",
    )
    notes = [Notes(**{**row, "misfits": msgspec.json.decode(row["misfits"] or "{}")}) for row in rows]
    return {note.endpoint: note for note in notes if note.sentences()}


def newest_loads(session: Session) -> dict[str, datetime]:
    """When each endpoint was last loaded (UTC)."""
    if not tables.exists(session, "sync_runs", schema="ops"):
        return {}
    return dict(
        session.run("reading the ledger", "SELECT endpoint, max(loaded_at) FROM ops.sync_runs GROUP BY endpoint")
    )


def _read(warehouse: Warehouse, step: str, sql: str) -> list[dict[str, Any]]:
    with warehouse.read("the ledger") as session:
        if session is None or not tables.exists(session, "sync_runs", schema="ops"):
            return []
        return _dictionaries(session, step, sql)


def _dictionaries(session: Session, step: str, sql: str) -> list[dict[str, Any]]:
    rows = session.run(step, sql)
    names = [column[0] for column in session.connection.description or []]
    return [dict(zip(names, row, strict=True)) for row in rows]
