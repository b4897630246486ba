"""The load: one transaction in which everything happens, or nothing does.

Extracts and frames are loaded by the same steps. They differ in a `Policy`: an extract stands for a list of the server,
so it has declared columns, and perhaps a proof by which rows are gone; a frame stands for its own rows and no more.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from leads_assets.engine.declare import Column
from leads_assets.engine.instants import utc_now
from leads_assets.engine.records.extract import Closing, Extract, ReadMode, SpoolFiles, Verdict
from leads_assets.engine.records.state import SyncState
from leads_assets.engine.records.values import LARGE_RECORD
from leads_assets.engine.warehouse import bookkeeping, runs, superseded
from leads_assets.engine.warehouse.account import bind, make_room, refuse_strangers
from leads_assets.engine.warehouse.casts import Incoming, prepare_incoming
from leads_assets.engine.warehouse.deletions import DeletionGuard, Marking
from leads_assets.engine.warehouse.errors import MemoryUsedUp, WriteConflict
from leads_assets.engine.warehouse.merge import Merged, Stamp, merge, record_changes, write_changes
from leads_assets.engine.warehouse.result import AfterLoad, LoadResult
from leads_assets.engine.warehouse.runs import FRAME, SyncRun
from leads_assets.engine.warehouse.schema import TableName, ensure
from leads_assets.engine.warehouse.session import Session, Warehouse
from leads_assets.engine.warehouse.settle import Settlement, Terms
from leads_assets.engine.warehouse.snapshots import committed_snapshot, name_commit
from leads_assets.engine.warehouse.sql import literal
from leads_assets.engine.warehouse.staging import Staged, stage_frame, stage_spool
from leads_assets.engine.warehouse.staging_database import MOST_MEMORY, StagingDatabase
from leads_assets.engine.warehouse.stats import collect_stats
from leads_assets.engine.warehouse.transaction import transaction

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


_ATTEMPTS = 3
"""Of a load whose commit a lake refuses because of another's."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What follows for a load from where its rows come from.

    `columns`: declared ones, to which the table is brought. `tracked`: those whose changes are kept. `references`:
    those whose targets are looked up. `cursor`, `created`: those with the times of a row's last change and creation, if
    there are any. `account`, `after`: as an Extract has them. `complete`: rows of the table that
    are not among these are gone, if the run is proven; `confirmed`: also if these are none. `closing`: what the whole
    list showed after a read of changes. `watermark_until`: the latest time that the newest change may be taken for,
    None for no watermark. `rejects`: the spool of records that are no rows. `earlier_ids`: a file with the ids of rows
    that earlier loads of the same read have brought. `ends_lap`: the load ends a full read in parts.
    """

    columns: tuple[Column, ...] = ()
    tracked: tuple[Column, ...] = ()
    references: tuple[Column, ...] = ()
    cursor: str | None = None
    created: str | None = None
    account: str = ""
    after: int | None = None
    complete: bool = False
    confirmed: bool = False
    closing: Closing | None = None
    watermark_until: datetime | None = None
    rejects: SpoolFiles | None = None
    earlier_ids: Path | None = None
    ends_lap: bool = False
    options: LoadOptions = field(default_factory=LoadOptions)


def policy_of(extract: Extract, options: LoadOptions) -> Policy:
    """The policy for an extract."""
    endpoint, is_part = extract.endpoint, extract.mode is ReadMode.PART
    return Policy(
        columns=endpoint.columns,
        tracked=endpoint.tracked,
        references=() if is_part else endpoint.references,
        cursor=endpoint.cursor_field,
        created=endpoint.created_field,
        account=extract.account,
        after=extract.after,
        complete=extract.mode is ReadMode.FULL and endpoint.marks_deleted,
        confirmed=extract.spooled.count > 0 or extract.total == 0,
        closing=extract.closing,
        watermark_until=extract.began_at if endpoint.change_filter and not is_part else None,
        rejects=extract.spooled if extract.spooled.rejected else None,
        earlier_ids=extract.earlier_ids,
        ends_lap=extract.lap is not None and not is_part,
        options=options,
    )


class Loader:
    """Loads extracts and frames into one warehouse, one after the other.

    `after_load` completes each load inside its transaction.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        options: LoadOptions | None = None,
        *,
        after_load: AfterLoad | None = None,
        now: Callable[[], datetime] = utc_now,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._warehouse = warehouse
        self._options = options or LoadOptions()
        self._after_load = after_load
        self._now, self._clock = now, clock
        self._staging = StagingDatabase(stays_attached=warehouse.stays_attached)

    def close(self) -> None:
        """Give the memory back."""
        self._staging.close()

    def load(self, extract: Extract, run_id: str) -> LoadResult:
        """Merge an extract into its endpoint's table. Raises a WarehouseError; then nothing was changed."""
        try:
            return self._load_extract(extract, run_id, self._staging)
        except MemoryUsedUp:
            with closing(StagingDatabase(MOST_MEMORY)) as roomy:
                return self._load_extract(extract, run_id, roomy)

    def _load_extract(self, extract: Extract, run_id: str, database: StagingDatabase) -> LoadResult:
        began = self._clock()
        with database.connection(extract.spooled.folder) as staging:
            staged = stage_spool(staging, extract.spooled, extract.endpoint)
            fetch = (extract.ended_at - extract.began_at).total_seconds()
            seconds = {"fetch": round(fetch, 3), "stage": round(self._clock() - began, 3)}
            run = replace(_run_of(extract, run_id), seconds=seconds)
            name = TableName(extract.endpoint.name)
            return self._load(staging, name, staged, run, policy_of(extract, self._options))

    def load_frame(
        self, name: TableName, frame: "pd.DataFrame | pa.Table", run_id: str, *, cursor: str | None = None
    ) -> LoadResult:
        """Merge a frame into a table; rows without a usable id are counted as rejected, none is marked as deleted.

        `cursor`: the column with the time of a row's last change, in frames that have it. Raises a WarehouseError; then
        nothing was changed.
        """
        began, began_at = self._clock(), self._now()
        with self._warehouse.spool() as folder, self._staging.connection(folder.path) as staging:
            staged = stage_frame(staging, str(name), frame, folder.path)
            run = SyncRun(
                run_id=run_id,
                endpoint=str(name),
                mode=FRAME,
                verdict=Verdict.UNPROVEN,
                reason="a frame says nothing about rows that are not in it",
                seconds={"stage": round(self._clock() - began, 3)},
                began_at=began_at,
                ended_at=began_at,
                loaded_at=began_at,
            )
            return self._load(staging, name, staged, run, Policy(cursor=cursor))

    def _load(
        self, staging: duckdb.DuckDBPyConnection, name: TableName, staged: Staged, run: SyncRun, policy: Policy
    ) -> LoadResult:
        """Load; where another writer of a lake comes first, once more as a whole, from the rows that are staged."""
        for _ in range(_ATTEMPTS - 1):
            with suppress(WriteConflict):
                return self._load_once(staging, name, staged, run, policy)
        return self._load_once(staging, name, staged, run, policy)

    def _load_once(
        self, staging: duckdb.DuckDBPyConnection, name: TableName, staged: Staged, run: SyncRun, policy: Policy
    ) -> LoadResult:
        waiting = self._clock()
        with self._warehouse.write(run.endpoint, staging) as session:
            opened = self._clock()

            def seconds() -> Mapping[str, float]:
                waited, merged = round(opened - waiting, 3), round(self._clock() - opened, 3)
                return {**run.seconds, "wait_for_lock": waited, "merge": merged}

            with transaction(session):
                run = replace(run, loaded_at=self._now())
                result = _merge_in(session, name, staged, run, policy, seconds=seconds)
                if self._after_load is not None:
                    self._after_load(session, result)
                name_commit(session, result.row)
            return replace(result, snapshot=committed_snapshot(session))


