"""A project that is watched by the real sensor, with a clock that a test can move."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
from pydantic import SecretStr

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.account.settings import Settings
from leads_assets.defs.build import build_definitions
from leads_assets.defs.sensors import NAME
from leads_assets.demo.server.api import DemoApi
from leads_assets_tests.harness.project import Project

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
SMALL = frozenset(ENDPOINTS) - {"leads", "webhook_events"}


@dataclass
class SensorHarness:
    """The demo account at `api` and a warehouse in `folder`, with ticks and runs in this process.

    `ahead` moves the sensor's clock; runs keep to the real one. `daily`: the day's requests, 0 for no limit.
    `base_url`: another address of the same API, where that is not empty.
    """

    api: DemoApi
    folder: Path
    daily: int = 0
    page_size: int = 100
    ahead: timedelta = timedelta(0)
    cursor: str | None = None
    key: str = "demo-key"
    base_url: str = ""
    instance: dg.DagsterInstance = field(default_factory=dg.DagsterInstance.ephemeral)
    _built: dict[tuple[str, int], dg.Definitions] = field(default_factory=dict)

    @property
    def project(self) -> Project:
        """The same project, for queries."""
        return Project(self.folder, self.api.base_url)

    @property
    def settings(self) -> Settings:
        """What a user would have set."""
        return Settings(
            base_url=self.base_url or self.api.base_url,
            api_key=SecretStr(self.key),
            warehouse=self.project.path,
            state=self.project.state,
            lock_seconds=1,
            daily_requests=self.daily,
            page_size=self.page_size,
        )

    @property
    def definitions(self) -> dg.Definitions:
        """The project, wired as for users, but for the sensor's clock; built once for each account and quota."""
        wired = self.base_url, self.daily
        if wired not in self._built:
            self._built[wired] = build_definitions(self.settings, now=self.now)
        return self._built[wired]

    @property
    def sensor(self) -> dg.SensorDefinition:
        """The sensor with its default interval."""
        return self.definitions.resolve_sensor_def(NAME)

    def now(self) -> datetime:
        """The sensor's time."""
        return datetime.now(UTC) + self.ahead

    def tick(self) -> dg.SensorResult:
        """One evaluation; the cursor is kept for the next."""
        known = self.definitions.resources or {}
        resources = {name: known[name] for name in ("leads_api", "warehouse")}
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
        return self.definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            asset_selection=[dg.AssetKey(name) for name in names] or None,
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
