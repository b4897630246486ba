"""Lists that seem to end before they do, from a real server: none of them is proven short."""

from dataclasses import replace

import pytest

from leads_assets.account.dialect import DIALECT
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.server.api import DemoApi
from leads_assets.engine.errors import Unavailable
from leads_assets.engine.records.extract import Extract, Verdict
from leads_assets.engine.records.state import Held
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.harness.reading import ClientFactory, ids, is_proven, truth

pytestmark = pytest.mark.socket

BEYOND = "asked backwards the list begins with a row beyond them"


def _is_limit(extract: Extract) -> bool:
    return extract.verdict is Verdict.UNPROVEN and "rows may be a limit of the server" in extract.reason


@pytest.mark.parametrize("totals", [["no_total"], ["most_total=200"], ["page_total"]])
def test_a_server_that_serves_only_its_first_rows_is_found_out(
    open_api: OpenApi, reading: ClientFactory, totals: list[str]
) -> None:
    api = open_api("window=200", *totals)
    extract = reading.read(api)
    assert extract.verdict is Verdict.UNPROVEN
    assert BEYOND in extract.reason
    assert (ids(extract), extract.requests) == (truth(api)[:200], 7 if totals == ["no_total"] else extract.requests)


@pytest.mark.parametrize("totals", [["no_total"], ["page_total"], []])
def test_a_row_as_large_as_a_page_hides_nothing_behind_it(
    open_api: OpenApi, reading: ClientFactory, totals: list[str]
) -> None:
    api = open_api("page_bytes=64000", *totals)
    api.account.change("leads", truth(api)[120:121], description="x" * 70_000)
    extract = reading.read(api)
    assert extract.verdict is Verdict.UNPROVEN
    assert set(ids(extract)) == set(truth(api)) or "the server states 250 rows" in extract.reason


def test_pages_bounded_in_bytes_are_proven_where_every_row_fits(open_api: OpenApi, reading: ClientFactory) -> None:
    api = open_api("page_bytes=16000", "no_total")
    extract = reading.read(api)
    assert is_proven(extract)
    assert ids(extract) == truth(api)


@pytest.mark.parametrize("totals", [["no_total"], ["page_total"], []])
def test_more_hidden_rows_than_a_page_has_are_no_end(
    open_api: OpenApi, reading: ClientFactory, totals: list[str]
) -> None:
    extract = reading.read(open_api("hide=150:120", *totals, leads=400))
    assert extract.verdict is Verdict.UNPROVEN


@pytest.mark.parametrize("hidden", ["0:120", "280:120"])
def test_hidden_rows_at_an_end_are_noticed(open_api: OpenApi, reading: ClientFactory, hidden: str) -> None:
    extract = reading.read(open_api(f"hide={hidden}", "no_total", leads=400))
    assert extract.verdict is Verdict.UNPROVEN
    assert "empty" in extract.reason


@pytest.mark.parametrize("limit", [100, 500])
def test_a_total_that_counts_the_page_ends_no_list(open_api: OpenApi, reading: ClientFactory, limit: int) -> None:
    api = open_api("cap=50", "page_total")
    extract = reading.read(api, limit=limit)
    assert is_proven(extract)
    assert (ids(extract), extract.total) == (truth(api), None)


@pytest.mark.parametrize("total", ["no_total", "page_total"])
def test_a_list_that_cannot_be_asked_backwards_is_doubted_at_a_round_end(
    open_api: OpenApi, reading: ClientFactory, total: str
) -> None:
    api = open_api("ignore_direction", total)
    assert _is_limit(reading.read(api))
    api.account.insert("leads", 3)
    extract = reading.read(api)
    assert is_proven(extract)
    assert ids(extract) == truth(api)


def test_a_list_that_cannot_be_asked_backwards_is_proven_by_a_total_of_the_list(
    open_api: OpenApi, reading: ClientFactory
) -> None:
    api = open_api("ignore_direction")
    extract = reading.read(api)
    assert is_proven(extract)
    assert (ids(extract), extract.requests) == (truth(api), 4)


