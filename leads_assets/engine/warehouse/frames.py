"""Frames of other assets: merged by `id` like an extract, and read back with types that keep ids whole."""

from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Any

from leads_assets.engine.declare import PRIMARY_KEY
from leads_assets.engine.records.extract import Verdict
from leads_assets.engine.warehouse import bookkeeping, runs
from leads_assets.engine.warehouse.casts import prepare_incoming
from leads_assets.engine.warehouse.errors import LoadFailed
from leads_assets.engine.warehouse.file import Warehouse
from leads_assets.engine.warehouse.merge import Stamp, merge, write_changes
from leads_assets.engine.warehouse.result import LoadResult, merge_counts
from leads_assets.engine.warehouse.runs import FRAME, SyncRun
from leads_assets.engine.warehouse.schema import find, make, retype_empty_columns
from leads_assets.engine.warehouse.sql import quoted
from leads_assets.engine.warehouse.staging import stage_frame
from leads_assets.engine.warehouse.staging_database import open_staging
from leads_assets.engine.warehouse.stats import collect_stats
from leads_assets.engine.warehouse.transaction import transaction

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def load_frame(
    warehouse: Warehouse, name: str, frame: "pd.DataFrame | pa.Table", run_id: str, now: Callable[[], datetime]
) -> LoadResult:
    """Merge a frame into the table `name`; rows without a usable id are counted as rejected.

    Nothing is ever marked as deleted. Raises a WarehouseError; then nothing was changed.
    """
    began_at = now()
    with warehouse.spool() as folder, closing(open_staging(folder.path)) as staging:
        staged, rejected = stage_frame(staging, name, frame, folder.path)
        with warehouse.write(name, staging) as session, transaction(session):
            stamp = Stamp(run_id, now())
            bookkeeping.prepare(session)
            table = find(session, name) or make(session, name, staged.columns)
            retype_empty_columns(session, table, staged.columns)
            incoming = prepare_incoming(session, table, staged, evolve=True)
            merged = merge(session, table, superseded=False, server_wins=False)
            write_changes(session, table, merged, stamp)
            facts = collect_stats(session, table, (), None)
            row = SyncRun(
                run_id=run_id,
                endpoint=name,
                mode=FRAME,
                verdict=Verdict.UNPROVEN,
                reason="a frame says nothing about rows that are not in it",
                rows_read=staged.distinct,
                rejected=rejected,
                live_rows=facts.live,
                began_at=began_at,
                ended_at=began_at,
                loaded_at=stamp.at,
                **merge_counts(staged, incoming, merged),
            )
            row = runs.write(session, row)
    return LoadResult(row, table, facts)


def read_table(warehouse: Warehouse, name: str) -> "pd.DataFrame":
    """The live rows of a table in order of id, without bookkeeping columns, as nullable pandas types.

    Raises LoadFailed if there is no such table.
    """
    with warehouse.read(name) as session:
        table = find(session, name) if session is not None else None
        if session is None or table is None:
            raise LoadFailed(f"{name}: there is no such table in {warehouse.path}; materialize it first")
        picked = f"FROM {table.sql} WHERE _deleted_at IS NULL ORDER BY {quoted(PRIMARY_KEY)}"
        session.execute("reading the table", f"SELECT {', '.join(map(quoted, table.columns))} {picked}")
        frame = session.connection.df()
        # A frame turns integers beside a null into floats, and loses the ids' last digits; masked arrays do not.
        whole = [column for column, kind in table.columns.items() if kind in ("BIGINT", "BOOLEAN", "DOUBLE")]
        session.execute("reading the table", f"SELECT {', '.join(map(quoted, whole))} {picked}")
        for column, values in session.connection.fetchnumpy().items():
            frame[column] = _nullable(values)
    return frame


def _nullable(values: Any) -> Any:
    import numpy as np  # noqa: PLC0415  heavy, and only readers of frames need it
    import pandas as pd  # noqa: PLC0415

    data, mask = np.ma.getdata(values), np.ma.getmaskarray(values)
    kinds = {"i": pd.arrays.IntegerArray, "b": pd.arrays.BooleanArray, "f": pd.arrays.FloatingArray}
    return kinds[values.dtype.kind](data, mask)
