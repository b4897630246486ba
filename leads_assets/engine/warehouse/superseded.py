"""Reads that overlap: which rows another load has seen since a read began, and so knows better.

The order is that of the commits: a read carries the number of the newest load of its endpoint that it saw when it
began, and whatever was committed with a higher number is later. No clock is asked, and no write is needed to begin.
"""

from leads_assets.engine.records.extract import ReadMode
from leads_assets.engine.records.state import SyncState
from leads_assets.engine.warehouse.runs import SyncRun, parts_of_others
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.sql import literal

NONE, ALL = "false", "true"

COLUMNS = {"endpoint": "VARCHAR", "id": "BIGINT", "number": "BIGINT"}
"""Of `ops.seen_rows`: the rows that reads of changes have brought since the newest full read, with the number of the
newest load that did. Those that they brought unchanged too: they were alive, which a full read may have missed."""


def newer_rows(session: Session, state: SyncState, run: SyncRun, after: int | None) -> str:
    """SQL that is true for a row of the table, by its `id`, that a load after `after` has seen.

    A full read has seen all rows, those that it lacks too; a read of changes has seen the rows that it brought. `after`
    None: nobody told when the read began, and nothing is taken for later. A full read that ran beside another one has
    not seen which rows the other's parts have brought.
    """
    if after is None or state.number <= after:
        return NONE
    if state.full_number > after or (run.mode == ReadMode.FULL and parts_of_others(session, run, after)):
        return ALL
    return f"id IN (SELECT id FROM ops.seen_rows WHERE endpoint = {literal(run.endpoint)} AND number > {after})"


def note_seen(session: Session, state: SyncState, run: SyncRun) -> None:
    """Keep which rows of the view `incoming` this load has seen, after it was written to the ledger.

    A full read makes earlier notes needless: whatever began before it is superseded as a whole.
    """
    name = literal(run.endpoint)
    if run.mode == ReadMode.INCREMENTAL:
        session.run(
            "forgetting earlier observations",
            f"DELETE FROM ops.seen_rows WHERE endpoint = {name} AND id IN (SELECT id FROM incoming)",
        )
        session.run(
            "noting the rows that were seen",
            f"INSERT INTO ops.seen_rows BY NAME SELECT {name} AS endpoint, id, {run.number} AS number FROM incoming",
        )
    elif run.mode != ReadMode.PART and state.change_rows is not None:
        session.run("forgetting earlier observations", f"DELETE FROM ops.seen_rows WHERE endpoint = {name}")
