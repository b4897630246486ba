"""`leads-assets plan`: what a sync would cost and, with `--diff`, what it would change."""

import argparse
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from leads_assets.account.connect import LeadsApi, warehouse_of
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.account.settings import Settings
from leads_assets.cli.arguments import add_json_option, checked_names
from leads_assets.cli.diff import Differences, diff
from leads_assets.cli.render import Block, Grid, number
from leads_assets.doctor.probing import Prober
from leads_assets.engine.declare import Endpoint
from leads_assets.engine.errors import EndpointError
from leads_assets.engine.instants import format_instant, utc_now
from leads_assets.engine.read.estimate import Estimate, days_to_read, estimate_paged, estimate_unpaged, pages_needed
from leads_assets.engine.read.lap_source import PAGES_A_PART
from leads_assets.engine.read.plan import ReadPlan, plan_read
from leads_assets.engine.records.extract import ReadMode
from leads_assets.engine.records.state import SyncState
from leads_assets.engine.warehouse.runs import sync_states

_ENDS_LAP = 2
"""A read of the changes since the first part, and a look at the whole list."""


@dataclass(frozen=True, slots=True)
class _Step:
    endpoint: Endpoint
    plan: ReadPlan
    estimate: Estimate

    @property
    def is_in_parts(self) -> bool:
        """Whether it takes what requests there are, and goes on another day."""
        known = self.endpoint.change_filter is not None and self.mode is ReadMode.FULL and self.estimate.requests
        return bool(known) and (self.plan.lap is not None or (self.estimate.requests or 0) > PAGES_A_PART)

    @property
    def mode(self) -> ReadMode:
        return ReadMode.FULL if self.plan.changed_since is None else ReadMode.INCREMENTAL

    def content(self) -> dict[str, Any]:
        return {
            "endpoint": self.endpoint.name,
            "mode": self.mode.value,
            "changed_since": self.plan.changed_since,
            "why": self.plan.why,
            "requests": self.estimate.requests,
            "rows": self.estimate.rows,
            "basis": self.estimate.basis,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The reads of a sync. `spent`: requests that planning took; `left`, `daily`: of the day, None without a limit."""

    steps: tuple[_Step, ...]
    spent: int
    left: int | None
    daily: int
    today: date
    status: int = 0

    @property
    def requests(self) -> int:
        """What the known part of it costs."""
        return sum(step.estimate.requests or 0 for step in self.steps)

    @property
    def unknown(self) -> list[str]:
        """The endpoints of which nobody can tell."""
        return [step.endpoint.name for step in self.steps if step.estimate.requests is None]

    @property
    def fits(self) -> bool:
        """Whether it fits into the day, but for what is read in parts."""
        whole = sum(step.estimate.requests or 0 for step in self.steps if not step.is_in_parts)
        return self.left is None or whole <= self.left

    def complete_on(self, step: _Step) -> date | None:
        """The day on which a list that is read in parts will be complete; None for others."""
        if not step.is_in_parts or step.estimate.requests is None:
            return None
        return self.today + timedelta(days=days_to_read(step.estimate.requests, self.left, self.daily))

    def content(self) -> object:
        """Sums and steps."""
        sums = {"requests": self.requests, "unknown": self.unknown, "budget_left": self.left, "fits": self.fits}
        return {**sums, "spent_by_plan": self.spent, "endpoints": [self._content(step) for step in self.steps]}

    def blocks(self) -> Iterable[Block]:
        """The table, then the sums."""
        numbers = ("requests", "rows")
        lines = []
        for step in self.steps:
            known = step.estimate
            requests = "?" if known.requests is None else f"{known.requests:,}"
            lines.append((step.endpoint.name, requests, number(known.rows), str(step.mode), known.basis))
        yield Grid(columns=("endpoint", *numbers, "mode", "told by"), rows=lines, right=numbers, wrap=["told by"])
        yield from self._whys()
        for step in self.steps:
            if day := self.complete_on(step):
                yield f"{step.endpoint.name}: {step.estimate.requests:,} requests, complete on {day.isoformat()}"
        budget = "there is no daily limit" if self.left is None else f"{self.left:,} of {self.daily:,} are left today"
        verdict = "" if self.fits else ": it does not fit into today, and a list that does not fit is not begun"
        more = f", and what {', '.join(self.unknown)} needs" if self.unknown else ""
        yield f"A sync would cost about {self.requests:,} requests{more}; {budget}{verdict}."
        yield f"To find that out took {self.spent:,}."

    def _content(self, step: _Step) -> dict[str, Any]:
        day = self.complete_on(step)
        return {**step.content(), "complete_on": day and day.isoformat()}

    def errors(self) -> Iterable[str]:
        """Nothing."""
        return ()

    def _whys(self) -> list[str]:
        """The reasons, each once, with the endpoints that it is true of."""
        reasons: dict[str, list[str]] = {}
        for step in self.steps:
            reasons.setdefault(step.plan.why, []).append(step.endpoint.name)
        return [
            f"{names[0] if len(names) == 1 else f'{len(names)} endpoints'}: {why}" for why, names in reasons.items()
        ]


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    paged = ", ".join(name for name, endpoint in ENDPOINTS.items() if endpoint.paged)
    parser = commands.add_parser(
        "plan",
        help="show what a sync would cost in requests, and why",
        description="Show what a sync would cost in requests, and why; nothing is written to the warehouse."
        f" It costs one request for each of {paged}; with --diff it costs what a sync costs.",
    )
    parser.add_argument("endpoint", nargs="*", metavar="ENDPOINT", help="endpoints to plan for (default: all)")
    parser.add_argument("--full-refresh", action="store_true", help="as a sync with full_refresh would do it")
    parser.add_argument("--diff", action="store_true", help="read the lists too, and show what would change")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Plan | Differences:
    """Plan; with `--diff` read and compare. Raises UsageError, ApiError or WarehouseError."""
    names = checked_names(arguments.endpoint, ENDPOINTS)
    settings = Settings.from_environment()
    warehouse = warehouse_of(settings)
    known = sync_states(warehouse, utc_now())
    plans = _plans(settings, known, names, full_refresh=arguments.full_refresh)
    with closing(LeadsApi(settings)) as api:
        client = api.client()
        if arguments.diff:
            return diff(api, warehouse, plans, full_refresh=arguments.full_refresh)
        prober = Prober(client)
        steps = tuple(
            _step(prober, ENDPOINTS[name], plan, known.get(name, SyncState()), settings.page_size)
            for name, plan in plans.items()
        )
        return Plan(
            steps=steps,
            spent=prober.requests,
            left=client.budget.left(),
            daily=client.budget.daily,
            today=utc_now().date(),
        )


def _plans(
    settings: Settings, states: Mapping[str, SyncState], names: Iterable[str], *, full_refresh: bool
) -> dict[str, ReadPlan]:
    now, every = utc_now(), settings.reconcile_every
    return {
        name: plan_read(
            ENDPOINTS[name], states.get(name, SyncState()), now, full_refresh=full_refresh, reconcile_every=every
        )
        for name in names
    }


def _step(prober: Prober, endpoint: Endpoint, plan: ReadPlan, state: SyncState, page_size: int) -> _Step:
    last_rows = state.full_rows if plan.changed_since is None else state.change_rows
    if not endpoint.paged:
        spent = None if last_rows is None else state.full_requests
        parts = endpoint.fan_out.over.name if endpoint.fan_out else ""
        return _Step(endpoint, plan, estimate_unpaged(spent, last_rows, parts=parts))
    since = {}
    if plan.changed_since is not None and endpoint.change_filter:
        since = {endpoint.change_filter: format_instant(plan.changed_since)}
    try:
        page = prober.first_page(endpoint, page_size, **since).page
    except EndpointError as error:
        return _Step(endpoint, plan, Estimate(None, None, str(error)))
    if (lap := plan.lap) is not None and (rows := page.total or lap.total):
        left = pages_needed(max(page_size, rows - lap.rank), page_size) + _ENDS_LAP
        return _Step(endpoint, plan, Estimate(left, rows, f"the rows after the {lap.rows:,} that were read"))
    estimate = estimate_paged(len(page.records), page.total, last_rows, page_size)
    return _Step(endpoint, plan, estimate)
