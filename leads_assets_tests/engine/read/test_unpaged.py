"""Lists that are read with one plain request, and those that turn out to be cut."""

from typing import Any

import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.server.api import DemoApi
from leads_assets.engine.records.extract import Verdict
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.harness.reading import ClientFactory, ids, is_proven, truth

pytestmark = pytest.mark.socket

UNPAGED = [name for name, endpoint in ENDPOINTS.items() if not endpoint.paged]


def _with_251_rows(open_api: OpenApi, *faults: str, **options: Any) -> Any:
    api = open_api(*faults, **options)
    for name in UNPAGED:
        api.account.insert(name, 251 - api.account.total(name))
    api.account.pad("webhook_events")
    return api


def _resize(api: DemoApi, size: int) -> None:
    users = truth(api, "users")
    api.account.delete("users", users[size:])
    api.account.insert("users", size - len(users))


def test_all_twelve_unpaged_lists_that_a_server_caps_are_read_to_their_ends(
    open_api: OpenApi, reading: ClientFactory
) -> None:
    api = _with_251_rows(open_api, "cap=100")
    assert len(UNPAGED) == 12
    for name in UNPAGED:
        extract = reading.read(api, name)
        assert is_proven(extract), (name, extract.reason)
        assert ids(extract) == truth(api, name), name


@pytest.mark.parametrize("cap", [20, 50, 100, 220])
def test_an_unpaged_list_that_is_cut_for_good_is_unproven(open_api: OpenApi, reading: ClientFactory, cap: int) -> None:
    extract = reading.read(_with_251_rows(open_api, f"cap_hard={cap}", max_limit=1_000), "users")
    assert extract.verdict is Verdict.UNPROVEN
    assert extract.reason.startswith(f"{cap} rows may be a limit of the server")
    assert extract.spooled.count == cap


def test_an_unpaged_list_cut_below_its_total_is_unproven(open_api: OpenApi, reading: ClientFactory) -> None:
    extract = reading.read(_with_251_rows(open_api, "cap_hard=100", totals=("users",)), "users")
    assert extract.reason == ("the server ignores the offset; the server states 251 rows, 100 different ids were read")


@pytest.mark.parametrize(("size", "requests"), [(23, 1), (99, 1), (10, 2), (131, 2), (219, 2)])
def test_an_unpaged_list_is_whole_where_the_server_ignores_limit_too(
    open_api: OpenApi, reading: ClientFactory, size: int, requests: int
) -> None:
    api = open_api()
    _resize(api, size)
    extract = reading.read(api, "users")
    assert is_proven(extract)
    assert (ids(extract), extract.requests) == (truth(api, "users"), requests)


@pytest.mark.parametrize("size", [20, 30, 50, 64, 75, 100, 128, 240, 250, 1_500])
@pytest.mark.parametrize("totals", [(), ("users",)])
def test_an_unpaged_list_of_a_round_size_is_unproven_whether_the_size_is_stated_or_not(
    open_api: OpenApi, reading: ClientFactory, size: int, totals: tuple[str, ...]
) -> None:
    """A server that sends all, and one that cuts and counts what it sends, answer alike."""
    api = open_api(totals=totals)
    _resize(api, size)
    extract = reading.read(api, "users")
    assert extract.verdict is Verdict.UNPROVEN
    assert extract.reason.startswith(f"{size:,} rows may be a limit of the server")
    assert (ids(extract), extract.requests) == (truth(api, "users"), 2)


@pytest.mark.parametrize("totals", [(), ("users",)])
def test_an_unpaged_list_of_a_round_size_is_proven_where_the_server_can_be_asked_for_more(
    open_api: OpenApi, reading: ClientFactory, totals: tuple[str, ...]
) -> None:
    api = open_api(totals=totals, paged=("users",))
    _resize(api, 60)
    extract = reading.read(api, "users")
    assert (is_proven(extract), ids(extract)) == (True, truth(api, "users"))


def test_an_unpaged_list_whose_probe_fails_is_kept_and_unproven(open_api: OpenApi, reading: ClientFactory) -> None:
    api = open_api("status=400@clients_folders+1")
    api.account.insert("clients_folders", 9)
    extract = reading.read(api, "clients_folders")
    assert extract.verdict is Verdict.UNPROVEN
    assert "may be truncated, and asking for more failed (clients_folders: HTTP 400" in extract.reason
    assert ids(extract) == truth(api, "clients_folders")
