"""The server as clients see it when nothing is wrong."""

import gzip
import http.client
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from time import monotonic
from urllib.parse import urlsplit

import pytest
import requests

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import PAGED, DemoApi
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.demo.calls import ALL_LEADS, TIMEOUT_SECONDS, get, ids, rows, walk

pytestmark = pytest.mark.process

UNPAGED = sorted(set(ENDPOINTS) - PAGED)


@pytest.mark.parametrize("bare", [(), tuple(ENDPOINTS)], ids=["envelope", "bare"])
def test_every_endpoint_gives_the_truth_in_either_form(open_api: OpenApi, bare: tuple[str, ...]) -> None:
    api = open_api(bare=bare)
    for name in ENDPOINTS:
        assert isinstance(get(api, name).json(), list if bare else dict)
        found = walk(api, name, **ALL_LEADS) if name in PAGED else rows(get(api, name))
        assert found == list(api.account.rows(name))


def test_only_paged_lists_state_their_total(api: DemoApi) -> None:
    assert {name for name in ENDPOINTS if "X-TOTAL-COUNT" in get(api, name).headers} == PAGED
    assert get(api, "leads", include_unassigned="true").headers["X-TOTAL-COUNT"] == "250"
    assert int(get(api, "leads").headers["X-TOTAL-COUNT"]) < 250


def test_totals_can_be_stated_everywhere_or_nowhere(open_api: OpenApi) -> None:
    assert get(open_api(totals=UNPAGED), "users").headers["X-TOTAL-COUNT"] == "23"
    assert "X-TOTAL-COUNT" not in get(open_api(totals=()), "leads").headers


@pytest.mark.parametrize("endpoint", UNPAGED)
def test_unpaged_lists_ignore_limit_and_offset(api: DemoApi, endpoint: str) -> None:
    assert len(ids(get(api, endpoint, limit=2, offset=1))) == api.account.total(endpoint)


def test_any_list_can_be_made_to_page(open_api: OpenApi) -> None:
    api = open_api(paged=ENDPOINTS)
    truth = [row["id"] for row in api.account.rows("users")]
    assert ids(get(api, "users", limit=5, offset=3)) == truth[3:8]


@pytest.mark.parametrize(
    ("limit", "expected"), [(1, 1), (99, 99), (100, 100), (101, 100), (500, 100), (None, 100), (0, 1)]
)
def test_the_limit_is_clamped(api: DemoApi, limit: int | None, expected: int) -> None:
    query = {} if limit is None else {"limit": limit}
    assert len(ids(get(api, "leads", **query))) == expected


def test_a_server_with_a_higher_limit_gives_longer_pages(open_api: OpenApi) -> None:
    assert len(ids(get(open_api(max_limit=500), "leads", limit=200))) == 200


def test_a_page_beyond_the_end_is_empty(api: DemoApi) -> None:
    assert rows(get(api, "leads", offset=10_000)) == []


def test_leads_come_newest_first_unless_asked_otherwise(api: DemoApi) -> None:
    newest_first = ids(get(api, "leads"))
    assert newest_first == sorted(newest_first, reverse=True)
    ascending = ids(get(api, "leads", order="id", direction="asc"))
    assert ascending == sorted(ascending)


def test_the_newest_change_is_one_request_away(api: DemoApi) -> None:
    lead = next(row["id"] for row in api.account.rows("leads") if row["user_id"])
    api.account.update("leads", [lead])
    assert ids(get(api, "leads", limit=1, order="last_update", direction="desc")) == [lead]


def test_updated_after_gives_changed_leads_only(api: DemoApi) -> None:
    changed = [row["id"] for row in api.account.rows("leads")][5:9]
    api.account.update("leads", changed)
    response = get(api, "leads", updated_after="2025-07-02T00:00:00Z", **ALL_LEADS)
    assert ids(response) == changed
    assert response.headers["X-TOTAL-COUNT"] == "4"


@pytest.mark.parametrize(
    "query", [{"updated_after": "yesterday"}, {"limit": "all"}, {"offset": "x"}, {"user_id": "me"}]
)
def test_a_value_that_cannot_be_read_is_answered_with_400(api: DemoApi, query: dict[str, str]) -> None:
    response = get(api, "leads", **query)
    assert (response.status_code, response.json()["type"]) == (400, "invalid_parameter")


def test_unknown_parameters_are_ignored(api: DemoApi) -> None:
    assert get(api, "leads", sort="name", page=7).content == get(api, "leads").content


def test_follow_ups_by_user_add_up_to_all_of_them(api: DemoApi) -> None:
    users = [row["id"] for row in api.account.rows("users")]
    found = [row_id for user in users for row_id in ids(get(api, "follow_ups", user_id=user))]
    assert sorted(found) == [row["id"] for row in api.account.rows("follow_ups")]


def test_follow_ups_can_be_asked_for_by_lead(api: DemoApi) -> None:
    wanted = next(api.account.rows("follow_ups"))
    found = rows(get(api, "follow_ups", lead_id=wanted["lead_id"]))
    assert wanted in found
    assert {row["lead_id"] for row in found} == {wanted["lead_id"]}


