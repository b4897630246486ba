"""The merge: only rows that really differ are written, and what changed in tracked columns is kept.

Delete-changed and insert, without a primary key: measured several times faster than MERGE or ON CONFLICT on wide rows,
and nothing here that a lakehouse format lacks.
"""

from dataclasses import dataclass
from datetime import datetime

from leads_assets.endpoints import PRIMARY_KEY, Column
from leads_assets.screen import EXTRA
from leads_assets.warehouse.connection import Session, quoted
from leads_assets.warehouse.tables import Table

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


def merge(session: Session, table: Table, *, keep_newer: bool, restore: bool) -> Merged:
    """Merge the view `incoming` into the table by id.

    `keep_newer`: a row whose `updated_at` is later than the incoming one's is kept. `restore`: rows that were marked as
    gone come back.
    """
    _find_changes(session, table, keep_newer=keep_newer, restore=restore)
    _drop_reordered_json(session, table)
    inserted, updated, restored, outdated = session.one(
        "counting changes",
        "SELECT count(*) FILTER (NOT existed), count(*) FILTER (existed AND NOT gone AND NOT outdated),"
        " count(*) FILTER (gone AND NOT outdated), count(*) FILTER (outdated) FROM changed",
    )
    if outdated:
        session.run("leaving out older versions", "DELETE FROM changed WHERE outdated")
    return Merged(inserted, updated, restored, outdated)


def _find_changes(session: Session, table: Table, *, keep_newer: bool, restore: bool) -> None:
    """The temporary table `changed`: ids to be written, with what is known of the row that stands there."""
    same = " AND ".join(
        f"t.{quoted(column)} IS NOT DISTINCT FROM s.{quoted(column)}"
        for column in (*table.columns, EXTRA)
        if column != PRIMARY_KEY
    )
    older = "s.updated_at < t.updated_at" if keep_newer and "updated_at" in table.columns else "false"
    gone = "t._deleted_at IS NOT NULL"
    session.run(
        "finding changes",
        f"CREATE OR REPLACE TEMP TABLE changed AS"
        f" SELECT s.{_KEY} AS id, t.{_KEY} IS NOT NULL AS existed, {gone} AS gone,"
        f" t.{_KEY} IS NOT NULL AND coalesce({older}, false) AND {'NOT' if restore else ''} ({gone}) AS outdated"
        f" FROM incoming s LEFT JOIN {table.sql} t ON t.{_KEY} = s.{_KEY}"
        f" WHERE t.{_KEY} IS NULL OR ({gone} {'' if restore else 'AND false'}) OR NOT ({same or 'true'})",
    )


def _drop_reordered_json(session: Session, table: Table) -> None:
    """Forget rows whose only difference is the order of keys in nested JSON."""
    nested = [column for column, kind in (*table.columns.items(), (EXTRA, "JSON")) if kind == "JSON"]
    flat = [column for column in table.columns if column not in nested and column != PRIMARY_KEY]
    same = [f"t.{quoted(column)} IS NOT DISTINCT FROM s.{quoted(column)}" for column in flat]
    same += [
        f"(t.{quoted(column)} IS NOT DISTINCT FROM s.{quoted(column)}"
        f" OR {_leaves(f't.{quoted(column)}')} = {_leaves(f's.{quoted(column)}')})"
        for column in nested
    ]
    suspects = "c.existed AND NOT c.gone AND NOT c.outdated"
    flat_same = " AND ".join(same[: len(flat)]) or "true"
    if not session.one(
        "looking for reordered JSON",
        f"SELECT count(*) FROM changed c JOIN {table.sql} t ON t.{_KEY} = c.id JOIN incoming s ON s.{_KEY} = c.id"
        f" WHERE {suspects} AND {flat_same}",
    )[0]:
        return
    session.run(
        "comparing JSON",
        f"DELETE FROM changed WHERE id IN (SELECT c.id FROM changed c JOIN {table.sql} t ON t.{_KEY} = c.id"
        f" JOIN incoming s ON s.{_KEY} = c.id WHERE {suspects} AND {' AND '.join(same)})",
    )


def _leaves(column: str) -> str:
    """SQL for a JSON value as a sorted list of its leaves, in which the order of keys plays no part."""
    return (
        "(SELECT list(fullkey || '=' || coalesce(CAST(atom AS VARCHAR), type) ORDER BY fullkey)"
        f" FROM json_tree({column}))"
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
            f"INSERT INTO {table.sql} BY NAME SELECT s.*, CAST(? AS TIMESTAMPTZ) AS _synced_at, ? AS _run_id,"
            f" CAST(NULL AS TIMESTAMPTZ) AS _deleted_at FROM incoming s SEMI JOIN changed c ON c.id = s.{_KEY}"
            f" ORDER BY s.{_KEY}",
            [stamp.at, stamp.run_id],
        )


def journal(session: Session, table: Table, tracked: tuple[Column, ...], stamp: Stamp) -> None:
    """Write what the load is about to change in tracked columns to `ops.changes`; first sight is no change."""
    pairs = [
        f"{{'field': '{column.name}', 'old': CAST(t.{quoted(column.name)} AS VARCHAR),"
        f" 'new': CAST(s.{quoted(column.name)} AS VARCHAR)}}"
        for column in tracked
    ]
    if not pairs:
        return
    changed_at = "s.updated_at" if "updated_at" in table.columns else "NULL"
    session.run(
        "keeping the history",
        "INSERT INTO ops.changes BY NAME"
        " SELECT ? AS endpoint, id, pair.field AS field, pair.old AS old, pair.new AS new, changed_at,"
        " CAST(? AS TIMESTAMPTZ) AS seen_at, ? AS run_id FROM ("
        f" SELECT s.{_KEY} AS id, {changed_at} AS changed_at, unnest([{', '.join(pairs)}]) AS pair"
        f" FROM changed c JOIN incoming s ON s.{_KEY} = c.id JOIN {table.sql} t ON t.{_KEY} = c.id WHERE c.existed)"
        " WHERE pair.old IS DISTINCT FROM pair.new",
        [table.name, stamp.at, stamp.run_id],
    )
