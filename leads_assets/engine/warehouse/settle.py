"""What a table may be called after a load, and what follows: rows marked as deleted, watermark, the two times.

One rule stands above all: a load that leaves the table unproven marks nothing and moves neither the watermark nor a
time.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from leads_assets.engine.instants import CLOCK_SLACK
from leads_assets.engine.records.extract import Closing, ReadMode, Verdict
from leads_assets.engine.records.state import SyncState
from leads_assets.engine.warehouse.deletions import (
    SEEN_LATER,
    WHAT_TO_DO,
    Marked,
    Marking,
    count_refused,
    forget_refused,
)
from leads_assets.engine.warehouse.runs import SyncRun, widened_in_parts
from leads_assets.engine.warehouse.schema import Table
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.sql import moment, quoted
from leads_assets.engine.warehouse.superseded import ALL

_WIDENED = "the table got new columns, whose values only some of the rows have brought"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """By what a load is settled.

    `marks`: rows that a full read lacks are gone; `confirmed`: also if it brought none. `closing`: what the whole list
    showed after a read of changes. `watermark_until`: the latest time that the newest change may be taken for, None for
    no watermark. `widened`: the load gave the table columns that its other rows have no values in. `ends_lap`: it ends
    a full read in parts, the changes since its first part included.
    """

    marks: bool
    confirmed: bool
    closing: Closing | None
    watermark_until: datetime | None
    widened: bool
    ends_lap: bool = False


class Settlement:
    """Decides on one load, inside its transaction, when its rows are merged."""

    def __init__(self, session: Session, table: Table, state: SyncState, marking: Marking, terms: Terms) -> None:
        self._session = session
        self._table = table
        self._state = state
        self._marking = marking
        self._terms = terms

    def settle(self, run: SyncRun) -> SyncRun:
        """The ledger's row with the table's verdict; `run.verdict` is the one on the read."""
        run = replace(run, changes_as_of=self._state.changes_as_of, complete_as_of=self._state.complete_as_of)
        is_full = run.mode == ReadMode.FULL
        if run.mode == ReadMode.PART:
            return self._part(run)
        if self._marking.newer == ALL:
            return self._overtaken(_unproven(run, "another read was loaded since this one began"))
        if run.verdict != Verdict.PROVEN:
            closing = self._terms.closing
            return _unproven(run, run.reason, next_full=bool(closing and closing.is_broken))
        if rejected := max(run.rejected, run.lap.rejected if run.lap else 0):
            return _unproven(run, f"{rejected:,} records could not become rows")
        return self._after_full_read(run) if is_full else self._after_changes(run)

    def _part(self, run: SyncRun) -> SyncRun:
        """A part is not judged; but one that widens the table tells of the rows that the parts before have brought."""
        is_first = run.lap is None or run.lap.rows <= run.rows_read
        return run if is_first or not self._terms.widened else replace(run, next_full=_WIDENED)

    def _overtaken(self, run: SyncRun) -> SyncRun:
        """What a full read in parts has paid for is not lost: the next read goes on where it has ended."""
        if run.lap is None or self._state.lap is None:
            return run
        return replace(run, mode=ReadMode.PART, in_progress=run.lap.sentence(run.endpoint))

    def _after_full_read(self, run: SyncRun) -> SyncRun:
        if self._terms.marks:
            marked = self._marking.missing(confirmed=self._terms.confirmed)
            if marked.refusal:
                return _unproven(run, marked.refusal)
            run = self._marked(run, marked)
            forget_refused(self._session, self._table, all_of_them=True)
        return self._taken(replace(run, verdict=Verdict.PROVEN, reason="", complete_as_of=run.began_at))

    def _after_changes(self, run: SyncRun) -> SyncRun:
        closing = self._terms.closing or Closing(reason="the whole list was not asked")
        run = replace(run, list_total=closing.total)
        if doubt := self._doubt(run, closing):
            return _unproven(run, doubt, next_full=True)
        # At the end of parts no earlier verdict can stand: what does not close is unproven, before a row is marked.
        standing = None if self._terms.ends_lap else self._state.verdict
        if closing.reason and standing is None:
            return _unproven(run, closing.reason, next_full=self._terms.ends_lap)
        marked = self._marking.gone(closing.gone, all_or_none=standing is None)
        forget_refused(self._session, self._table, all_of_them=False)
        if refusal := marked.refusal or self._refused():
            return _unproven(run, refusal, next_full=self._terms.ends_lap and marked.kept > 0)
        if not closing.is_closed and closing.total is not None and not closing.reason:
            live = self._live() - marked.kept
            if live != closing.total:
                counts = f"the server states {closing.total:,} rows of the whole list, {live:,} are live here"
                return _unproven(run, counts, next_full=self._state.is_open)
            closing = replace(closing, is_closed=True)
        run = self._taken(self._marked(run, marked))
        if standing is None or (closing.is_closed and not marked.kept):
            return replace(run, verdict=Verdict.CURRENT, reason="", complete_as_of=run.began_at)
        return replace(run, verdict=standing, reason=f"changes only: {closing.reason or SEEN_LATER}")

    def _doubt(self, run: SyncRun, closing: Closing) -> str:
        """Why only a full read can tell what the table is; empty where nothing speaks for that."""
        if self._terms.widened or (self._terms.ends_lap and widened_in_parts(self._session, run)):
            return _WIDENED
        if closing.is_broken:
            return closing.reason
        return "" if self._terms.ends_lap else self._state.next_full

    def _refused(self) -> str:
        """What the guard has kept before, and keeps on keeping."""
        kept = count_refused(self._session, self._table)
        if not kept:
            return ""
        return f"{kept:,} rows are gone from the server and were not marked as deleted; {WHAT_TO_DO}"

    def _marked(self, run: SyncRun, marked: Marked) -> SyncRun:
        return replace(run, deleted=marked.rows, deletions_allowed=self._marking.guard.allow)

    def _taken(self, run: SyncRun) -> SyncRun:
        return replace(run, changes_as_of=run.began_at, watermark=self._watermark())

    def _watermark(self) -> datetime | None:
        """The newest change of this read, never later than its begin; at the end of parts that of the table.

        Changes that are still to come are left out: set at its begin instead, the watermark would pass over what a
        server whose clock is behind changes next.
        """
        until = self._terms.watermark_until
        if until is None or self._table.cursor is None:
            return None
        source = self._table.sql if self._terms.ends_lap else "incoming"
        changed = quoted(self._table.cursor)
        newest = self._session.one(
            "finding the watermark",
            f"SELECT max({changed}) FILTER ({changed} <= {moment(until + CLOCK_SLACK)}) FROM {source}",
        )[0]
        return min(newest, until) if isinstance(newest, datetime) else None

    def _live(self) -> int:
        counted = self._session.one(
            "counting live rows", f"SELECT count(*) FILTER (_deleted_at IS NULL) FROM {self._table.sql}"
        )
        return int(counted[0])


def _unproven(run: SyncRun, reason: str, *, next_full: bool = False) -> SyncRun:
    return replace(run, verdict=Verdict.UNPROVEN, reason=reason, next_full=reason if next_full else "")
