"""`ops.sync_runs`, one row a load, and what the next read may rely on. The only module with SQL on that table.

Loads are numbered in the order of their commits, and that number is the only order there is between them: clocks are
set back and forth. Times are kept to be shown, and to tell how old something is; one that lies in the future is the
mark of a wrong clock, and is not believed.
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from leads_assets.engine.declare import PRIMARY_KEY, Endpoint
from leads_assets.engine.instants import CLOCK_SLACK
from leads_assets.engine.records.lap import Lap
from leads_assets.engine.records.names import shown_counts
from leads_assets.engine.records.state import MOST_AHEAD, Held, SyncState
from leads_assets.engine.warehouse import schema as tables
from leads_assets.engine.warehouse.session import Session, Warehouse
from leads_assets.engine.warehouse.sql import literal, moment, quoted

FRAME = "frame"
"""The mode of a load that comes from no list of the API: it says nothing about what the server has."""
_NUMBERED = 2
"""The format from which on loads are numbered."""
_DATED = 3
"""The format from which on loads tell as of when the table is what."""
_TAKEN_OVER = 5
"""The format from which on loads tell whether they took the place of another account's rows."""
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

    `verdict` is that of the table after the load; `changes_as_of` the begin of the last read whose changes are in then,
    `complete_as_of` that of the last one that showed the table to be the server's list. `list_total`: rows of the whole
    list as the server stated them, where it was asked. `next_full`, `forced`, `calibration`: as SyncState has them.
    `lap`: how far a full read in parts had come with this load, which ended it if its mode is not `part`;
    `in_progress`: the same in a sentence, where it goes on. `number` orders the loads of the warehouse; it is given by
    `write`. `account`: whose rows were loaded, as `account_of` names it; `took_over`: they took
    the place of another account's, whose loads tell nothing of them. `changed_since`: where a read asked for the
    changes since then, whatever it got. `deletions_allowed`: the user gave the word that any number of rows may be
    marked as deleted. `crowded_out`: about how many fields stay in `_extra` because the table has no room for them.
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
    changes_as_of: datetime | None = None
    complete_as_of: datetime | None = None
    list_total: int | None = None
    next_full: str = ""
    forced: bool = False
    calibration: str | None = None
    lap: Lap | None = None
    in_progress: str = ""
    took_over: bool = False


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
    CASE WHEN foreign_rows THEN 'unproven'
        ELSE coalesce(arg_max(verdict, number) FILTER (mode <> 'part'), 'unproven') END AS verdict,
    arg_max(in_progress, number) FILTER (mode = 'part' AND number > ended AND NOT of_another) AS in_progress,
    arg_max(changes_as_of, number) FILTER (NOT of_another) AS changes_as_of,
    arg_max(complete_as_of, number) FILTER (NOT of_another) AS complete_as_of,
    CASE WHEN foreign_rows THEN 'these are the rows of the account before'
        ELSE coalesce(arg_max(reason, number) FILTER (mode <> 'part'), 'it was never read to its end') END AS reason,
    arg_max(live_rows, number) AS live_rows,
    arg_max(changes_as_of, number) FILTER (NOT of_another) AS data_as_of,
    arg_max(loaded_at, number) FILTER (changes_as_of = began_at) AS last_proven_sync,
    arg_max(began_at, number) FILTER (complete_as_of = began_at AND (mode = 'full' OR lap IS NOT NULL))
        AS last_reconcile
