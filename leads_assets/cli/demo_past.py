"""The past of the demo account: a copy that has been kept for twelve weeks, made in seconds.

Each day is read and loaded as a sync does it, only with the account's clock in the place of this machine's.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime, timedelta

from leads_assets.account.connect import LeadsApi, warehouse_of
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.account.settings import Settings
from leads_assets.demo.account.account import Account
from leads_assets.engine.instants import DAY, format_instant
from leads_assets.engine.read.plan import plan_read
from leads_assets.engine.records.state import SyncState
from leads_assets.engine.warehouse.load import Loader
from leads_assets.engine.warehouse.runs import sync_states

DAYS_AGO: Sequence[int] = (*range(84, 0, -7), 1)
"""A day in each of the last twelve weeks, and yesterday."""
_LIVELY = ("steps", "leads", "follow_ups", "webhook_events")
"""What changes from day to day; the other lists are read on the first day only."""
_FULL_UP_TO = 5_000
"""Leads of the account up to which each day reads all of them, so that deletions are dated by their week."""


class _Clock:
    """The account's time, which goes on as this machine's does."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._set = time.monotonic()

    def advance(self, days: float) -> None:
        self._account.advance(days)
        self._set = time.monotonic()

    def now(self) -> datetime:
        return self._account.now + timedelta(seconds=time.monotonic() - self._set)


def bring_in(account: Account, settings: Settings, told: Callable[[datetime], None]) -> None:
    """Fill the warehouse as if it had been kept since the first of the days, and leave the account at the present.

    The account must be served at the settings' address, and be as it was on the first of the days. `told` gets each
    day. Raises an ApiError or a WarehouseError.
    """
    clock = _Clock(account)
    days_left = DAYS_AGO[0]
    reconcile_every = timedelta(0 if account.total("leads") <= _FULL_UP_TO else days_left)
    # Without the marts: the sync that follows makes them, at once for all the days.
    loader = Loader(warehouse_of(settings), now=clock.now)
    with closing(loader), closing(LeadsApi(settings, now=clock.now)) as api:
        for days_ago in DAYS_AGO:
            clock.advance(days_left - days_ago)
            told(clock.now())
            names = tuple(ENDPOINTS) if days_ago == DAYS_AGO[0] else _LIVELY
            _sync(api, loader, names, clock, reconcile_every)
            days_left = days_ago
    account.advance(days_left)


def _sync(api: LeadsApi, loader: Loader, names: Sequence[str], clock: _Clock, reconcile_every: timedelta) -> None:
    """One sync of these endpoints."""
    warehouse = warehouse_of(api.settings)
    states = sync_states(warehouse, clock.now(), ENDPOINTS)
    run_id = f"demo-{format_instant(clock.now(), DAY)}"
    for name in names:
        state = states.get(name, SyncState())
        plan = plan_read(ENDPOINTS[name], state, clock.now(), full_refresh=False, reconcile_every=reconcile_every)
        with warehouse.spool() as folder:
            extract = api.extract(
                ENDPOINTS[name],
                folder.path,
                changed_since=plan.changed_since,
                held=lambda name: states.get(name, SyncState()).held,
                after=state.number,
                progress=lambda _: None,
            )
            loader.load(extract, run_id)
