"""The load: one transaction in which everything happens, or nothing does."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from leads_assets.engine.declare import Endpoint
from leads_assets.engine.instants import utc_now
from leads_assets.engine.records.extract import Extract, ReadMode, Verdict
from leads_assets.engine.records.state import SyncState
from leads_assets.engine.warehouse import bookkeeping, runs
from leads_assets.engine.warehouse.account import bind, refuse_strangers
from leads_assets.engine.warehouse.casts import Incoming, prepare_incoming
from leads_assets.engine.warehouse.deletions import DeletionGuard, soft_delete_missing
from leads_assets.engine.warehouse.file import Session, Warehouse
from leads_assets.engine.warehouse.merge import Merged, Stamp, merge, record_changes, write_changes
from leads_assets.engine.warehouse.result import LoadResult, merge_counts
from leads_assets.engine.warehouse.runs import SyncRun
from leads_assets.engine.warehouse.schema import Table, ensure
from leads_assets.engine.warehouse.sql import literal
from leads_assets.engine.warehouse.staging import BIGGEST_RECORD, Staged, stage_spool
from leads_assets.engine.warehouse.staging_database import StagingDatabase
from leads_assets.engine.warehouse.stats import collect_stats
from leads_assets.engine.warehouse.transaction import transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """How an extract is loaded. `evolve`: unknown fields become columns. `server_wins`: also older versions.

    `new_account`: the extract may be of another account than the rows here, and takes their place.
    """

    evolve: bool = True
    server_wins: bool = False
    new_account: bool = False
    guard: DeletionGuard = field(default_factory=DeletionGuard)

    def replacing(self) -> "LoadOptions":
        """The same for a list that takes the place of another account's: it is right in all things."""
        return replace(self, server_wins=True, new_account=True, guard=replace(self.guard, allow=True))


