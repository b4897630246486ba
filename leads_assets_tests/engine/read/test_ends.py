"""Where a list ends: offsets, totals, sizes, repeated rows, and what it costs to know."""

import json

import pytest

from leads_assets.engine.errors import Inconsistent
from leads_assets.engine.records.extract import Verdict
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.harness.histories import Server, walk
from leads_assets_tests.harness.reading import ClientFactory, ids, is_proven, truth

pytestmark = pytest.mark.socket


@pytest.mark.parametrize("faults", [["ignore_offset"], ["ignore_offset", "no_total"]])
def test_a_paged_list_whose_server_ignores_offset_is_an_error(
    open_api: OpenApi, reading: ClientFactory, faults: list[str]
) -> None:
    with pytest.raises(Inconsistent, match=r"^leads: the server ignores the offset"):
        reading.read(open_api(*faults))


@pytest.mark.parametrize("fault", ["body_total", "text_total"])
def test_a_total_in_the_body_is_as_good_as_one_in_the_header(
    open_api: OpenApi, reading: ClientFactory, fault: str
) -> None:
    extract = reading.read(open_api(fault))
    assert is_proven(extract)
    assert (extract.total, extract.requests) == (250, 4)


@pytest.mark.parametrize("wrong", [-200, -3, -1, 1, 3, 200])
def test_a_total_that_is_wrong_by_some_leaves_the_rows_but_no_proof(
    open_api: OpenApi, reading: ClientFactory, wrong: int
) -> None:
    api = open_api(f"wrong_total={wrong}@leads")
    extract = reading.read(api, threads=1)
    assert extract.verdict is Verdict.UNPROVEN
    assert f"{250 + wrong:,}" in extract.reason
    assert ids(extract) == truth(api)


@pytest.mark.parametrize("faults", [[], ["no_total"]])
@pytest.mark.parametrize("leads", [0, 1, 2, 99, 100, 101, 199, 200, 201, 298, 299, 300])
def test_a_calm_list_of_any_sizeis_proven(
    open_api: OpenApi, reading: ClientFactory, leads: int, faults: list[str]
) -> None:
    api = open_api(*faults, leads=leads)
    extract = reading.read(api)
    assert is_proven(extract)
    assert (ids(extract), extract.duplicates) == (truth(api), 0)


@pytest.mark.parametrize("endpoint", ["leads", "prospecting_lists"])
def test_a_row_that_each_page_repeats_is_counted_and_loses_nothing(
    open_api: OpenApi, reading: ClientFactory, endpoint: str
) -> None:
    api = open_api(f"duplicate_row@{endpoint}")
    extract = reading.read(api, endpoint)
    assert is_proven(extract)
    assert ids(extract) == truth(api, endpoint)
    assert extract.duplicates > 0


@pytest.mark.parametrize("endpoint", ["leads", "prospecting_lists"])
def test_a_list_in_no_order_is_read_whole_but_unproven(
    open_api: OpenApi, reading: ClientFactory, endpoint: str
) -> None:
    api = open_api("shuffle")
    extract = reading.read(api, endpoint)
    assert "not in order of id" in extract.reason
    assert ids(extract) == truth(api, endpoint)


def test_one_responseis_proven_in_whatever_order(open_api: OpenApi, reading: ClientFactory) -> None:
    assert is_proven(reading.read(open_api("shuffle@users"), "users"))


@pytest.mark.parametrize("fault", ["record_without_id", "text_id"])
def test_records_without_a_usable_id_are_rejected_one_by_one_and_named(
    open_api: OpenApi, reading: ClientFactory, fault: str
) -> None:
    extract = reading.read(open_api(f"{fault}@leads"))
    assert extract.verdict is Verdict.UNPROVEN
    assert f"{extract.spooled.rejected:,} records came without a usable id" in extract.reason
    assert extract.requests < 40
    assert all("record" in json.loads(line) for line in extract.spooled.rejects.read_bytes().splitlines())


@pytest.mark.parametrize(
    ("leads", "faults", "requests"),
    [
        (250, [], 4),
        (250, ["no_total"], 4),
        (100, [], 2),
        (99, [], 2),
        (29, [], 1),
        (99, ["no_total"], 2),
        (50, [], 2),
        (0, [], 1),
        (0, ["no_total"], 2),
        (3_000, [], 32),
    ],
)
def test_the_overlap_costs_one_request_in_a_hundred_and_the_far_end_one(
    open_api: OpenApi, reading: ClientFactory, leads: int, faults: list[str], requests: int
) -> None:
    api = open_api(*faults, leads=leads)
    extract = reading.read(api)
    assert extract.requests == api.count("leads") == requests


@pytest.mark.parametrize("rows_there", [1_000, 4_951, 10_000])
def test_a_long_list_needs_at_most_two_percent_more_requests_than_pages(rows_there: int) -> None:
    server = Server(dict.fromkeys(range(1, rows_there + 1), 0))
    told = walk(server, limit=100, threads=4)
    assert told.outcome.verdict is Verdict.PROVEN
    assert server.requests <= rows_there / 100 * 1.02 + 2
    assert len(told.ids) == rows_there