def _merge_in(
    session: Session,
    name: TableName,
    staged: Staged,
    run: SyncRun,
    policy: Policy,
    *,
    seconds: Callable[[], Mapping[str, float]],
) -> LoadResult:
    """Everything that a load does to the warehouse, inside the caller's transaction."""
    stamp, new_account = Stamp(run.run_id, run.loaded_at), policy.options.new_account
    bookkeeping.prepare(session)
    known = runs.states(session, run.loaded_at)
    replaces = bind(session, run.endpoint, policy.account, known, new_account=new_account)
    state = SyncState() if replaces else known.get(run.endpoint, SyncState())
    takes_over = replaces or new_account
    if takes_over:
        policy = replace(policy, options=policy.options.replacing())
    newer = superseded.newer_rows(session, state, run, policy.after)
    table, widened = ensure(session, name, policy.columns, staged.columns)
    if policy.cursor in table.columns:
        table = replace(table, cursor=policy.cursor)
    incoming = prepare_incoming(session, table, staged, evolve=policy.options.evolve)
    if takes_over or state.taken_over is not None:
        make_room(session, table, taken_over=None if takes_over else state.taken_over)
    if state.known and not takes_over:
        refuse_strangers(session, table, policy.created)
    merged = merge(session, table, newer=newer, server_wins=policy.options.server_wins, now=stamp.at)
    if merged.updated or merged.restored:
        record_changes(session, table, policy.tracked, stamp)
    write_changes(session, table, merged, stamp)
    if policy.rejects is not None:
        _keep_rejects(session, run.endpoint, policy.rejects, stamp)
    run = _counted(run, staged, incoming, merged)
    marking = Marking(
        session=session,
        table=table,
        stamp=stamp,
        guard=policy.options.guard,
        newer=newer,
        lately=state.deleted_lately,
        earlier_ids=policy.earlier_ids,
    )
    terms = Terms(
        marks=policy.complete,
        confirmed=policy.confirmed,
        closing=policy.closing,
        watermark_until=policy.watermark_until,
        widened=widened or bool(incoming.new_columns),
        ends_lap=policy.ends_lap,
    )
    run = Settlement(session, table, state, marking, terms).settle(run)
    facts = collect_stats(session, table, policy.references, state.live_proven)
    run = replace(run, live_rows=facts.live, account=policy.account or None, took_over=takes_over, seconds=seconds())
    run = runs.write(session, run)
    superseded.note_seen(session, state, run)
    return LoadResult(run, table, facts)