FROM (
    SELECT *, coalesce(
        arg_max(account, number) OVER (PARTITION BY endpoint) <> arg_max(account, number) OVER (), false
    ) AS foreign_rows, coalesce(
        account <> arg_max(account, number) OVER (PARTITION BY endpoint), false
    ) AS of_another, coalesce(
        max(number) FILTER (mode = 'full' OR (mode <> 'part' AND lap IS NOT NULL)) OVER (PARTITION BY endpoint), 0
    ) AS ended
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


_TELL_WHICH_OLD_RUNS_TOOK_OVER = """
UPDATE ops.sync_runs SET took_over = coalesce(found.account <> found.before, false)
FROM (
    SELECT rowid AS place, account, lag(account IGNORE NULLS) OVER (PARTITION BY endpoint ORDER BY number) AS before
    FROM ops.sync_runs WHERE mode <> 'frame'
) found
WHERE found.place = sync_runs.rowid
"""

_TELL_WHAT_OLD_RUNS_SHOWED = """
UPDATE ops.sync_runs SET changes_as_of = shown.changes, complete_as_of = shown.complete
FROM (
    SELECT rowid AS place,
        last_value(CASE WHEN verdict = 'proven' THEN began_at END IGNORE NULLS) OVER earlier AS changes,
        last_value(CASE WHEN verdict = 'proven' AND mode = 'full' THEN began_at END IGNORE NULLS) OVER earlier
            AS complete
    FROM ops.sync_runs WHERE mode <> 'frame'
    WINDOW earlier AS (PARTITION BY endpoint, account ORDER BY number ROWS UNBOUNDED PRECEDING)
) shown
WHERE shown.place = sync_runs.rowid
"""


def bring_up_to_date(session: Session, version: int) -> None:
    """Give the rows of a version (format) before what it did not write, inside the caller's transaction.

    Their times of loading are all that is known of the order of loads that are not numbered. What was called proven
    after a read of changes counts for the changes only.
    """
    if version < _NUMBERED:
        session.run("numbering earlier loads", _NUMBER_OLD_RUNS)
    if version < _DATED:
        session.run("dating earlier loads", _TELL_WHAT_OLD_RUNS_SHOWED)
    if version < _TAKEN_OVER:
        session.run("telling accounts apart", _TELL_WHICH_OLD_RUNS_TOOK_OVER)


def parts_of_others(session: Session, run: SyncRun, after: int) -> bool:
    """Whether parts of the same list were loaded after the load of number `after` that are not of this run."""
    found = session.one(
        "looking for other reads",
        f"SELECT count(*) FROM ops.sync_runs WHERE endpoint = {literal(run.endpoint)} AND number > {after}"
        f" AND mode = 'part' AND run_id <> {literal(run.run_id)}",
    )
    return bool(found[0])


def widened_in_parts(session: Session, run: SyncRun) -> bool:
    """Whether a part of the read that this run ends gave the table columns that earlier parts have no values for."""
    if run.lap is None:
        return False
    found = session.one(
        "looking for new columns in parts",
        f"SELECT count(*) FROM ops.sync_runs WHERE endpoint = {literal(run.endpoint)} AND mode = 'part'"
        f" AND began_at >= {moment(run.lap.began)} AND next_full <> ''",
    )
    return bool(found[0])


def write(session: Session, run: SyncRun) -> SyncRun:
    """Add the row, inside the caller's transaction; returns it with its number."""
    values = {name: _value(value) for name, value in asdict(run).items() if name != "number"}
    number = int(session.one("writing the ledger", "SELECT coalesce(max(number), 0) + 1 FROM ops.sync_runs")[0])
    session.run(
        "writing the ledger",
        f"INSERT INTO ops.sync_runs ({', '.join(values)}, number) VALUES ({', '.join(values.values())}, {number})",
    )
    return replace(run, number=number)


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
_LEDGER_COLUMNS = (
    "SELECT column_name FROM duckdb_columns() WHERE database_name = current_database()"
    " AND schema_name = 'ops' AND table_name = 'sync_runs'"
)


def _ledger(columns: Collection[str]) -> str:
    """SQL for the ledger with all columns, of which an older version has made only `columns`."""
    missing = [f"CAST(NULL AS {kind}) AS {name}" for name, kind in COLUMNS.items() if name not in {*columns, "number"}]
    number = "number" if "number" in columns else "row_number() OVER (ORDER BY loaded_at, rowid) AS number"
    known = [name for name in columns if name in COLUMNS and name != "number"]
    return f"SELECT {', '.join([*known, number, *missing])} FROM ops.sync_runs"


def _states(now: datetime, columns: Collection[str]) -> str:
    """The query that fills a SyncState: a row for each endpoint that was loaded and whose table still stands."""
    limit = moment(now + CLOCK_SLACK)
    # An older version has left the times out, and called every read proven that brought what it asked for.
    taken = "ours AND (changes_as_of = began_at OR (changes_as_of IS NULL AND verdict = 'proven'))"
    ends_lap = "(mode = 'incremental' AND lap IS NOT NULL)"
    complete = f"((mode = 'full' AND verdict = 'proven') OR ({ends_lap} AND verdict = 'current'))"
    full = f"ours AND (mode = 'full' OR {ends_lap})"
    changes = f"ours AND (changed_since IS NOT NULL OR mode = 'incremental') AND NOT {ends_lap}"
    lately = f"number > coalesce(word, 0) AND loaded_at > {moment(now - _LATELY)} AND loaded_at <= {limit}"
    return f"""
WITH numbered AS ({_ledger(columns)}), {_STANDING},
words AS (
    SELECT endpoint, max(number) AS word FROM standing WHERE deletions_allowed GROUP BY endpoint
),
runs AS (
    SELECT *, account IS NOT DISTINCT FROM (SELECT arg_max(account, number) FROM standing) AS ours,
        began_at <= {limit} AS believed,
        coalesce(max(number) FILTER (mode = 'full' AND verdict <> 'proven') OVER (PARTITION BY endpoint), 0) AS doubted,
        coalesce(max(number) FILTER ({complete}) OVER (PARTITION BY endpoint), 0) AS completed,
        coalesce(max(number) FILTER (mode = 'full' OR {ends_lap}) OVER (PARTITION BY endpoint), 0) AS ended,
        coalesce((lap->>'requests')::BIGINT, requests - retries) AS cost,
        coalesce((lap->>'rows')::BIGINT, rows_read) AS whole
    FROM standing LEFT JOIN words USING (endpoint)
)
SELECT endpoint,
    max(number) AS number,
    coalesce(max(number) FILTER (mode NOT IN ('incremental', 'part')), 0) AS full_number,
    arg_max(account, number) AS account,
    max(number) FILTER (took_over) AS taken_over,
    max(began_at) FILTER (believed) AS began,
    max(began_at) FILTER (believed AND {taken}) AS changes_read,
    max(began_at) FILTER (believed AND ours AND {complete}) AS "full",
    max(watermark) FILTER (ours AND watermark <= {limit}) AS watermark,
    arg_max(verdict, number) FILTER (ours AND verdict <> 'unproven') AS verdict,
    arg_max(changes_as_of, number) FILTER (ours) AS changes_as_of,
    arg_max(complete_as_of, number) FILTER (ours) AS complete_as_of,
    coalesce(arg_max(next_full, number) FILTER (ours AND number > completed AND next_full <> ''), '') AS next_full,
    max(began_at) FILTER (believed AND ours AND forced) AS forced,
    coalesce(arg_max(calibration, number) FILTER (ours), '') AS calibration,
    coalesce(arg_max(list_total <> live_rows, number) FILTER (ours), false) AS is_open,
    coalesce(arg_max(cost, number) FILTER ({full}), 1) AS full_requests,
    arg_max(whole, number) FILTER ({full}) AS full_rows,
    coalesce(arg_max(epoch(ended_at - began_at), number) FILTER (ours AND mode = 'full'), 0) AS full_seconds,
    coalesce(arg_max(requests - retries, number) FILTER ({changes}), 1) AS change_requests,
    arg_max(rows_read, number) FILTER ({changes}) AS change_rows,
    coalesce(arg_max(coalesce(list_total, server_total) - live_rows, number)
        FILTER (({full}) OR (ours AND list_total IS NOT NULL)), 0) AS surplus,
    arg_max(live_rows, number) FILTER ({taken}) AS live_proven,
    coalesce(sum(deleted) FILTER (ours AND {lately}), 0)::BIGINT AS deleted_lately,
    arg_max(began_at, number) AS newest_began,
    arg_max(lap, number) FILTER (ours AND mode = 'part' AND number > ended) AS lap,
    coalesce(max(whole) FILTER ({full} AND number > doubted), 0) AS longest,
    -- One page, and one more to see whether it was all.
    coalesce(max(rows_read) FILTER ({full} AND number > doubted AND pages <= 2), 0) AS longest_response
FROM runs GROUP BY endpoint
"""


def states(session: Session, now: datetime, columns: Collection[str] = tuple(COLUMNS)) -> dict[str, SyncState]:
    """The state of every endpoint that was loaded before and whose table still stands, at the time `now` (UTC).

    `columns`: those that the ledger has; an older version's has fewer.
    """
    rows = _dictionaries(session, "reading the ledger", _states(now, columns))
    return {row.pop("endpoint"): _state(row, now) for row in rows}


def _state(row: dict[str, Any], now: datetime) -> SyncState:
    newest = row.pop("newest_began")
    if newest is not None and newest > now + CLOCK_SLACK:
        _LOG.warning("the newest load began at %s, which is still to come: a wrong clock, ignored", newest.isoformat())
    lap = None if row["lap"] is None else msgspec.json.decode(row["lap"], type=Lap)
    row["lap"] = lap if lap is not None and lap.began <= now + CLOCK_SLACK and now < lap.expires_at else None
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
        found = states(session, now, [name for (name,) in columns])
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


def adopt_account(session: Session, account: str) -> None:
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


def newest_number(warehouse: Warehouse) -> int:
    """The number of the newest load of any endpoint; 0 where there is none. Raises a WarehouseError."""
    rows = _read(warehouse, "reading the ledger", "SELECT coalesce(max(number), 0) AS number FROM ops.sync_runs")
    return int(rows[0]["number"]) if rows else 0


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
