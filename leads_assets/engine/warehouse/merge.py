"""The merge: only rows that really differ are written, and what changed in tracked columns is kept.

Delete-changed and insert, without a primary key: measured several times faster than MERGE or ON CONFLICT on wide rows,
and nothing here that a lakehouse format lacks.
"""

from dataclasses import dataclass
from datetime import datetime

from leads_assets.engine.declare import PRIMARY_KEY, Column
from leads_assets.engine.instants import CLOCK_SLACK
from leads_assets.engine.records.encoder import EXTRA
from leads_assets.engine.warehouse.schema import DELETED, FIRST_SEEN, Table
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.sql import literal, moment, quoted

_KEY = quoted(PRIMARY_KEY)


@dataclass(frozen=True, slots=True)
class Merged:
    """Numbers of rows. `outdated`: the table has a newer version, which was kept."""

    inserted: int
    updated: int
    restored: int
    outdated: int


@dataclass(frozen=True, slots=True)
class Stamp:
    """What is written beside the rows of one load."""

    run_id: str
    at: datetime

    @property
    def sql_run(self) -> str:
        """The run for use in SQL."""
        return literal(self.run_id)

    @property
    def sql_at(self) -> str:
        """The time for use in SQL."""
        return moment(self.at)


def merge(session: Session, table: Table, *, newer: str, server_wins: bool, now: datetime) -> Merged:
    """Find what the view `incoming` changes in the table, by id.

    A row whose last change is later than the incoming one's is kept, unless `server_wins` or that change lies in the
    future, where no other would ever come after it. Rows that were marked as gone come back. Rows that another load has
    seen since this read began (`newer`, as `newer_rows` makes it) are replaced by later versions only: whatever differs
    otherwise, the other read knows better.
    """
    _find_changes(session, table, newer=newer, keeps_later="false" if server_wins else _is_past(now))
    inserted, updated, restored, outdated, nested = _count(session)
    if nested:
        _drop_reordered_json(session, table)
        inserted, updated, restored, outdated, _ = _count(session)
    if outdated:
        session.run("leaving out older versions", "DELETE FROM changed WHERE outdated")
    return Merged(inserted, updated, restored, outdated)


def _changed_at(table: Table, of: str = "") -> str:
    """SQL for the time of a row's last change; `of` is what stands before the column's name."""
    return f"{of}{quoted(table.cursor)}" if table.cursor else "CAST(NULL AS TIMESTAMPTZ)"


def _is_past(now: datetime) -> str:
    return f"t.changed_at <= {moment(now + CLOCK_SLACK)}"


def _nested(table: Table) -> list[str]:
    return [*(column for column, kind in table.columns.items() if kind == "JSON"), EXTRA]


def _fingerprint(table: Table) -> str:
    """SQL for two 64-bit hashes of a row: `flat` of its flat columns, `nested` of its JSON.

    Compared by them, a join holds a few numbers a row instead of the rows of both sides: a fifth of the time, and
    memory that does not depend on how long the texts are. A hash takes an empty list for a null, its JSON does not.
    """
    nested = _nested(table)
    flat = [
        f"to_json({quoted(column)})" if kind.endswith("]") or kind.startswith(("STRUCT", "MAP")) else quoted(column)
        for column, kind in table.columns.items()
        if column not in nested
    ]
    return f"hash({', '.join(flat)}) AS flat, hash({', '.join(map(quoted, nested))}) AS nested"


def _find_changes(session: Session, table: Table, *, newer: str, keeps_later: str) -> None:
    """The temporary table `changed`: ids to be written, with what is known of the row that stands there.

    `nested`: as far as the flat columns tell, nothing has changed.
    """
    differs = "(s.flat <> t.flat OR s.nested <> t.nested)"
    later = "NOT coalesce(s.changed_at > t.changed_at, false)"
    outdated = f"coalesce(s.changed_at < t.changed_at AND {keeps_later}, false) AND NOT t.gone"
    picked = f"{_KEY} AS id, {_changed_at(table)} AS changed_at, {_fingerprint(table)}"
    session.run(
        "finding changes",
        "CREATE OR REPLACE TEMP TABLE changed AS SELECT s.id, t.id IS NOT NULL AS existed, t.gone, t.first_seen_at,"
        f" t.id IS NOT NULL AND CASE WHEN t.newer THEN {later} ELSE {outdated} END AS outdated,"
        " s.flat = t.flat AS nested"
        f" FROM (SELECT {picked} FROM incoming) s"
        f" LEFT JOIN (SELECT {picked}, {DELETED} IS NOT NULL AS gone, {FIRST_SEEN} AS first_seen_at, {newer} AS newer"
        f" FROM {table.sql}) t"
        f" ON t.id = s.id WHERE t.id IS NULL OR CASE WHEN t.newer THEN {differs} AND NOT t.gone"
        f" ELSE {differs} OR t.gone END",
    )


def _count(session: Session) -> tuple[int, int, int, int, int]:
    inserted, updated, restored, outdated, nested = session.one(
        "counting changes",
        "SELECT count(*) FILTER (NOT existed), count(*) FILTER (existed AND NOT gone AND NOT outdated),"
        " count(*) FILTER (gone AND NOT outdated), count(*) FILTER (outdated),"
        " count(*) FILTER (existed AND nested AND NOT gone) FROM changed",
    )
    return inserted, updated, restored, outdated, nested