def _keep_rejects(session: Session, endpoint: str, spooled: SpoolFiles, stamp: Stamp) -> None:
    """Keep records that cannot be rows; one that is sent with every read is kept once."""
    name = literal(endpoint)
    sources = [
        f"SELECT DISTINCT ON (record) reason, record FROM read_json({literal(str(spooled.rejects))},"
        " format = 'newline_delimited', columns = {'reason': 'VARCHAR', 'record': 'VARCHAR'},"
        f" maximum_object_size = {8 * LARGE_RECORD})"
    ]
    # One by one and as plain files: to read JSON, DuckDB sets aside twice the size of the longest line.
    sources += [
        f"SELECT {literal(reason)} AS reason, content AS record FROM read_text({literal(str(file))})"
        for file, reason in spooled.large_rejects.items()
    ]
    for source in sources:
        # Hashes, because a join would hold the records.
        session.run(
            "keeping rejected records",
            f"INSERT INTO ops.rejected_rows BY NAME SELECT {name} AS endpoint, {stamp.sql_run} AS run_id, reason,"
            f" record, {stamp.sql_at} AS seen_at FROM ({source}) WHERE md5(record) NOT IN"
            f" (SELECT md5(record) FROM ops.rejected_rows WHERE endpoint = {name} AND record IS NOT NULL)",
        )


def _run_of(extract: Extract, run_id: str) -> SyncRun:
    """The ledger's row as far as the reading tells it."""
    return SyncRun(
        run_id=run_id,
        endpoint=extract.endpoint.name,
        mode=extract.mode,
        verdict=extract.verdict,
        reason=extract.reason,
        duplicates=extract.duplicates,
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
        loaded_at=extract.ended_at,
        changed_since=extract.changed_since,
        list_total=extract.total if extract.mode is ReadMode.FULL else None,
        forced=extract.forced,
        calibration=extract.calibration,
        lap=extract.lap,
        in_progress=extract.reason if extract.mode is ReadMode.PART else "",
    )


def _counted(run: SyncRun, staged: Staged, incoming: Incoming, merged: Merged) -> SyncRun:
    """The same with what became of the rows."""
    return replace(
        run,
        rows_read=staged.distinct,
        rejected=staged.rejected,
        inserted=merged.inserted,
        updated=merged.updated,
        restored=merged.restored,
        outdated=merged.outdated,
        unchanged=staged.distinct - merged.inserted - merged.updated - merged.restored - merged.outdated,
        misfits=incoming.misfits,
        new_columns=incoming.new_columns,
        crowded_out=incoming.crowded_out,
    )
