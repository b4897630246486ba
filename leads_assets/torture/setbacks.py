"""What may come between a clean sync and the next one, besides changes on the server."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
from filelock import FileLock

from leads_assets.account.connect import budget_of
from leads_assets.account.settings import Settings
from leads_assets.demo.account.account import Account
from leads_assets.engine.instants import utc_now
from leads_assets.torture.cases import CHANGES, Setback
from leads_assets.torture.neighbours import kill_ten_syncs, overtaking
from leads_assets.torture.sync import Sync, state_of

_YEAR = timedelta(days=365)
_ANOTHER = "UPDATE ops.sync_runs SET account = 'another'"
_AHEAD = """
UPDATE ops.sync_runs SET began_at = began_at + INTERVAL 365 DAY, ended_at = ended_at + INTERVAL 365 DAY,
    loaded_at = loaded_at + INTERVAL 365 DAY
"""
_MORE_COLUMNS = 299


@contextmanager
def setback(kind: Setback | None, account: Account, sync: Sync, requests: Callable[[], int]) -> Iterator[None]:
    """Let it happen, and last for the while. `sync` is to come; `requests`: those that the server has had."""
    warehouse = sync.warehouse
    if kind is Setback.OTHER_ADDRESS:
        _rewrite(warehouse, _ANOTHER)
    elif kind is Setback.CLOCK_AHEAD:
        _rewrite(warehouse, _AHEAD)
    elif kind is Setback.OTHER_KEY:
        ids = [int(row["id"]) for row in account.rows("leads")]
        account.change("leads", ids, created_at="2001-01-01T00:00:00.000Z")
    elif kind is Setback.PAUSE_AHEAD:
        _pause(warehouse, sync.base_url)
    elif kind is Setback.STOPPED_NEIGHBOUR:
        door = Path(f"{warehouse}.spool", "door.lock")
        door.parent.mkdir(exist_ok=True)
        with FileLock(door):
            yield
        return
    elif kind is Setback.OVERTAKEN:
        with overtaking(replace(sync, options=CHANGES), requests):
            yield
        return
    elif kind is Setback.KILLED:
        kill_ten_syncs(sync, requests)
    elif kind is Setback.MANY_COLUMNS:
        _rewrite(
            warehouse, "".join(f"ALTER TABLE main.teams ADD COLUMN former_{n} BIGINT;" for n in range(_MORE_COLUMNS))
        )
    yield


def _rewrite(warehouse: Path, sql: str) -> None:
    with duckdb.connect(warehouse) as connection:
        connection.execute(sql)


def _pause(warehouse: Path, base_url: str) -> None:
    settings = Settings(base_url=base_url, warehouse=warehouse, state=state_of(warehouse))
    ahead = utc_now() + _YEAR
    with closing(budget_of(settings, lambda: ahead)) as budget:
        budget.pause_until(ahead + timedelta(minutes=1))