class Loader:
    """Loads extracts into one warehouse, one after the other."""

    def __init__(
        self,
        warehouse: Warehouse,
        options: LoadOptions | None = None,
        *,
        now: Callable[[], datetime] = utc_now,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._warehouse = warehouse
        self._options = options or LoadOptions()
        self._now, self._clock = now, clock
        self._staging = StagingDatabase()

    def close(self) -> None:
        """Give the memory back."""
        self._staging.close()

    def load(self, extract: Extract, run_id: str) -> LoadResult:
        """Stage, merge, mark, and write the ledger. Raises a WarehouseError; then nothing was changed."""
        began = self._clock()
        with self._staging.connection(extract.spooled.rows.parent) as staging:
            staged = stage_spool(staging, extract.spooled, extract.endpoint)
            staged_at = self._clock()
            with self._warehouse.write(extract.endpoint.name, staging) as session:
                opened_at = self._clock()
                with transaction(session):
                    result = self._in_transaction(session, extract, staged, Stamp(run_id, self._now()))
                    seconds = {
                        "fetch": round((extract.ended_at - extract.began_at).total_seconds(), 3),
                        "stage": round(staged_at - began, 3),
                        "wait_for_lock": round(opened_at - staged_at, 3),
                        "merge": round(self._clock() - opened_at, 3),
                    }
                    row = runs.write(session, replace(result.row, seconds=seconds))
        return replace(result, row=row)

    def _in_transaction(self, session: Session, extract: Extract, staged: Staged, stamp: Stamp) -> LoadResult:
        endpoint = extract.endpoint
        bookkeeping.prepare(session)
        known = runs.states(session, stamp.at)
        replaces = bind(session, endpoint.name, extract.account, known, new_account=self._options.new_account)
        state = SyncState() if replaces else known.get(endpoint.name, SyncState())
        superseded = extract.after is not None and state.number > extract.after
        table = ensure(session, endpoint.name, endpoint.columns)
        options = self._options.replacing() if replaces or self._options.new_account else self._options
        incoming = prepare_incoming(session, table, staged, evolve=options.evolve)
        if state.known and not options.new_account:
            refuse_strangers(session, table)
        merged = merge(session, table, superseded=superseded, server_wins=options.server_wins)
        if merged.updated or merged.restored:
            record_changes(session, table, endpoint.tracked, stamp)
        write_changes(session, table, merged, stamp)
        verdict, reason, deleted = _settle(session, table, extract, stamp, options.guard, superseded=superseded)
        _keep_rejects(session, extract, stamp)
        facts = collect_stats(session, table, endpoint.references, state.live_proven)
        row = _sync_run(extract, staged, incoming, merged, stamp)
        row = replace(row, verdict=verdict, reason=reason, deleted=deleted, live_rows=facts.live)
        if verdict is Verdict.PROVEN:
            row = replace(row, watermark=_watermark(session, endpoint, extract))
        return LoadResult(row, table, facts)


def _settle(
    session: Session, table: Table, extract: Extract, stamp: Stamp, guard: DeletionGuard, *, superseded: bool
) -> tuple[Verdict, str, int]:
    """Mark deletions where the read proves them; a refusal or a newer read takes the proof away."""
    if superseded:
        return Verdict.UNPROVEN, "another read was loaded since this one began", 0
    rejected = extract.spooled.rejected
    if rejected and extract.verdict is Verdict.PROVEN:
        return Verdict.UNPROVEN, f"{rejected:,} records could not become rows", 0
    complete = extract.verdict is Verdict.PROVEN and extract.mode is ReadMode.FULL
    if not (complete and extract.endpoint.marks_deleted):
        return extract.verdict, extract.reason, 0
    confirmed = extract.spooled.count > 0 or extract.total == 0
    deleted, refusal = soft_delete_missing(session, table, stamp, guard, confirmed=confirmed)
    return (Verdict.UNPROVEN, refusal, 0) if refusal else (Verdict.PROVEN, "", deleted)


def _keep_rejects(session: Session, extract: Extract, stamp: Stamp) -> None:
    """Keep records that cannot be rows; one that is sent with every read is kept once."""
    if not extract.spooled.rejected:
        return
    name = literal(extract.endpoint.name)
    columns = "{'reason': 'VARCHAR', 'record': 'VARCHAR'}"
    # DuckDB sets aside twice this size before it reads, so it must not ask for more than there can be.
    longest = min(BIGGEST_RECORD, max(1 << 20, extract.spooled.rejects.stat().st_size))
    session.run(
        "keeping rejected records",
        f"INSERT INTO ops.rejected_rows BY NAME SELECT DISTINCT ON (record) {name} AS endpoint,"
        f" {stamp.sql_run} AS run_id, reason, record, {stamp.sql_at} AS seen_at"
        f" FROM read_json({literal(str(extract.spooled.rejects))}, format = 'newline_delimited', columns = {columns},"
        f" maximum_object_size = {longest}) r"
        f" WHERE NOT EXISTS (SELECT 1 FROM ops.rejected_rows k WHERE k.endpoint = {name} AND k.record = r.record)",
    )


def _watermark(session: Session, endpoint: Endpoint, extract: Extract) -> datetime | None:
    """The newest `updated_at` of this read, never later than its begin: a server's clock may be ahead."""
    if not endpoint.change_filter or endpoint.column("updated_at") is None:
        return None
    newest = session.one("finding the watermark", "SELECT max(updated_at) FROM incoming")[0]
    return min(newest, extract.began_at) if isinstance(newest, datetime) else None


def _sync_run(extract: Extract, staged: Staged, incoming: Incoming, merged: Merged, stamp: Stamp) -> SyncRun:
    return SyncRun(
        run_id=stamp.run_id,
        endpoint=extract.endpoint.name,
        mode=extract.mode,
        verdict=extract.verdict,
        rows_read=staged.distinct,
        duplicates=extract.duplicates,
        rejected=extract.spooled.rejected,
        server_total=extract.total,
        pages=extract.pages,
        requests=extract.requests,
        retries=extract.retries,
        seconds_waited=round(extract.seconds_waited, 3),
        budget_left=extract.budget_left,
        spooled_bytes=extract.spooled.bytes,
        notes=extract.notes,
        began_at=extract.began_at,
        ended_at=extract.ended_at,
        loaded_at=stamp.at,
        account=extract.account or None,
        changed_since=extract.changed_since,
        **merge_counts(staged, incoming, merged),
    )
