"""A sync as the torture needs it: the real assets, IO manager and warehouse, without the command line around them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import dagster as dg

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.account.settings import Settings
from leads_assets.defs.build import build_definitions
from leads_assets.defs.resources import api_resource
from leads_assets.demo.process import DEMO_KEY
from leads_assets.engine.http.client import Limits

_HURRY = Limits(attempts=2, deadline=5.0, read_timeout=2.0)
"""Bounds for a user in a hurry: the same decisions as with the defaults, sooner."""
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
    """One sync to come. `settings`: more of them; `limits`: other bounds of a request; `options`: the launchpad's."""

    base_url: str
    warehouse: Path
    endpoints: Sequence[str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

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
        )
        result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            run_config={**_QUIET, "resources": {"sync": {"config": dict(self.options)}}},
            instance=instance,
            raise_on_error=False,
        )
        return {name: _told(result, name) for name in self.endpoints}


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
