"""One round of looks: what it covers, and what it does when its time is up."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from leads_assets.account.dialect import DIALECT
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.server.api import DemoApi
from leads_assets.demo.server.faults import parse_fault
from leads_assets.engine.http.budget import RequestBudget
from leads_assets.engine.http.client import ApiClient
from leads_assets.engine.instants import utc_now
from leads_assets.engine.records.state import SyncState
from leads_assets.refresh.observe import PROBE_LIMITS, ROUND_SECONDS, Lists, Observer
from leads_assets_tests.conftest import OpenApi

pytestmark = pytest.mark.socket

DAGSTER_SECONDS = 60
"""Dagster ends the evaluation of a sensor after this time."""


class Bench:
    """A demo account, and a monotonic clock that goes on by `pace` seconds whenever it is read."""

    def __init__(self, api: DemoApi, client: ApiClient) -> None:
        self.api, self.client = api, client
        self.pace = 0.0
        self._time = 0.0

    def clock(self) -> float:
        """The time in seconds."""
        self._time += self.pace
        return self._time

    def observer(self, before: Observer | None = None) -> Observer:
        """A new round, after the one `before`."""
        newest = max(int(row["id"]) for row in self.api.account.rows("webhook_events"))
        known = {"webhook_events": SyncState(highest_id=newest)} if before is None else {"webhook_events": SyncState()}
        return Observer(
            self.client, known, before.looks if before else {}, utc_now, endpoints=ENDPOINTS, clock=self.clock
        )


@pytest.fixture
def bench(tmp_path: Path, open_api: OpenApi) -> Iterator[Bench]:
    """An account of 250 leads."""
    api = open_api()
    with ExitStack() as stack:
        budget = RequestBudget(tmp_path / "requests", 0)
        stack.callback(budget.close)
        client = ApiClient(api.base_url, api.key, budget, DIALECT, limits=PROBE_LIMITS, sleep=lambda seconds: None)
        stack.callback(client.close)
        yield Bench(api, client)


def test_every_list_is_looked_at_in_one_of_three_ways() -> None:
    lists = Lists.of(ENDPOINTS.values())
    groups = [{endpoint.name for endpoint in group} for group in (lists.changing, lists.logs, lists.small)]
    assert groups[:2] == [{"leads"}, {"webhook_events"}]
    assert sorted(name for group in groups for name in group) == sorted(ENDPOINTS)


def test_a_round_ends_well_before_dagster_ends_it() -> None:
    assert ROUND_SECONDS + PROBE_LIMITS.deadline < DAGSTER_SECONDS / 1.5


def test_what_a_slow_round_did_not_reach_comes_first_in_the_next_one(bench: Bench) -> None:
    bench.pace = 4.0
    first = bench.observer()
    first.look(busy=())
    assert 2 < len(first.observations) < len(ENDPOINTS)
    bench.pace = 0.0
    second = bench.observer(first)
    second.look(busy=())
    assert set(first.observations) | set(second.observations) == set(ENDPOINTS)
    assert set(first.observations) & set(second.observations) == {"leads", "webhook_events"}


def test_an_event_that_comes_when_the_time_is_up_is_not_forgotten(bench: Bench) -> None:
    first = bench.observer()
    first.look(busy=())
    bench.api.account.update("steps", [int(next(iter(bench.api.account.rows("steps")))["id"])])
    bench.pace = 10.0
    second = bench.observer(first)
    second.look(busy=())
    assert "steps" not in second.observations
    assert second.looks["steps"].notified_at is not None


def test_an_event_is_not_forgotten_where_no_request_is_left_for_its_list(bench: Bench) -> None:
    first = bench.observer()
    first.look(busy=())
    bench.api.account.update("steps", [int(next(iter(bench.api.account.rows("steps")))["id"])])
    second = bench.observer(first)
    second.look(busy=(), spare=2)
    assert second.requests == 2
    assert second.looks["steps"].notified_at is not None


def test_a_list_that_cannot_be_seen_counts_as_unchanged_and_waits_for_its_next_turn(bench: Bench) -> None:
    first = bench.observer()
    first.look(busy=())
    bench.api.set_faults([parse_fault("status=500@leads")])
    second = bench.observer(first)
    second.look(busy=())
    assert second.looks["leads"].since == first.looks["leads"].since
    assert second.looks["leads"].at > first.looks["leads"].at
    assert "leads: HTTP 500" in second.report()


def test_what_is_being_read_is_not_looked_at(bench: Bench) -> None:
    observer = bench.observer()
    observer.look(busy=("leads", "users"))
    assert set(ENDPOINTS) - set(observer.observations) == {"leads", "users"}
    assert bench.api.count() == observer.requests == 12
