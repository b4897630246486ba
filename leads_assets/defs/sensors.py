"""The sensor: looks at the API for a few requests a tick, and asks for a run of what has changed."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta

import dagster as dg

from leads_assets.account.connect import LeadsApi
from leads_assets.account.settings import NO_ACCOUNT
from leads_assets.defs.jobs import RECONCILE
from leads_assets.defs.resources import WarehouseResource
from leads_assets.defs.sentences import skipped
from leads_assets.engine.declare import Endpoint
from leads_assets.engine.errors import ApiError
from leads_assets.engine.http.address import account_of
from leads_assets.engine.instants import utc_now
from leads_assets.engine.records.state import SyncState
from leads_assets.engine.warehouse.account import why_another
from leads_assets.engine.warehouse.errors import WarehouseError
from leads_assets.engine.warehouse.runs import bound_account, sync_states
from leads_assets.refresh.cursor import SensorCursor, parse_cursor
from leads_assets.refresh.decide import (
    Attempts,
    Need,
    ReadRequest,
    look_refusal,
    reads_needed,
    reasons,
    refusal,
    run_key,
)
from leads_assets.refresh.observe import PROBE_LIMITS, Lists, Observer
from leads_assets.refresh.quota import DailyQuota, quota_at

NAME = "api_changes_sensor"
TAG = "leads_assets"
"""Runs carry `leads_assets/<endpoint>`: what they are to commit, and `leads_assets/why`."""

_LOCK_SECONDS = 5.0
_FIRST_LOOK_SHARE = 20
"""On an empty warehouse a look saves a second read of the small lists, because it shows what they looked like before
the first. It is made where it costs no more than this part (a twentieth) of the requests left; else the sync comes
first."""
_FORGET_RUNS = timedelta(hours=6)
"""A run that has not ended by then was killed: it keeps nothing from being asked for."""
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def unfinished_runs(instance: dg.DagsterInstance, now: datetime) -> Sequence[dg.DagsterRun]:
    """The runs that are queued or going, whoever asked for them."""
    return instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED, created_after=now - _FORGET_RUNS))


def api_changes_sensor(
    endpoints: Mapping[str, Endpoint],
    *,
    seconds: int,
    reconcile_every: timedelta | None,
    now: Callable[[], datetime] = utc_now,
) -> dg.SensorDefinition:
    """The sensor, with a tick every `seconds`; lists without a proven full read for `reconcile_every` are asked for."""

    @dg.sensor(
        name=NAME,
        target=dg.AssetSelection.assets(*endpoints),
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Compares the API with what the warehouse has committed, and asks for the assets that differ.",
    )
    def _sensor(
        context: dg.SensorEvaluationContext, leads_api: dg.ResourceParam[LeadsApi], warehouse: WarehouseResource
    ) -> dg.SensorResult | dg.SkipReason:
        if not leads_api.settings.has_account:
            return dg.SkipReason(NO_ACCOUNT)
        noted = parse_cursor(context.cursor)
        memory = noted.without_future(now())
        if memory != noted:
            context.log.warning("the sensor's memory holds moments in the future: a clock ran ahead; they are ignored")
        if reason := memory.pause(now()):
            return skipped(reason, memory.cursor())
        try:
            return _Tick(
                context.instance,
                leads_api,
                warehouse,
                memory,
                endpoints=endpoints,
                now=now,
                reconcile_every=reconcile_every,
            ).run()
        except WarehouseError as error:
            return skipped(error, memory.cursor())
        except ApiError as error:
            memory = memory.after_trouble(error, now(), timedelta(seconds=seconds))
            return skipped(memory.pause(now()), memory.cursor())

    return _sensor


class _Tick:
    """One evaluation of the sensor."""

    def __init__(
        self,
        instance: dg.DagsterInstance,
        api: LeadsApi,
        warehouse: WarehouseResource,
        memory: SensorCursor,
        *,
        endpoints: Mapping[str, Endpoint],
        now: Callable[[], datetime],
        reconcile_every: timedelta | None,
    ) -> None:
        self._endpoints, self._lists = endpoints, Lists.of(endpoints.values())
        self._memory = memory
        self._now = now
        self._instance = instance
        self._api = api
        self._warehouse = warehouse.warehouse(_LOCK_SECONDS)
        self._reconcile_every = reconcile_every

    def run(self) -> dg.SensorResult:
        """Look, compare, ask. Raises an ApiError or a WarehouseError."""
        busy = self._busy()
        if busy.issuperset(self._endpoints):
            return self._skip("not looked: a run of all assets is queued or going")
        known = sync_states(self._warehouse, self._now(), self._endpoints)
        if reason := why_another(bound_account(known), account_of(self._api.settings.base_url)):
            return self._skip(reason)
        api = LeadsApi(self._api.settings, limits=PROBE_LIMITS, now=self._now, busy_seconds=_LOCK_SECONDS)
        with closing(api):
            client = api.client()
            missing = {name: max(1, client.budget.needed(name)) for name in self._endpoints if name not in known}
            money = quota_at(client.budget.left(), known.values(), self._now(), self._reconcile_every, missing.values())
            observer = Observer(client, known, self._memory.looks, self._now, endpoints=self._endpoints)
            said = self._look(observer, known, busy, money)
            money = replace(money, left=client.budget.left())
        chosen, waiting = self._choose(known, observer, busy, money, missing)
        if chosen:
            return self._ask(chosen)
        going = [f"queued or going: {', '.join(sorted(busy))}"] if busy else []
        return self._skip("; ".join([said, *waiting, *going, f"{observer.requests} requests, {money}"]))

    def _look(self, observer: Observer, known: Mapping[str, SyncState], busy: frozenset[str], money: DailyQuota) -> str:
        """Look at the server unless there is nothing to compare it with, or no request for it; what that has shown."""
        if not known and not money.allows(_FIRST_LOOK_SHARE * len(self._endpoints)):
            return "not looked: nothing is in the warehouse yet"
        requests = len(self._lists.each_time)
        if reason := look_refusal(money, requests, self._memory.looked_at, self._now()):
            return reason
        observer.look(busy, money.spare)
        self._memory = SensorCursor(looks=observer.looks, asked=self._memory.asked, looked_at=self._now())
        return observer.report()

    def _skip(self, reason: str) -> dg.SensorResult:
        return skipped(reason, self._memory.cursor())

    def _busy(self) -> frozenset[str]:
        """The endpoints of all runs that have not ended, whoever asked for them."""
        runs = unfinished_runs(self._instance, self._now())
        if any(run.asset_selection is None for run in runs):
            return frozenset(self._endpoints)
        named = {key.to_user_string() for run in runs for key in run.asset_selection or ()}
        return frozenset(named & self._endpoints.keys())

    def _choose(
        self,
        known: Mapping[str, SyncState],
        observer: Observer,
        busy: frozenset[str],
        money: DailyQuota,
        missing: Mapping[str, int],
    ) -> tuple[list[tuple[ReadRequest, int]], list[str]]:
        """The reads to ask for with their attempt numbers, and why others wait.

        Where the day's requests do not suffice for all, what was never loaded comes first, then the oldest.
        """
        chosen: list[tuple[ReadRequest, int]] = []
        waiting: list[str] = []
        for name, endpoint in sorted(self._endpoints.items(), key=lambda item: _urgency(item[0], known, missing)):
            if name in busy:
                continue
            if name in observer.observations:
                needs = observer.observations[name].needs
            else:
                needs = () if endpoint in self._lists.each_time else (Need.CHANGES,)
            load, look = known.get(name), observer.looks.get(name)
            for want in reads_needed(
                endpoint,
                load,
                look,
                needs,
                now=self._now(),
                reconcile_every=self._reconcile_every,
                needed=missing.get(name, 0),
                balance=observer.observations[name].balance if name in observer.observations else 0,
            ):
                attempts = self._attempts(want)
                began = load.full if want.full and load else load.began if load else None
                last = max(filter(None, (began, self._memory.asked.get(want.stream))), default=None)
                if not (reason := refusal(want, attempts, money, last, self._now())):
                    chosen.append((want, attempts.count))
                    money = money.after(want.requests, reserved=want.reserved)
                    break
                waiting.append(reason)
        return chosen, waiting

    def _attempts(self, want: ReadRequest) -> Attempts:
        asked = dg.RunsFilter(tags={f"{TAG}/{want.endpoint}": want.token})
        newest = self._instance.get_run_records(asked, limit=1)
        if not newest:
            return Attempts()
        return Attempts(self._instance.get_runs_count(asked), newest[0].create_timestamp)

    def _ask(self, chosen: list[tuple[ReadRequest, int]]) -> dg.SensorResult:
        asked = {want.stream: self._now() for want, _ in chosen}
        self._memory = replace(self._memory, asked=self._memory.asked | asked)
        request = dg.RunRequest(
            run_key=run_key(chosen),
            asset_selection=[dg.AssetKey(want.endpoint) for want, _ in chosen],
            run_config=RECONCILE if any(want.full for want, _ in chosen) else None,
            tags={
                **{f"{TAG}/{want.endpoint}": want.token for want, _ in chosen},
                f"{TAG}/why": reasons(want for want, _ in chosen),
            },
        )
        return dg.SensorResult(run_requests=[request], cursor=self._memory.cursor())


def _urgency(name: str, known: Mapping[str, SyncState], missing: Mapping[str, int]) -> tuple[bool, float]:
    """Never loaded before, the cheapest first; then those whose last proven full read is the longest ago."""
    if name not in known:
        return False, missing.get(name, 1)
    full = known[name].full
    return True, full.timestamp() if full else 0.0
