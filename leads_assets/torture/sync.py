"""A sync as the torture needs it: the real assets, IO manager and warehouse, without the command line around them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.account.settings import Settings
from leads_assets.defs.build import build_definitions
from leads_assets.defs.resources import api_resource
from leads_assets.defs.sensors import NAME
from leads_assets.demo.process import DEMO_KEY
from leads_assets.engine.http.client import Limits
from leads_assets.engine.instants import utc_now

_HURRY = Limits(attempts=2, deadline=5.0, read_timeout=2.0)
"""Bounds for a user in a hurry: the same decisions as with the defaults, sooner."""
_LATER = timedelta(hours=3)
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a run tells its user about one endpoint."""

    ending: str
    """success, unproven, failed, skipped or not tried."""
    words: str = ""

    @property
    def claims_complete(self) -> bool:
        """Whether the user may believe that the table is the server's list."""
        return self.ending == "success"


def state_of(warehouse: Path) -> Path:
    """The folder of the request count: every case has the day's requests for itself."""
    return Path(f"{warehouse}.state")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """One sync to come. `settings`: more of them; `limits`: other bounds of a request; `options`: the launchpad's.

    `by_sensor`: what the sensor asks for at its first tick, three hours from now, under its own options.
    """

    base_url: str
    warehouse: Path
    endpoints: Sequence[str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    by_sensor: bool = False

    def run(self, instance: dg.DagsterInstance) -> dict[str, CommandResult]:
        """Materialize the endpoints' assets; what the run tells of each."""
        own = {
            "base_url": self.base_url,
            "api_key": DEMO_KEY,
            "warehouse": self.warehouse,
            "state": state_of(self.warehouse),
        }
        settings = Settings.model_validate({**own, **self.settings})
        definitions = build_definitions(
            settings,
            endpoints={name: ENDPOINTS[name] for name in self.endpoints},
            overrides={"leads_api": api_resource(settings, limits=replace(_HURRY, **self.limits))},
            now=lambda: utc_now() + _LATER,
        )
        asked = _asked(definitions, instance) if self.by_sensor else set(self.endpoints)
        config = {} if self.by_sensor else {"resources": {"sync": {"config": dict(self.options)}}}
        if not asked:
            return {name: CommandResult("not tried", "the sensor asks for nothing") for name in self.endpoints}
        result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            run_config={**_QUIET, **config},
            asset_selection=[dg.AssetKey(name) for name in sorted(asked)],
            instance=instance,
            raise_on_error=False,
        )
        return {name: _told(result, name) for name in self.endpoints}


def _asked(definitions: dg.Definitions, instance: dg.DagsterInstance) -> set[str]:
    """The assets that the sensor asks for at its first tick."""
    known = definitions.resources or {}
    resources = {name: known[name] for name in ("leads_api", "warehouse")}
    with dg.build_sensor_context(instance, resources=resources) as context:
        result = definitions.resolve_sensor_def(NAME)(context)
    requests = result.run_requests or () if isinstance(result, dg.SensorResult) else ()
    return {key.to_user_string() for request in requests for key in request.asset_selection or ()}


def _told(result: dg.ExecuteInProcessResult, name: str) -> CommandResult:
    """Read as a user reads it: the step's failure, else the `complete` check, else the materialization."""
    failures = [event.step_failure_data for event in result.events_for_node(name) if event.is_step_failure]
    if failures:
        failed = failures[0].user_failure_data
        unforeseen = failures[0].error.cls_name if failures[0].error else ""
        return CommandResult("failed", (failed.description if failed else None) or f"unforeseen: {unforeseen}")
    loaded = bool(result.asset_materializations_for_node(name))
    checks = [
        check
        for check in result.get_asset_check_evaluations()
        if check.asset_key.path[-1] == name and check.check_name == "complete"
    ]
    if not loaded:
        return CommandResult("skipped", checks[0].description or "") if checks else CommandResult("not tried")
    if checks and not checks[0].passed:
        return CommandResult("unproven", (checks[0].description or "").removeprefix("unproven: "))
    return CommandResult("success", checks[0].description or "" if checks else "")
