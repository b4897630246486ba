"""Upkeep of a lake: every load adds files, every replaced row leaves one behind."""

from collections.abc import Mapping

from leads_assets.engine.warehouse.session import Session, Upkeep
from leads_assets.engine.warehouse.staging_database import ALIAS

_STEPS = (
    ("writing out the ledger", "ducklake_flush_inlined_data('{lake}', schema_name => 'ops')"),
    ("rewriting files with deleted rows", "ducklake_rewrite_data_files('{lake}', delete_threshold => 0.3)"),
    ("merging small files", "ducklake_merge_adjacent_files('{lake}', max_compacted_files => 100)"),
    ("forgetting old snapshots", "ducklake_expire_snapshots('{lake}', older_than => now() - INTERVAL {days} DAY)"),
    # Never younger than a day: readers have them open, and a running load's files are nobody's until it commits.
    ("removing files nobody reads", "ducklake_cleanup_old_files('{lake}', older_than => now() - INTERVAL 1 DAY)"),
    ("removing files of dead loads", "ducklake_delete_orphaned_files('{lake}', older_than => now() - INTERVAL 1 DAY)"),
)
"""Each a transaction of its own; one that is killed between two leaves a lake that is whole."""


def tidy(session: Session, keep_days: int) -> Upkeep:
    """Do it all; snapshots of the last `keep_days` days stay. Raises a WarehouseError."""
    before = _figures(session)
    for step, call in _STEPS:
        session.run(step, f"CALL {call.format(lake=ALIAS, days=keep_days)}")
    return Upkeep(before, _figures(session))


def files_and_bytes(session: Session) -> tuple[int, int]:
    """How many files the tables are in now, and their bytes. Raises a WarehouseError."""
    files, size = session.one(
        "counting files",
        "SELECT coalesce(sum(file_count + delete_file_count), 0)::BIGINT,"
        f" coalesce(sum(file_size_bytes + delete_file_size_bytes), 0)::BIGINT FROM ducklake_table_info('{ALIAS}')",
    )
    return files, size


def _figures(session: Session) -> Mapping[str, int]:
    files, size = files_and_bytes(session)
    snapshots, oldest = session.one(
        "counting snapshots", f"SELECT count(*), coalesce(min(snapshot_id), 0) FROM ducklake_snapshots('{ALIAS}')"
    )
    return {"bytes": size, "files": files, "snapshots": snapshots, "oldest_snapshot": oldest}
