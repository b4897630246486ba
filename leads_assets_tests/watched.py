"""A project that is watched by the real sensor, with a clock that a test can move."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from leads_assets.assets import endpoint_asset
from leads_assets.checks import check_specs, run_checks, skip_checks
from leads_assets.demo.server import DemoApi
from leads_assets.endpoints import ENDPOINTS
from leads_assets.io_manager import DuckDBUpsertIOManager
from leads_assets.resources import LeadsApiResource, SyncOptions, WarehouseResource
from leads_assets.sensors import api_changes_sensor
from leads_assets_tests.project import Project

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
SMALL = frozenset(ENDPOINTS) - {"leads", "webhook_events"}


@dataclass
class Watched:
    """The demo account at `api` and a warehouse in `folder`, with ticks and runs in this process.

    `ahead` moves the sensor's clock; runs keep to the real one. `daily`: the day's requests, 0 for no limit.
    `base_url`: another address of the same API, where that is not empty.
    """

    api: DemoApi
    folder: Path
    daily: int = 0
    ahead: timedelta = timedelta(0)
    cursor: str | None = None
    key: str = "demo-key"
    base_url: str = ""
    instance: dg.DagsterInstance = field(default_factory=dg.DagsterInstance.ephemeral)

    @property
    def project(self) -> Project:
        """The same project, for queries."""
        return Project(self.folder, self.api.base_url)

    @property
    def resources(self) -> dict[str, Any]:
        """The resources, wired as in the definitions."""
        warehouse, sync = self._warehouse, SyncOptions.configure_at_launch(reconcile_hours=24.0)
        return {
            "leads_api": self._api,
            "warehouse": warehouse,
            "sync": sync,
            "io_manager": DuckDBUpsertIOManager(warehouse=warehouse, sync=sync),
        }

    @property
    def _api(self) -> LeadsApiResource:
        return LeadsApiResource(
            base_url=self.base_url or self.api.base_url,
            api_key=self.key,
            budget_file=f"{self.project.path}.requests",
            daily_requests=self.daily,
        )

    @property
    def _warehouse(self) -> WarehouseResource:
        return WarehouseResource(path=str(self.project.path), lock_seconds=1)

    @cached_property
    def assets(self) -> list[dg.AssetsDefinition]:
        """The fourteen assets."""
        return [
            endpoint_asset(
                endpoint,
                storage=str(self.project.path),
                check_specs=check_specs,
                run_checks=run_checks,
                skip_checks=skip_checks,
            )
            for endpoint in ENDPOINTS.values()
        ]

    @cached_property
    def sensor(self) -> dg.SensorDefinition:
        """The sensor with its default interval."""
        return api_changes_sensor(seconds=300, reconcile_every=timedelta(hours=24), now=self.now)

    def now(self) -> datetime:
        """The sensor's time."""
        return datetime.now(UTC) + self.ahead

    def tick(self) -> dg.SensorResult:
        """One evaluation; the cursor is kept for the next."""
        resources = {"leads_api": self._api, "warehouse": self._warehouse}
        with dg.build_sensor_context(self.instance, self.cursor, resources=resources) as context:
            result = self.sensor(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        return result

    def run(self, result: dg.SensorResult) -> dg.ExecuteInProcessResult:
        """The run that was asked for; a failure is in the result."""
        (request,) = result.run_requests or ()
        names = [key.to_user_string() for key in request.asset_selection or ()]
        return self.materialize(*names, run_config=request.run_config, tags=request.tags)

    def materialize(
        self, *names: str, run_config: Mapping[str, object] | None = None, tags: Mapping[str, str] | None = None
    ) -> dg.ExecuteInProcessResult:
        """A run of the named assets, or of all; a failure is in the result."""
        return dg.materialize(
            self.assets,
            selection=dg.AssetSelection.assets(*names) if names else None,
            resources=self.resources,
            run_config={**(run_config or {}), **_QUIET},
            tags=tags,
            instance=self.instance,
            raise_on_error=False,
        )

    def write(self, sql: str) -> None:
        """Change the warehouse behind the project's back."""
        with duckdb.connect(self.project.path) as connection:
            connection.execute(sql)

    def sync(self) -> None:
        """What the sensor asks for, until it asks for nothing more."""
        while (result := self.tick()).run_requests:
            assert self.run(result).success
        self.api.reset()


def asked(result: dg.SensorResult) -> set[str]:
    """The assets of the run that was asked for, empty if none was."""
    return {key.to_user_string() for request in result.run_requests or () for key in request.asset_selection or ()}


def reason(result: dg.SensorResult) -> str:
    """Why no run was asked for."""
    assert not result.run_requests
    return (result.skip_reason and result.skip_reason.skip_message) or ""