@pytest.mark.parametrize("path", ["/ping", "/leads", "/nowhere", "/users"])
def test_a_wrong_key_is_answered_with_401_and_an_error_body(api: DemoApi, path: str) -> None:
    for headers in ({"X-API-KEY": "wrong"}, {}):
        response = requests.get(api.base_url + path, headers=headers, timeout=TIMEOUT_SECONDS)
        assert response.status_code == 401
        assert response.json().keys() == {"error", "message", "type"}
        assert response.json()["type"] == "unauthorized_invalid_token"


def test_ping_answers_pong(api: DemoApi) -> None:
    assert get(api, "ping").json() == {"status": 200, "message": "pong"}


def test_an_unknown_path_is_answered_with_404_and_a_post_with_405(api: DemoApi) -> None:
    assert get(api, "nowhere").json()["error"] == 404
    response = requests.post(api.base_url + "/leads", headers={"X-API-KEY": api.key}, timeout=TIMEOUT_SECONDS)
    assert response.status_code == 405


def test_one_connection_carries_many_requests(api: DemoApi) -> None:
    connection = http.client.HTTPConnection(urlsplit(api.base_url).netloc, timeout=TIMEOUT_SECONDS)
    own_port = None
    for _ in range(3):
        connection.request("GET", "/v2/users", headers={"X-API-KEY": api.key})
        assert connection.getresponse().read()
        port = connection.sock.getsockname()[1]
        assert own_port in (None, port)
        own_port = port
    connection.close()


def test_requests_are_counted_with_their_query_and_without_the_key(api: DemoApi) -> None:
    get(api, "leads", limit=1)
    requests.get(f"{api.base_url}/users", headers={"X-API-KEY": "wrong"}, timeout=TIMEOUT_SECONDS)
    get(api, "ping")
    get(api, "nowhere")
    assert api.requests == [("leads", {"limit": "1"}), ("users", {}), ("ping", {}), ("unknown", {})]
    assert (api.count(), api.count("leads"), api.count("teams")) == (4, 1, 0)
    api.reset()
    assert api.count() == 0


@pytest.mark.parametrize(("enabled", "encoding"), [(True, "gzip"), (False, None)])
def test_bodies_are_compressed_only_where_that_is_switched_on(
    open_api: OpenApi, enabled: bool, encoding: str | None
) -> None:
    api = open_api(gzip=enabled)
    request = urllib.request.Request(f"{api.base_url}/leads", headers={"X-API-KEY": api.key, "Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        assert response.headers["Content-Encoding"] == encoding
        body = response.read()
    assert (gzip.decompress(body) if enabled else body).startswith(b'{"data":')


def test_it_listens_on_loopback_only_and_stops_at_once(open_api: OpenApi) -> None:
    api = open_api()
    address = urlsplit(api.base_url)
    assert address.hostname == "127.0.0.1"
    held = http.client.HTTPConnection(address.netloc, timeout=TIMEOUT_SECONDS)
    held.request("GET", "/v2/ping")
    held.getresponse().read()
    begun = monotonic()
    api.stop()
    assert monotonic() - begun < 2
    assert held.sock.recv(1) == b""
    held.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", address.port or 0))
    with pytest.raises(RuntimeError, match="not running"):
        _ = api.base_url


def test_what_is_not_http_is_answered_with_400(api: DemoApi) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(api.base_url).port or 0), TIMEOUT_SECONDS) as raw:
        raw.sendall(b"hello\r\n\r\n")
        assert raw.makefile("rb").readline() == b"HTTP/1.1 400 Bad Request\r\n"


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_serve_runs_until_a_signal_and_exits_cleanly(sent: signal.Signals) -> None:
    program = (
        "from leads_assets.demo.server.api import serve\n"
        "serve(0, 30, 1, faults=(), key='k', on_ready=lambda url: print(url, flush=True))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        response = requests.get(f"{url}/users", headers={"X-API-KEY": "k"}, timeout=TIMEOUT_SECONDS)
        assert len(rows(response)) == 23
        process.send_signal(sent)
        assert process.wait(TIMEOUT_SECONDS) == 0


@pytest.mark.long
def test_a_hundred_thousand_leads_are_served_in_a_thousand_pages(
    record_property: Callable[[str, object], None],
) -> None:
    account = Account(leads=100_000)
    with DemoApi(account) as api:
        connection = http.client.HTTPConnection(urlsplit(api.base_url).netloc, timeout=TIMEOUT_SECONDS)
        begun, length = monotonic(), 0
        for offset in range(0, 100_000, 100):
            path = f"/v2/leads?limit=100&offset={offset}&order=id&direction=asc&include_unassigned=true"
            connection.request("GET", path, headers={"X-API-KEY": api.key})
            response = connection.getresponse()
            assert response.headers["X-TOTAL-COUNT"] == "100000"
            body = response.read()
            length += len(body)
            assert body.count(b'"html_description":') == 100
        connection.close()
        assert api.count("leads") == 1_000
    record_property("milliseconds_per_page", monotonic() - begun)
    assert length > 80_000_000
