"""The engine as a library: any REST list into DuckDB in two steps, without Dagster and without an account of ours."""

import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta

from leads_assets.engine.declare import Dialect, Endpoint
from leads_assets.engine.errors import ConfigurationError
from leads_assets.engine.http.address import account_of
from leads_assets.engine.http.budget import RequestBudget
from leads_assets.engine.http.client import ApiClient
from leads_assets.engine.instants import utc_now
from leads_assets.engine.read.ends import FULL_PAGE
from leads_assets.engine.read.plan import plan_read
from leads_assets.engine.read.read import Extraction, ReadOptions
from leads_assets.engine.records.extract import Extract
from leads_assets.engine.records.state import SyncState
from leads_assets.engine.warehouse.account import why_another
from leads_assets.engine.warehouse.live_rows import live_rows
from leads_assets.engine.warehouse.load import Loader
from leads_assets.engine.warehouse.result import LoadResult
from leads_assets.engine.warehouse.runs import bound_account, sync_states
from leads_assets.engine.warehouse.session import Warehouse


@contextmanager
def read(
    endpoint: Endpoint,
    warehouse: Warehouse,
    *,
    dialect: Dialect,
    base_url: str,
    api_key: str,
    page_size: int = FULL_PAGE,
    daily_requests: int = 0,
    reconcile_every: timedelta | None = None,
) -> Iterator[Extract]:
    """Read a list of the account at `base_url` into files beside the warehouse; they last as long as the block.

    The whole list, or only what changed where the endpoint has a change filter and the last proven full read is
    younger than `reconcile_every` (None: than a day, or than a week where that costs more than 200 requests).
    `page_size`: rows a page. `daily_requests`: requests of a UTC day, counted in a file beside the warehouse; 0 for no
    limit.

    Raises an ApiError where the list cannot be read, a WarehouseError where the warehouse cannot be, OSError where the
    files cannot be written.
    """
    lists = [endpoint, endpoint.fan_out.over] if endpoint.fan_out else [endpoint]
    with closing(RequestBudget(warehouse.beside(".requests"), daily_requests)) as budget:
        client = ApiClient(base_url, api_key, budget, dialect)
        with closing(client), warehouse.spool() as folder:
            known = sync_states(warehouse, utc_now(), {each.name: each for each in lists})
            account = account_of(client.base_url)
            if why := why_another(bound_account(known), account):
                raise ConfigurationError(f"{endpoint.name}: {why}")
            state = known.get(endpoint.name, SyncState())
            plan = plan_read(endpoint, state, utc_now(), full_refresh=False, reconcile_every=reconcile_every)
            reading = Extraction(
                client,
                endpoint,
                folder.path,
                held=lambda name: known.get(name, SyncState()).held,
                live=lambda since: live_rows(warehouse, endpoint, changed_since=since, now=utc_now()),
                calibration=state.calibration,
                options=ReadOptions(limit=page_size),
            )
            extract = reading.run(plan.changed_since)
            yield replace(
                extract, account=account, after=state.number, changed_since=plan.changed_since, forced=plan.forced
            )


def load(extract: Extract, warehouse: Warehouse) -> LoadResult:
    """Merge what was read into the endpoint's table, in one transaction, under a run id of its own.

    `row` of the result is the load's row in `ops.sync_runs`: verdict, reason, counts. Raises a WarehouseError; then
    nothing was changed.
    """
    with closing(Loader(warehouse)) as loader:
        return loader.load(extract, str(uuid.uuid4()))
