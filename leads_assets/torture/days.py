"""A day passes: what a warehouse and the count of its requests remember becomes a day older."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import msgspec

from leads_assets.engine.records.lap import Lap

_DAY = timedelta(days=1)
_MOMENTS = ("began_at", "ended_at", "loaded_at", "watermark", "changes_as_of", "complete_as_of", "changed_since")


def pass_a_day(warehouse: Path, state: Path) -> None:
    """All moments of the ledger move back by a day, and no request of the new day is spent. `state`: the folder of the
    counts.

    A read that waits for new requests waits no longer: its moment moves back by two days, since the day of the count is
    the true one.
    """
    for file in state.glob("*.requests"):
        with closing(sqlite3.connect(file)) as count:
            count.execute("DELETE FROM spent")
            count.commit()
    with duckdb.connect(warehouse) as connection:
        earlier = ", ".join(f"{name} = {name} - INTERVAL 1 DAY" for name in _MOMENTS)
        connection.execute(f"UPDATE ops.sync_runs SET {earlier}")
        rows = connection.execute("SELECT number, lap FROM ops.sync_runs WHERE lap IS NOT NULL").fetchall()
        for number, text in rows:
            lap = msgspec.json.decode(text, type=Lap)
            lap = replace(
                lap,
                began=lap.began - _DAY,
                expires_at=lap.expires_at - _DAY,
                resume_at=lap.resume_at and lap.resume_at - 2 * _DAY,
            )
            connection.execute(
                "UPDATE ops.sync_runs SET lap = ? WHERE number = ?", [msgspec.json.encode(lap).decode(), number]
            )
