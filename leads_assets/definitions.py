"""The wiring, and the only place that names environment variables."""

import os
from datetime import timedelta
from pathlib import Path

import dagster as dg

from leads_assets.api.errors import ConfigurationError
from leads_assets.assets import endpoint_asset
from leads_assets.checks import check_specs, run_checks, skip_checks
from leads_assets.endpoints import ENDPOINTS
from leads_assets.io_manager import DuckDBUpsertIOManager
from leads_assets.resources import LeadsApiResource, SyncOptions, WarehouseResource
from leads_assets.schedules import full_refresh_job, nightly_reconcile, reconcile_job
from leads_assets.sensors import api_changes_sensor


def _number(name: str, default: float) -> float:
    text = os.environ.get(name) or str(default)
    try:
        return float(text)
    except ValueError:
        raise ConfigurationError(f"{name} must be a number") from None


def _secret(name: str) -> str:
    """The variable by name, so that the UI shows the name and not the value; empty where it is not set."""
    return dg.EnvVar(name) if os.environ.get(name) else ""


def warehouse_path() -> Path:
    """The DuckDB file (LEADS_WAREHOUSE)."""
    return Path(os.environ.get("LEADS_WAREHOUSE") or "data/leads.duckdb").absolute()


def api_resource() -> LeadsApiResource:
    """The API as the environment describes it."""
    return LeadsApiResource(
        base_url=_secret("LEADS_API_BASE_URL"),
        api_key=_secret("LEADS_API_KEY"),
        budget_file=f"{warehouse_path()}.requests",
        page_size=int(_number("LEADS_API_PAGE_SIZE", 100)),
        deadline_seconds=_number("LEADS_API_DEADLINE_SECONDS", 120),
        daily_requests=int(_number("LEADS_API_DAILY_REQUESTS", 2000)),
        requests_per_second=_number("LEADS_API_REQUESTS_PER_SECOND", 0),
    )


def warehouse_resource() -> WarehouseResource:
    """The warehouse as the environment describes it."""
    return WarehouseResource(
        path=str(warehouse_path()),
        lock_seconds=_number("LEADS_WAREHOUSE_LOCK_SECONDS", 120),
        snapshot=os.environ.get("LEADS_WAREHOUSE_SNAPSHOT", ""),
        evolve=os.environ.get("LEADS_SCHEMA", "evolve") != "freeze",
    )


def sync_options() -> SyncOptions:
    """How a run reads and loads where the launchpad says nothing else."""
    return SyncOptions(reconcile_hours=_number("LEADS_RECONCILE_HOURS", 24))


def _definitions() -> dg.Definitions:
    warehouse = warehouse_resource()
    options = sync_options()
    sync = SyncOptions.configure_at_launch(reconcile_hours=options.reconcile_hours)
    freshness = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36), warn_window=timedelta(hours=26))
    return dg.Definitions(
        assets=[
            endpoint_asset(
                endpoint,
                storage=str(warehouse_path()),
                check_specs=check_specs,
                run_checks=run_checks,
                skip_checks=skip_checks,
                freshness=freshness,
            )
            for endpoint in ENDPOINTS.values()
        ],
        resources={
            "leads_api": api_resource(),
            "warehouse": warehouse,
            "sync": sync,
            "io_manager": DuckDBUpsertIOManager(warehouse=warehouse, sync=sync),
        },
        jobs=[full_refresh_job, reconcile_job],
        schedules=[nightly_reconcile],
        sensors=[
            api_changes_sensor(
                seconds=int(_number("LEADS_SENSOR_SECONDS", 300)), reconcile_every=options.reconcile_every
            )
        ],
        # One process per run: one pool of connections, one pause on a 429, one writer; and from the command line a
        # process per asset costs about ten times the CPU.
        executor=dg.in_process_executor,
    )


defs = _definitions()
