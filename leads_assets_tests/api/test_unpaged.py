"""Lists that are read with one plain request, and those that turn out to be cut."""

from typing import Any

import pytest

from leads_assets.endpoints import ENDPOINTS
from leads_assets.extract import Verdict
from leads_assets_tests.conftest import OpenApi

from .reading import Reading, ids, is_proven, truth

UNPAGED = [name for name, endpoint in ENDPOINTS.items() if not endpoint.paged]


def _with_250_rows(open_api: OpenApi, *faults: str, **options: Any) -> Any:
    api = open_api(*faults, **options)
    for name in UNPAGED:
        api.account.insert(name, 250 - api.account.total(name))
    return api


def test_all_twelve_unpaged_lists_that_a_server_caps_are_read_to_their_ends(
    open_api: OpenApi, reading: Reading
) -> None:
    api = _with_250_rows(open_api, "cap=100")
    assert len(UNPAGED) == 12
    for name in UNPAGED:
        extract = reading.read(api, name)
        assert is_proven(extract), (name, extract.reason)
        assert ids(extract) == truth(api, name), name


@pytest.mark.parametrize("cap", [20, 50, 100, 220])
def test_an_unpaged_list_that_is_cut_for_good_is_unproven(open_api: OpenApi, reading: Reading, cap: int) -> None:
    extract = reading.read(_with_250_rows(open_api, f"cap_hard={cap}", max_limit=1_000), "users")
    assert extract.verdict is Verdict.UNPROVEN
    assert extract.reason == f"{cap} rows may be a limit of the server, which ignores `offset`"
    assert extract.spooled.count == cap


def test_an_unpaged_list_cut_below_its_total_is_unproven(open_api: OpenApi, reading: Reading) -> None:
    extract = reading.read(_with_250_rows(open_api, "cap_hard=100", totals=("users",)), "users")
    assert extract.reason == ("the server ignores `offset`; the server states 250 rows, 100 different ids were read")


@pytest.mark.parametrize(("size", "requests"), [(23, 1), (99, 1), (40, 2), (130, 2), (220, 2)])
def test_an_unpaged_list_is_whole_where_the_server_ignores_limit_too(
    open_api: OpenApi, reading: Reading, size: int, requests: int
) -> None:
    api = open_api()
    api.account.insert("users", size - 23)
    extract = reading.read(api, "users")
    assert is_proven(extract)
    assert (ids(extract), extract.requests) == (truth(api, "users"), requests)


def test_an_unpaged_list_of_exactly_a_likely_limit_is_unproven_without_a_total(
    open_api: OpenApi, reading: Reading
) -> None:
    for totals, verdict in [((), Verdict.UNPROVEN), (("users",), Verdict.PROVEN)]:
        api = open_api(totals=totals)
        api.account.insert("users", 77)
        assert reading.read(api, "users").verdict is verdict


def test_an_unpaged_list_whose_probe_fails_is_kept_and_unproven(open_api: OpenApi, reading: Reading) -> None:
    api = open_api("status=400@clients_folders+1")
    extract = reading.read(api, "clients_folders")
    assert extract.verdict is Verdict.UNPROVEN
    assert "may be truncated, and asking for more failed (clients_folders: HTTP 400" in extract.reason
    assert ids(extract) == truth(api, "clients_folders")