def test_a_server_that_refuses_to_be_asked_backwards_is_one_that_ignores_it(
    open_api: OpenApi, reading: ClientFactory
) -> None:
    api = open_api("status=400@leads+3x1")
    extract = reading.read(api)
    assert is_proven(extract)
    assert ids(extract) == truth(api)


def test_an_outage_while_a_list_is_asked_backwards_is_one_of_the_read(
    open_api: OpenApi, reading: ClientFactory
) -> None:
    with pytest.raises(Unavailable, match=r"^leads: HTTP 503"):
        reading.read(open_api("status=503@leads+3"))


def test_a_server_that_fails_when_a_list_without_an_order_is_asked_backwards_can_be_read(
    open_api: OpenApi, reading: ClientFactory
) -> None:
    api = open_api("status=500@prospecting_lists+2x3")
    extract = reading.read(api, "prospecting_lists")
    assert is_proven(extract)
    assert (ids(extract), extract.retries) == (truth(api, "prospecting_lists"), 2)


@pytest.mark.parametrize("endpoint", ["users", "leads"])
def test_a_list_that_had_rows_is_not_believed_to_be_empty_at_once_though_the_page_counts_none(
    open_api: OpenApi, reading: ClientFactory, endpoint: str
) -> None:
    api = open_api(f"empty_page@{endpoint}x1", f"page_total@{endpoint}")
    extract = reading.read(api, endpoint, held=Held(lowest=1, highest=2))
    assert is_proven(extract)
    assert ids(extract) == truth(api, endpoint)


# A cut list, and what shows that it is none.


def _cut(open_api: OpenApi, rows: int, cut: int) -> DemoApi:
    api = open_api(f"cut={cut}")
    api.account.insert("users", rows - 23)
    return api


@pytest.mark.parametrize("cut", [250, 300, 400, 1_500, 240, 128, 50, 64])
def test_a_list_cut_at_a_round_number_is_unproven(open_api: OpenApi, reading: ClientFactory, cut: int) -> None:
    extract = reading.read(_cut(open_api, cut + 31, cut), "users")
    assert _is_limit(extract)
    assert "a longer list" in extract.reason
    assert "the setting `whole_lists`" in extract.reason


def test_a_list_that_was_longer_lately_is_no_cut_one_if_it_ends_with_the_same_row(
    open_api: OpenApi, reading: ClientFactory
) -> None:
    api = _cut(open_api, 60, 1_000)
    last = truth(api, "users")[-1]
    for highest, is_whole in [(last, True), (last + 1, False), (last - 1, False)]:
        held = Held(longest=61, longest_response=61, lowest=0, highest=highest)
        assert is_proven(reading.read(api, "users", held=held)) is is_whole
    assert _is_limit(reading.read(api, "users", held=Held(longest=61, longest_response=60, lowest=0, highest=last)))


def test_the_user_can_vouch_for_a_list(open_api: OpenApi, reading: ClientFactory) -> None:
    api = _cut(open_api, 60, 1_000)
    assert is_proven(reading.read(api, "users", whole_lists=["users"]))
    assert _is_limit(reading.read(api, "users", whole_lists=["teams"]))


@pytest.mark.parametrize(("leads", "proven"), [(253, True), (300, False)])
def test_an_api_without_words_for_an_order_is_never_asked_for_one(
    open_api: OpenApi, reading: ClientFactory, leads: int, proven: bool
) -> None:
    api = open_api("no_total", leads=leads)
    client = reading.client(api.base_url, dialect=replace(DIALECT, ordering=None))
    extract = reading.read(client, replace(ENDPOINTS["leads"], params={"include_unassigned": "true"}))
    assert ids(extract) == truth(api)
    assert (is_proven(extract), _is_limit(extract)) == (proven, not proven)
    assert all({"order", "direction"}.isdisjoint(query) for _, query in api.requests)
