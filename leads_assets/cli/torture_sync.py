"""A sync as the torture needs it: the real assets, IO manager and warehouse, without the command line around them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg

from leads_assets.assets import endpoint_asset
from leads_assets.checks import check_specs, run_checks, skip_checks
from leads_assets.cli.demo_account import DEMO_KEY
from leads_assets.endpoints import ENDPOINTS
from leads_assets.io_manager import DuckDBUpsertIOManager
from leads_assets.resources import LeadsApiResource, SyncOptions, WarehouseResource

_HURRY: Mapping[str, Any] = {"attempts": 2, "deadline_seconds": 5.0, "read_timeout_seconds": 2.0}
"""Settings of a user in a hurry: the same decisions as with the defaults, sooner."""
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True, slots=True)
class Told:
    """What a run tells its user about one endpoint."""

    ending: str
    """success, unproven, failed, skipped or not tried."""
    words: str = ""

    @property
    def claims_complete(self) -> bool:
        """Whether the user may believe that the table is the server's list."""
        return self.ending == "success"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """One sync to come. `settings` and `options` replace fields of the resources for the API and the run."""

    base_url: str
    warehouse: Path
    endpoints: Sequence[str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def run(self, instance: dg.DagsterInstance) -> dict[str, Told]:
        """Materialize the endpoints' assets; what the run tells of each."""
        warehouse = WarehouseResource(path=str(self.warehouse))
        options = SyncOptions(**self.options)
        own: dict[str, Any] = {
            "base_url": self.base_url,
            "api_key": DEMO_KEY,
            "budget_file": f"{self.warehouse}.requests",
        }
        result = dg.materialize(
            [_asset(name) for name in self.endpoints],
            resources={
                "leads_api": LeadsApiResource(**{**own, **_HURRY, **self.settings}),
                "warehouse": warehouse,
                "sync": options,
                "io_manager": DuckDBUpsertIOManager(warehouse=warehouse, sync=options),
            },
            run_config=_QUIET,
            instance=instance,
            raise_on_error=False,
        )
        return {name: _told(result, name) for name in self.endpoints}


@cache
def _asset(name: str) -> dg.AssetsDefinition:
    return endpoint_asset(
        ENDPOINTS[name],
        storage="the warehouse of the torture",
        check_specs=check_specs,
        run_checks=run_checks,
        skip_checks=skip_checks,
    )


def _told(result: dg.ExecuteInProcessResult, name: str) -> Told:
    """Read as a user reads it: the step's failure, else the `complete` check, else the materialization."""
    failures = [event.step_failure_data for event in result.events_for_node(name) if event.is_step_failure]
    if failures:
        failed = failures[0].user_failure_data
        unforeseen = failures[0].error.cls_name if failures[0].error else ""
        return Told("failed", (failed.description if failed else None) or f"unforeseen: {unforeseen}")
    loaded = bool(result.asset_materializations_for_node(name))
    checks = [
        check
        for check in result.get_asset_check_evaluations()
        if check.asset_key.path[-1] == name and check.check_name == "complete"
    ]
    if not loaded:
        return Told("skipped", checks[0].description or "") if checks else Told("not tried")
    if checks and not checks[0].passed:
        return Told("unproven", (checks[0].description or "").removeprefix("unproven: "))
    return Told("success", checks[0].description or "" if checks else "")
