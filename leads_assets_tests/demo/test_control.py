"""Control requests, through the client that other processes use."""

from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest
import requests

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets.demo.server.client import DemoControl
from leads_assets.demo.server.faults import Fault
from leads_assets_tests.demo.calls import TIMEOUT_SECONDS, get

pytestmark = pytest.mark.socket


@pytest.fixture
def control(api: DemoApi) -> DemoControl:
    return DemoControl(api.base_url, api.key)


def _post(api: DemoApi, name: str, body: bytes) -> requests.Response:
    origin = f"http://{urlsplit(api.base_url).netloc}"
    return requests.post(
        f"{origin}/_control/{name}", data=body, headers={"X-API-KEY": api.key}, timeout=TIMEOUT_SECONDS
    )


def test_faults_are_switched_on_and_off(api: DemoApi, control: DemoControl) -> None:
    fault = Fault("status", "users", 503, times=3)
    control.faults([fault])
    assert get(api, "users").status_code == 503
    assert control.state()["faults"] == [fault.to_json()]
    control.faults([])
    assert get(api, "users").status_code == 200


def test_faults_may_be_sent_as_text(api: DemoApi) -> None:
    assert _post(api, "faults", b'["status=500@users"]').ok
    assert get(api, "users").status_code == 500


def test_rows_are_changed_from_outside(api: DemoApi, control: DemoControl) -> None:
    new = control.mutate("users", "insert", count=2)
    assert len(new) == 2
    assert control.mutate("users", "update", ids=[new[0], 1]) == [new[0]]
    assert control.mutate("users", "delete", ids=new) == new
    assert control.mutate("users", "restore", ids=new[:1]) == new[:1]
    assert api.account.total("users") == 24


def test_the_state_shows_totals_and_counts_without_control_requests(api: DemoApi, control: DemoControl) -> None:
    get(api, "leads")
    get(api, "ping")
    state = control.state()
    assert state["totals"] == {name: api.account.total(name) for name in ENDPOINTS}
    assert state["requests"] == {"leads": 1, "ping": 1}
    control.reset()
    assert control.state()["requests"] == {}


@pytest.mark.parametrize("endpoint", ["leads", "webhook_events"])
def test_the_truth_is_streamed_row_by_row(api: DemoApi, control: DemoControl, endpoint: str) -> None:
    assert list(control.rows(endpoint)) == list(api.account.rows(endpoint))


def test_days_pass_on_request_and_the_state_says_what_time_it_is() -> None:
    now = datetime(2026, 3, 31, 9, tzinfo=UTC)
    with DemoApi(Account(leads=90, now=now, days=-14)) as api:
        control = DemoControl(api.base_url, api.key)
        assert control.state()["now"] == (now - timedelta(days=14)).isoformat()
        before = list(control.rows("leads"))
        assert control.advance(14) == now == api.account.now
        assert list(control.rows("leads")) == list(Account(leads=90, now=now).rows("leads")) != before


def test_the_truth_about_the_leads_is_streamed_version_by_version(api: DemoApi, control: DemoControl) -> None:
    (changed,) = control.mutate("leads", "update", ids=[next(control.rows("leads"))["id"]])
    control.mutate("leads", "delete", ids=[changed])
    told = list(control.history())
    account = api.account
    assert told == [
        {"id": lead, "since": version.since.isoformat(), "event": version.event, "row": version.row}
        for lead in account.leads_ever()
        for version in account.history(lead)
    ]
    assert [version["row"] is None for version in told if version["id"] == changed][-2:] == [False, True]


def test_the_truth_of_an_empty_list_is_empty(api: DemoApi, control: DemoControl) -> None:
    api.account.delete("teams", [row["id"] for row in api.account.rows("teams")])
    assert list(control.rows("teams")) == []


def test_control_wants_the_key(api: DemoApi) -> None:
    with pytest.raises(HTTPError, match="401"):
        DemoControl(api.base_url, "wrong").state()


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("faults", b"{}", 400),
        ("faults", b"not json", 400),
        ("faults", b'[{"kind": "explode"}]', 400),
        ("mutate", b"[]", 400),
        ("mutate", b'{"endpoint": "nowhere", "op": "insert"}', 400),
        ("mutate", b'{"endpoint": "users", "op": "eat"}', 400),
        ("mutate", b'{"endpoint": "users", "op": "insert", "count": -1}', 400),
        ("mutate", b'{"endpoint": "users", "op": "delete"}', 400),
        ("advance", b"[]", 400),
        ("advance", b"{}", 400),
        ("advance", b'{"days": "7"}', 400),
        ("advance", b'{"days": true}', 400),
        ("advance", b'{"days": -1}', 400),
        ("advance", b'{"days": 100000}', 400),
        ("advance", b'{"days": NaN}', 400),
        ("advance", b'{"days": Infinity}', 400),
        ("state", b"{}", 404),
        ("rows/users", b"{}", 404),
    ],
)
def test_a_control_request_that_makes_no_sense_is_refused(api: DemoApi, name: str, body: bytes, status: int) -> None:
    assert _post(api, name, body).status_code == status
    assert get(api, "users").status_code == 200


def test_the_rows_of_an_unknown_list_are_not_found(control: DemoControl) -> None:
    with pytest.raises(HTTPError, match="404"):
        list(control.rows("nowhere"))
