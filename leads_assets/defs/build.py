"""The wiring, once: settings and declarations become Dagster's definitions."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import dagster as dg

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.account.settings import Settings
from leads_assets.defs.assets import endpoint_asset
from leads_assets.defs.io_manager import DuckDBUpsertIOManager
from leads_assets.defs.jobs import jobs_and_schedules
from leads_assets.defs.report import report_asset, report_sensor
from leads_assets.defs.resources import ReadOnlyDuckDB, SyncOptions, WarehouseResource, api_resource
from leads_assets.defs.sensors import api_changes_sensor
from leads_assets.engine.declare import Endpoint
from leads_assets.engine.instants import utc_now


def build_definitions(
    settings: Settings,
    *,
    endpoints: Mapping[str, Endpoint] = ENDPOINTS,
    overrides: Mapping[str, object] | None = None,
    now: Callable[[], datetime] = utc_now,
) -> dg.Definitions:
    """Assets with their checks, resources, jobs, schedule and sensor.

    `overrides` replaces resources by name; `now` is the sensor's clock. The definitions can be merged with a user's
    own: `dg.Definitions.merge`.
    """
    warehouse = WarehouseResource.of(settings)
    sync = SyncOptions.configure_at_launch(reconcile_hours=settings.reconcile_hours)
    freshness = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36), warn_window=timedelta(hours=26))
    core = dg.Definitions(
        assets=[
            endpoint_asset(endpoint, endpoints, storage=settings.warehouse, freshness=freshness)
            for endpoint in endpoints.values()
        ],
        resources={
            "leads_api": api_resource(settings),
            "warehouse": warehouse,
            "sync": sync,
            "io_manager": DuckDBUpsertIOManager(warehouse=warehouse, sync=sync),
            "duckdb": ReadOnlyDuckDB.of(settings),
            **(overrides or {}),
        },
        sensors=[
            api_changes_sensor(
                endpoints,
                seconds=settings.sensor_seconds,
                reconcile_every=settings.reconcile_every,
                now=now,
            )
        ],
        # One process per run: one pool of connections, one pause on a 429, one writer; and from the command line a
        # process per asset costs about ten times the CPU.
        executor=dg.in_process_executor,
    )
    return dg.Definitions.merge(core, jobs_and_schedules(endpoints), _page(settings, endpoints))


def _page(settings: Settings, endpoints: Mapping[str, Endpoint]) -> dg.Definitions:
    """The page, and what starts it; nothing in a project that reads other lists than this account's."""
    if not endpoints.keys() >= ENDPOINTS.keys():
        return dg.Definitions()
    page = report_asset([dg.AssetKey(name) for name in ENDPOINTS], warehouse=settings.warehouse)
    return dg.Definitions(assets=[page], sensors=[report_sensor()])
