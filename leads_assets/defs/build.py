"""The wiring, once: settings and declarations become Dagster's definitions."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg

from leads_assets.account.connect import warehouse_of
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.account.settings import Settings
from leads_assets.defs.assets import endpoint_asset, source_spec
from leads_assets.defs.io_manager import DuckDBUpsertIOManager
from leads_assets.defs.jobs import jobs_and_schedules
from leads_assets.defs.marts import mart_key, mart_models, marts_assets
from leads_assets.defs.notice import notice_sensor
from leads_assets.defs.report import report_asset, report_sensor
from leads_assets.defs.resources import ReadOnlyDuckDB, SyncOptions, WarehouseResource, api_resource
from leads_assets.defs.sensors import api_changes_sensor
from leads_assets.defs.upkeep import lake_upkeep
from leads_assets.engine.declare import Endpoint
from leads_assets.engine.instants import utc_now
from leads_assets.notice.causes import OLD


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
    place = warehouse.warehouse()
    sync = SyncOptions.configure_at_launch(reconcile_hours=settings.reconcile_hours)
    freshness = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36), warn_window=OLD)
    core = dg.Definitions(
        assets=[
            source_spec(),
            *(
                endpoint_asset(endpoint, endpoints, storage=place.label, freshness=freshness)
                for endpoint in endpoints.values()
            ),
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
    url = settings.notify_url.get_secret_value()
    return dg.Definitions.merge(
        core,
        jobs_and_schedules(endpoints),
        _answers(endpoints, settings, now),
        dg.Definitions() if isinstance(settings.warehouse, Path) else lake_upkeep(),
        dg.Definitions(sensors=[notice_sensor(url, now=now)] if url else []),
    )


def _answers(endpoints: Mapping[str, Endpoint], settings: Settings, now: Callable[[], datetime]) -> dg.Definitions:
    """Marts and page; nothing in a project that reads other lists than this account's."""
    if not ENDPOINTS.keys() <= endpoints.keys():
        return dg.Definitions()
    marts = [mart_key(model.name) for model in mart_models()]
    return dg.Definitions(
        # Made from views, and not from the lists themselves: one that cannot be read would keep the page from being
        # written, which is to say so.
        assets=[*marts_assets(endpoints), report_asset(marts, page=warehouse_of(settings).page)],
        sensors=[report_sensor(marts, now=now)],
    )