_REORDERED = "SELECT id FROM changed WHERE existed AND nested AND NOT gone"
"""Ids of rows that may differ in the order of keys only."""


def _drop_reordered_json(session: Session, table: Table) -> None:
    """Forget rows whose only difference is the order of keys in nested JSON.

    Column by column, and by sums of hashes: memory depends neither on the length of the values nor on their number.
    """
    session.run("comparing JSON", "CREATE OR REPLACE TEMP TABLE differing (id BIGINT)")
    for column in _differing_columns(session, table):
        leaves = [_leaves(column, source) for source in ("incoming", table.sql)]
        session.run(
            "comparing JSON",
            f"INSERT INTO differing SELECT id FROM ({leaves[0]}) s FULL JOIN ({leaves[1]}) t USING (id)"
            " WHERE s.leaves IS DISTINCT FROM t.leaves",
        )
    session.run(
        "comparing JSON",
        f"DELETE FROM changed WHERE id IN ({_REORDERED}) AND id NOT IN (SELECT id FROM differing)",
    )


def _differing_columns(session: Session, table: Table) -> list[str]:
    """The nested columns in which such rows differ at all."""
    nested = _nested(table)
    hashes = ", ".join(f"hash({quoted(column)}) AS h{number}" for number, column in enumerate(nested))
    sides = [f"(SELECT {_KEY} AS id, {hashes} FROM {source})" for source in ("incoming", table.sql)]
    differ = ", ".join(f"coalesce(bool_or(s.h{number} <> t.h{number}), false)" for number in range(len(nested)))
    found = session.one(
        "comparing JSON",
        f"SELECT {differ} FROM ({_REORDERED}) c JOIN {sides[0]} s ON s.id = c.id JOIN {sides[1]} t ON t.id = c.id",
    )
    return [column for column, differs in zip(nested, found, strict=True) if differs]


def _leaves(column: str, source: str) -> str:
    """SQL for the JSON of each such row as a sum over its leaves, in which the order of keys plays no part."""
    summed = f"SELECT sum(hash(fullkey, type, atom)) FROM json_tree(r.{quoted(column)})"
    return (
        f"SELECT {_KEY} AS id, ({summed}) AS leaves FROM {source} r"
        f" WHERE {_KEY} IN ({_REORDERED}) AND {_KEY} NOT IN (SELECT id FROM differing)"
    )


def write_changes(session: Session, table: Table, merged: Merged, stamp: Stamp) -> None:
    """Replace the changed rows; nothing is touched where nothing changed."""
    if merged.updated or merged.restored:
        session.run(
            "replacing changed rows",
            f"DELETE FROM {table.sql} WHERE {_KEY} IN (SELECT id FROM changed WHERE existed)",
        )
    if merged.inserted or merged.updated or merged.restored:
        session.run(
            "inserting rows",
            f"INSERT INTO {table.sql} BY NAME SELECT s.*, {stamp.sql_at} AS _synced_at, {stamp.sql_run} AS _run_id,"
            f" CAST(NULL AS TIMESTAMPTZ) AS {DELETED},"
            f" CASE WHEN c.existed THEN c.first_seen_at ELSE {stamp.sql_at} END AS {FIRST_SEEN}"
            f" FROM incoming s JOIN changed c ON c.id = s.{_KEY}",
        )


def record_changes(session: Session, table: Table, tracked: tuple[Column, ...], stamp: Stamp) -> None:
    """Write what the load is about to change in tracked columns to `ops.changes`; first sight is no change.

    A row that comes back is one too: the mark that it loses.
    """
    columns = (*(column.name for column in tracked), DELETED)
    new = {DELETED: "NULL"}
    pairs = [
        f"{{'field': {literal(name)}, 'old': CAST(t.{quoted(name)} AS VARCHAR),"
        f" 'new': CAST({new.get(name, f's.{quoted(name)}')} AS VARCHAR)}}"
        for name in columns
    ]
    session.run(
        "keeping the history",
        "INSERT INTO ops.changes BY NAME"
        f" SELECT {literal(str(table.name))} AS endpoint, id, pair.field AS field, pair.old AS old, pair.new AS new,"
        f" changed_at, {stamp.sql_at} AS seen_at, {stamp.sql_run} AS run_id FROM ("
        f" SELECT s.{_KEY} AS id, {_changed_at(table, 's.')} AS changed_at, unnest([{', '.join(pairs)}]) AS pair"
        f" FROM changed c JOIN incoming s ON s.{_KEY} = c.id JOIN {table.sql} t ON t.{_KEY} = c.id)"
        " WHERE pair.old IS DISTINCT FROM pair.new",
    )


def record_deletions(session: Session, table: Table, missing: str, stamp: Stamp) -> None:
    """Write to `ops.changes` that the rows for which the SQL `missing` is true are about to be marked.

    The server does not say when a row went: `changed_at` is null.
    """
    session.run(
        "keeping the history",
        f"INSERT INTO ops.changes BY NAME SELECT {literal(str(table.name))} AS endpoint, {_KEY} AS id,"
        f" {literal(DELETED)} AS field, CAST(NULL AS VARCHAR) AS old, CAST({stamp.sql_at} AS VARCHAR) AS new,"
        f" CAST(NULL AS TIMESTAMPTZ) AS changed_at, {stamp.sql_at} AS seen_at, {stamp.sql_run} AS run_id"
        f" FROM {table.sql} WHERE {missing}",
    )
