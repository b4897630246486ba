"""What may come between a clean sync and the next one, besides changes on the server."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import duckdb
from filelock import FileLock

from leads_assets.account.connect import budget_of
from leads_assets.account.settings import Settings
from leads_assets.demo.account.account import Account
from leads_assets.engine.instants import utc_now
from leads_assets.torture.cases import Setback
from leads_assets.torture.sync import state_of

_YEAR = timedelta(days=365)
_ANOTHER = "UPDATE ops.sync_runs SET account = 'another'"
_AHEAD = """
UPDATE ops.sync_runs SET began_at = began_at + INTERVAL 365 DAY, ended_at = ended_at + INTERVAL 365 DAY,
    loaded_at = loaded_at + INTERVAL 365 DAY
"""


@contextmanager
def setback(kind: Setback | None, account: Account, warehouse: Path, base_url: str) -> Iterator[None]:
    """Let it happen, and last for the while."""
    if kind is Setback.OTHER_ADDRESS:
        _rewrite(warehouse, _ANOTHER)
    elif kind is Setback.CLOCK_AHEAD:
        _rewrite(warehouse, _AHEAD)
    elif kind is Setback.OTHER_KEY:
        ids = [int(row["id"]) for row in account.rows("leads")]
        account.change("leads", ids, created_at="2001-01-01T00:00:00.000Z")
    elif kind is Setback.PAUSE_AHEAD:
        _pause(warehouse, base_url)
    elif kind is Setback.STOPPED_NEIGHBOUR:
        door = Path(f"{warehouse}.spool", "door.lock")
        door.parent.mkdir(exist_ok=True)
        with FileLock(door):
            yield
        return
    yield


def _rewrite(warehouse: Path, sql: str) -> None:
    with duckdb.connect(warehouse) as connection:
        connection.execute(sql)


def _pause(warehouse: Path, base_url: str) -> None:
    settings = Settings(base_url=base_url, warehouse=warehouse, state=state_of(warehouse))
    ahead = utc_now() + _YEAR
    with closing(budget_of(settings, lambda: ahead)) as budget:
        budget.pause_until(ahead + timedelta(minutes=1))
