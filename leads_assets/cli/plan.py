"""`leads-assets plan`: what a sync would cost and, with `--diff`, what it would change."""

import argparse
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from leads_assets.account.connect import LeadsApi, warehouse_of
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.account.settings import Settings
from leads_assets.cli.diff import diff
from leads_assets.cli.printing import add_json_option, make_console, make_table, number, print_json, print_sentences
from leads_assets.doctor.probing import Prober
from leads_assets.engine.declare import Endpoint
from leads_assets.engine.errors import EndpointError
from leads_assets.engine.http.client import ApiClient
from leads_assets.engine.read.estimate import Estimate, estimate_paged, estimate_unpaged
from leads_assets.engine.read.plan import ReadPlan, plan_read
from leads_assets.engine.records.extract import ReadMode
from leads_assets.engine.records.state import SyncState
from leads_assets.engine.warehouse.runs import sync_states


@dataclass(frozen=True, slots=True)
class _Step:
    endpoint: Endpoint
    plan: ReadPlan
    estimate: Estimate

    @property
    def mode(self) -> ReadMode:
        return ReadMode.FULL if self.plan.changed_since is None else ReadMode.INCREMENTAL

    def as_json(self) -> dict[str, Any]:
        return {
            "endpoint": self.endpoint.name,
            "mode": self.mode.value,
            "changed_since": self.plan.changed_since,
            "why": self.plan.why,
            "requests": self.estimate.requests,
            "rows": self.estimate.rows,
            "basis": self.estimate.basis,
        }


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
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Plan and print; with `--diff` 1 if a list could not be read."""
    if unknown := [name for name in arguments.endpoint if name not in ENDPOINTS]:
        arguments.parser.error(f"no such endpoint: {', '.join(unknown)}; there are {', '.join(ENDPOINTS)}")
    names = arguments.endpoint or list(ENDPOINTS)
    settings = Settings.from_environment()
    warehouse = warehouse_of(settings)
    plans = _plans(settings, names, full_refresh=arguments.full_refresh)
    with closing(LeadsApi(settings)) as api:
        client = api.client()
        if arguments.diff:
            return diff(api, warehouse, plans, full_refresh=arguments.full_refresh, as_json=arguments.json)
        prober = Prober(client)
        known = sync_states(warehouse, datetime.now(UTC))
        steps = [
            _step(prober, ENDPOINTS[name], plan, known.get(name, SyncState()), settings.page_size)
            for name, plan in plans.items()
        ]
        _show(steps, client, prober.requests, as_json=arguments.json)
    return 0


def _plans(settings: Settings, names: list[str], *, full_refresh: bool) -> dict[str, ReadPlan]:
    now, every = datetime.now(UTC), timedelta(hours=settings.reconcile_hours)
    states = sync_states(warehouse_of(settings), now)
    return {
        name: plan_read(
            ENDPOINTS[name],
            states.get(name, SyncState()),
            now,
            full_refresh=full_refresh,
            reconcile_every=every,
        )
        for name in names
    }


def _step(prober: Prober, endpoint: Endpoint, plan: ReadPlan, state: SyncState, page_size: int) -> _Step:
    last_rows = state.full_rows if plan.changed_since is None else state.change_rows
    if not endpoint.paged:
        spent = None if last_rows is None else state.full_requests
        return _Step(endpoint, plan, estimate_unpaged(spent, last_rows, per_user=endpoint.per_user_fallback))
    since = {}
    if plan.changed_since is not None and endpoint.change_filter:
        since = {endpoint.change_filter: plan.changed_since.strftime("%Y-%m-%dT%H:%M:%SZ")}
    try:
        page = prober.first_page(endpoint, page_size, **since).page
    except EndpointError as error:
        return _Step(endpoint, plan, Estimate(None, None, str(error)))
    estimate = estimate_paged(len(page.records), page.total, last_rows, page_size)
    return _Step(endpoint, plan, estimate)


def _show(steps: list[_Step], client: ApiClient, spent: int, *, as_json: bool) -> None:
    needed = sum(step.estimate.requests or 0 for step in steps)
    unknown = [step.endpoint.name for step in steps if step.estimate.requests is None]
    left, daily = client.budget.left(), client.budget.daily
    fits = left is None or needed <= left
    if as_json:
        endpoints = [step.as_json() for step in steps]
        totals = {"requests": needed, "unknown": unknown, "budget_left": left, "fits": fits, "spent_by_plan": spent}
        print_json({**totals, "endpoints": endpoints})
        return
    numbers = ("requests", "rows")
    table = make_table("endpoint", *numbers, "mode", "told by", right=numbers, wrap=["told by"])
    for step in steps:
        known = step.estimate
        requests = "?" if known.requests is None else f"{known.requests:,}"
        table.add_row(step.endpoint.name, requests, number(known.rows), step.mode, known.basis)
    console = make_console()
    console.print(table)
    budget = "there is no daily limit" if left is None else f"{left:,} of {daily:,} are left today"
    verdict = "" if fits else ": it does not fit into today, and a list that does not fit is not begun"
    more = f", and what {', '.join(unknown)} needs" if unknown else ""
    sums = f"A sync would cost about {needed:,} requests{more}; {budget}{verdict}."
    print_sentences(console, [*_whys(steps), sums, f"To find that out took {spent:,}."])


def _whys(steps: list[_Step]) -> list[str]:
    """The reasons, each once, with the endpoints that it is true of."""
    reasons: dict[str, list[str]] = {}
    for step in steps:
        reasons.setdefault(step.plan.why, []).append(step.endpoint.name)
    return [f"{names[0] if len(names) == 1 else f'{len(names)} endpoints'}: {why}" for why, names in reasons.items()]
