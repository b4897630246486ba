"""The live rows of a table, for a read of changes to be compared with."""

from array import array
from collections.abc import Sequence
from datetime import datetime, timedelta

from leads_assets.engine.declare import Endpoint
from leads_assets.engine.records.extract import ReadMode
from leads_assets.engine.records.state import LiveRows
from leads_assets.engine.warehouse import bookkeeping
from leads_assets.engine.warehouse import schema as tables
from leads_assets.engine.warehouse.schema import FIRST_SEEN, TableName, find
from leads_assets.engine.warehouse.session import Session, Warehouse
from leads_assets.engine.warehouse.sql import literal, moment, quoted

_AT_ONCE = 100_000
"""Ids that are fetched at a time: an array holds one in 8 bytes, a fetched row takes a hundred."""
_YOUNG = timedelta(hours=1)
"""A list may lag so far behind its own change filter."""


def live_rows(
    warehouse: Warehouse, endpoint: Endpoint, *, changed_since: datetime, now: datetime, with_refused: bool = False
) -> LiveRows:
    """The rows of an endpoint's table that are not marked as deleted; none where there is no table.

    `changed_since` (UTC): from which change on a row should have come with a read of changes. `with_refused`: also
    those that are known to be gone, which the guard keeps. Raises a WarehouseError.
    """
    name = TableName(endpoint.name)
    with warehouse.read("live rows") as session:
        if session is None or not bookkeeping.exists(session) or (table := find(session, name)) is None:
            return LiveRows()
        if endpoint.cursor_field not in table.columns:
            return LiveRows()
        live = "_deleted_at IS NULL"
        if not with_refused and tables.exists(session, "refused_deletions", schema="ops"):
            live += f" AND id NOT IN (SELECT id FROM ops.refused_deletions WHERE endpoint = {literal(endpoint.name)})"
        changed = f"{quoted(endpoint.cursor_field or '')} >= {moment(changed_since)}"
        return LiveRows(
            ids=_ids(session, name, live),
            changed=_some(session, name, f"{live} AND {changed}"),
            young=frozenset()
            if FIRST_SEEN in table.lacks
            else _some(session, name, f"{live} AND {_shown_by_the_filter_only(endpoint, now)}"),
        )


def _shown_by_the_filter_only(endpoint: Endpoint, now: datetime) -> str:
    """SQL for rows that a read of changes has brought within the last hour for the first time."""
    return (
        f"{FIRST_SEEN} IN (SELECT loaded_at FROM ops.sync_runs WHERE loaded_at > {moment(now - _YOUNG)}"
        f" AND endpoint = {literal(endpoint.name)} AND mode = {literal(ReadMode.INCREMENTAL)})"
    )


def _ids(session: Session, name: TableName, live: str) -> Sequence[int]:
    found = array("q")
    above = ""
    while True:
        rows = session.run(
            "reading the live ids", f"SELECT id FROM {name.sql} WHERE {live}{above} ORDER BY id LIMIT {_AT_ONCE}"
        )
        found.extend(row for (row,) in rows)
        if len(rows) < _AT_ONCE:
            return found
        above = f" AND id > {found[-1]}"


def _some(session: Session, name: TableName, condition: str) -> frozenset[int]:
    return frozenset(row for (row,) in session.run("reading live ids", f"SELECT id FROM {name.sql} WHERE {condition}"))
