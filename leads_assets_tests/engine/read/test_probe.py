"""Probes against the demo API: one request each, strict about answers, silent about records."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from leads_assets.account.dialect import DIALECT
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.server.api import DemoApi
from leads_assets.demo.server.faults import parse_fault
from leads_assets.engine.declare import Endpoint, EventLog, Role
from leads_assets.engine.errors import AuthenticationFailed, PermissionDenied, Unavailable
from leads_assets.engine.http.budget import RequestBudget
from leads_assets.engine.http.client import ApiClient, Limits, RequestStats
from leads_assets.engine.read import probe
from leads_assets_tests.conftest import OpenApi

pytestmark = pytest.mark.socket

LEADS, EVENTS, TEAMS, LISTS = (ENDPOINTS[name] for name in ("leads", "webhook_events", "teams", "prospecting_lists"))
Probe = Callable[[ApiClient, Endpoint, RequestStats], object]
PROBES: list[tuple[Probe, Endpoint]] = [
    (probe.newest_change, LEADS),
    (probe.events, EVENTS),
    (probe.fingerprint, TEAMS),
    (probe.fingerprint, LISTS),
]


class Bench:
    """A demo account and a client of it."""

    def __init__(self, api: DemoApi, client: ApiClient) -> None:
        self.api, self.client = api, client
        self.stats = RequestStats()


@pytest.fixture
def bench(tmp_path: Path, open_api: OpenApi) -> Iterator[Bench]:
    """An account of 250 leads."""
    api = open_api()
    with ExitStack() as stack:
        budget = RequestBudget(tmp_path / "requests", 0)
        stack.callback(budget.close)
        client = ApiClient(
            api.base_url, api.key, budget, DIALECT, limits=Limits(attempts=2, deadline=5), sleep=lambda seconds: None
        )
        stack.callback(client.close)
        yield Bench(api, client)


def test_the_newest_change_is_that_of_the_row_that_changed_last_with_the_total(bench: Bench) -> None:
    row_id = min(int(row["id"]) for row in bench.api.account.rows("leads"))
    bench.api.account.update("leads", [row_id])
    found = probe.newest_change(bench.client, LEADS, bench.stats)
    row = bench.api.account.row("leads", row_id)
    assert found == probe.NewestChange(row_id, datetime.fromisoformat(row["updated_at"]), 250)


def test_the_newest_change_counts_leads_without_an_owner(bench: Bench) -> None:
    probe.newest_change(bench.client, LEADS, bench.stats)
    (_, query), *_ = bench.api.requests
    assert query == {"limit": "1", "order": "last_update", "direction": "desc", "include_unassigned": "true"}


def test_an_empty_list_has_no_newest_change(bench: Bench) -> None:
    ids = [int(row["id"]) for row in bench.api.account.rows("leads")]
    bench.api.account.delete("leads", ids)
    assert probe.newest_change(bench.client, LEADS, bench.stats) == probe.NewestChange(None, None, 0)


@pytest.mark.parametrize("fault", ["no_total@leads", "body_total@leads", "text_total@leads", "bare@leads"])
def test_the_newest_change_is_found_in_every_form_of_answer(bench: Bench, fault: str) -> None:
    expected = probe.newest_change(bench.client, LEADS, bench.stats)
    bench.api.set_faults([parse_fault(fault)])
    found = probe.newest_change(bench.client, LEADS, bench.stats)
    assert (found.id, found.at) == (expected.id, expected.at)
    assert found.total == (None if fault.startswith("no_total") else 250)


def test_events_come_oldest_first_with_the_newest_one_last(bench: Bench) -> None:
    steps = [int(row["id"]) for row in bench.api.account.rows("steps")]
    bench.api.account.update("steps", steps[:1])
    found = probe.events(bench.client, EVENTS, bench.stats)
    ids = [event.id for event in found.events]
    assert ids == [row["id"] for row in bench.api.account.rows("webhook_events")]
    assert found.events[-1].name == "account.step.updated"
    assert (len(ids), found.whole, found.plainly) == (20, True, False)


LOG_OF_LEADS = replace(LEADS, role=Role.LOG, event_log=EventLog(name_key="status", announces={}))


def _newest_leads(bench: Bench) -> list[int]:
    return sorted(int(row["id"]) for row in bench.api.account.rows("leads"))[-100:]


def test_a_long_log_is_asked_for_its_newest_page_with_one_request(bench: Bench) -> None:
    found = probe.events(bench.client, LOG_OF_LEADS, bench.stats)
    assert [event.id for event in found.events] == _newest_leads(bench)
    assert (found.whole, found.is_newest, bench.stats.requests) == (False, True, 1)
    assert 0 < bench.stats.body_bytes < 1 << 20


@pytest.mark.parametrize("fault", ["ignore_direction@leads", "status=400@leadsx1"])
def test_a_log_that_does_not_heed_that_wish_is_asked_at_its_total_and_that_is_remembered(
    bench: Bench, fault: str
) -> None:
    bench.api.set_faults([parse_fault(fault)])
    plain = replace(LOG_OF_LEADS, params={**LEADS.params, "direction": "asc"})
    found = probe.events(bench.client, plain, bench.stats)
    assert [event.id for event in found.events] == _newest_leads(bench)
    assert (found.plainly, found.is_newest, bench.stats.requests) == (True, True, 3)
    probe.events(bench.client, plain, bench.stats, plainly=True)
    assert bench.stats.requests == 5


def test_a_log_that_shows_no_total_and_only_its_oldest_page_says_so(bench: Bench) -> None:
    bench.api.set_faults([parse_fault("ignore_direction@leads"), parse_fault("no_total@leads")])
    found = probe.events(bench.client, replace(LOG_OF_LEADS, params={"direction": "asc"}), bench.stats)
    assert (found.whole, found.is_newest) == (False, False)


def test_behind_leads_that_have_changed_in_the_future_the_newest_true_change_is_seen(bench: Bench) -> None:
    account = bench.api.account
    expected = probe.newest_change(bench.client, LEADS, bench.stats)
    early = [int(row["id"]) for row in account.rows("leads") if row["id"] != expected.id][:2]
    account.change("leads", early, at=datetime(2099, 1, 1, tzinfo=UTC))
    hidden = probe.newest_change(bench.client, LEADS, bench.stats)
    assert (hidden.id, hidden.at, len(hidden.ahead)) == (None, None, 1)
    found = probe.newest_change(bench.client, LEADS, bench.stats, ahead=2)
    assert (found.id, found.at) == (expected.id, expected.at)
    assert found.ahead == tuple((row, datetime(2099, 1, 1, tzinfo=UTC)) for row in reversed(early))
    assert bench.stats.requests == 3


@pytest.mark.parametrize("operation", ["insert", "update", "delete"])
@pytest.mark.parametrize("endpoint", ["teams", "prospecting_lists", "clients_folders"])
def test_a_fingerprint_changes_when_a_row_does(bench: Bench, endpoint: str, operation: str) -> None:
    before = probe.fingerprint(bench.client, ENDPOINTS[endpoint], bench.stats)
    assert probe.fingerprint(bench.client, ENDPOINTS[endpoint], bench.stats) == before
    account, ids = bench.api.account, [int(row["id"]) for row in bench.api.account.rows(endpoint)][:1]
    if operation == "insert":
        account.insert(endpoint)
    else:
        (account.update if operation == "update" else account.delete)(endpoint, ids)
    assert probe.fingerprint(bench.client, ENDPOINTS[endpoint], bench.stats) != before


def test_a_fingerprint_does_not_depend_on_the_order_of_the_records(bench: Bench) -> None:
    before = probe.fingerprint(bench.client, TEAMS, bench.stats)
    bench.api.set_faults([parse_fault("shuffle@teams")])
    assert probe.fingerprint(bench.client, TEAMS, bench.stats) == before


def test_a_fingerprint_is_a_hash_and_holds_nothing_of_the_records(bench: Bench) -> None:
    found = probe.fingerprint(bench.client, TEAMS, bench.stats)
    assert len(found) == 32
    assert int(found, 16) >= 0


@pytest.mark.parametrize(("ask", "endpoint"), PROBES)
def test_each_probe_is_one_request(bench: Bench, ask: Probe, endpoint: Endpoint) -> None:
    ask(bench.client, endpoint, bench.stats)
    assert bench.api.count() == bench.stats.requests == 1


@pytest.mark.parametrize(("ask", "endpoint"), PROBES)
@pytest.mark.parametrize("fault", ["html", "empty_body", "data_null", "error_200", "cut_json", "status=503"])
def test_an_answer_that_is_no_list_is_an_error_and_never_no_rows(
    bench: Bench, ask: Probe, endpoint: Endpoint, fault: str
) -> None:
    bench.api.set_faults([parse_fault(fault)])
    with pytest.raises(Unavailable, match=endpoint.name):
        ask(bench.client, endpoint, bench.stats)
    assert bench.api.count() == 2


@pytest.mark.parametrize(("ask", "endpoint"), PROBES)
@pytest.mark.parametrize(("status", "error"), [(401, AuthenticationFailed), (403, PermissionDenied)])
def test_a_refusal_is_not_asked_for_twice(
    bench: Bench, ask: Probe, endpoint: Endpoint, status: int, error: type[Exception]
) -> None:
    bench.api.set_faults([parse_fault(f"status={status}")])
    with pytest.raises(error):
        ask(bench.client, endpoint, bench.stats)
    assert bench.api.count() == 1


@pytest.mark.parametrize("fault", ["record_without_id@webhook_events", "text_id@webhook_events"])
def test_events_without_a_usable_id_are_left_out(bench: Bench, fault: str) -> None:
    bench.api.set_faults([parse_fault(fault)])
    found = probe.events(bench.client, EVENTS, bench.stats)
    assert len(found.events) == (18 if fault.startswith("record") else 0)
