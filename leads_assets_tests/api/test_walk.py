"""Lists that end short, lie or move: each ends with all its rows, with an error, or openly unproven."""

import json
from typing import Any

import pytest
from msgspec import Raw

from leads_assets.api.errors import BadRequest, EndpointError, Inconsistent, Unavailable
from leads_assets.api.pages import Page
from leads_assets.api.verdict import Outcome
from leads_assets.api.walk import Walk
from leads_assets.endpoints import ENDPOINTS
from leads_assets.extract import Extract, Verdict

from .conftest import OpenApi
from .histories import Change, Server, walk
from .reading import Reading, ids, rows, truth

UNPAGED = [name for name, endpoint in ENDPOINTS.items() if not endpoint.paged]


def _is_proven(extract: Extract) -> bool:
    return (extract.verdict, extract.reason) == (Verdict.PROVEN, "")


# --- what other tools lose ---


@pytest.mark.parametrize("faults", [["cap=50"], ["cap=50", "no_total"], ["cap_hard=37", "body_total"]])
def test_a_smaller_page_than_asked_for_costs_requests_but_no_rows(
    open_api: OpenApi, reading: Reading, faults: list[str]
) -> None:
    api = open_api(*faults)
    extract = reading.read(api)
    assert _is_proven(extract)
    assert ids(extract) == truth(api)


@pytest.mark.parametrize("fault", ["error_200", "empty_page", "cut_json", "html", "data_null"])
def test_a_bad_second_page_that_passes_is_asked_for_again(open_api: OpenApi, reading: Reading, fault: str) -> None:
    api = open_api(f"{fault}@leads+1x1")
    extract = reading.read(api)
    assert _is_proven(extract)
    assert (ids(extract), extract.retries) == (truth(api), 1)


@pytest.mark.parametrize(
    ("fault", "fact"),
    [
        ("error_200", "an error object without `data`"),
        ("empty_page", "an empty page at row"),
        ("cut_json", "broken or cut-off JSON of"),
        ("data_null", "`data` is null instead of a list"),
    ],
)
def test_a_bad_second_page_that_stays_is_an_error_and_no_short_list(
    open_api: OpenApi, reading: Reading, fault: str, fact: str
) -> None:
    with pytest.raises(Unavailable, match=f"^leads: HTTP 200 with {fact}.*, attempt 3 of 3"):
        reading.read(open_api(f"{fault}@leads+1"))


def test_an_empty_page_in_the_middle_without_a_total_loses_nothing(open_api: OpenApi, reading: Reading) -> None:
    api = open_api("empty_page@leads+1x1", "no_total")
    extract = reading.read(api)
    assert _is_proven(extract)
    assert ids(extract) == truth(api)


def test_empty_pages_for_ever_without_a_total_are_never_taken_for_the_end(open_api: OpenApi, reading: Reading) -> None:
    extract = reading.read(open_api("empty_page@leads+1", "no_total"))
    assert extract.verdict is Verdict.UNPROVEN
    assert "could not be lined up" in extract.reason


@pytest.mark.parametrize("endpoint", ["leads", "users"])
def test_an_empty_first_page_without_a_total_is_not_believed_at_once(
    open_api: OpenApi, reading: Reading, endpoint: str
) -> None:
    api = open_api("empty_page@leads+0x1", "empty_page@users+0x1", "no_total")
    extract = reading.read(api, endpoint)
    assert _is_proven(extract)
    assert ids(extract) == truth(api, endpoint)


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("faults", [[], ["no_total"], ["ignore_order"], ["ignore_order", "no_total"]])
def test_a_row_deleted_between_two_pages_is_noticed_and_repaired(
    open_api: OpenApi, reading: Reading, threads: int, faults: list[str]
) -> None:
    api = open_api("drift=delete:read@leadsx3", *faults, leads=500)
    extract = reading.read(api, threads=threads)
    assert _is_proven(extract)
    assert set(truth(api)) <= set(ids(extract))
    assert len(api.account.gone("leads")) == 3


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("place", ["front", "read", "random", "back"])
@pytest.mark.parametrize("operation", ["insert", "delete", "update"])
def test_a_list_that_moves_at_every_page_keeps_each_row_or_is_unproven(
    open_api: OpenApi, reading: Reading, operation: str, place: str, threads: int
) -> None:
    api = open_api(f"drift={operation}:{place}@leads", leads=400)
    before = set(truth(api))
    extract = reading.read(api, limit=25, threads=threads)
    assert before & set(truth(api)) <= set(ids(extract)) or extract.verdict is Verdict.UNPROVEN


def test_a_bare_array_and_an_envelope_give_the_same_rows(open_api: OpenApi, reading: Reading) -> None:
    bare, wrapped = reading.read(open_api(bare=("leads",))), reading.read(open_api())
    assert _is_proven(bare)
    assert rows(bare) == rows(wrapped) != []


# --- unpaged lists ---


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
        assert _is_proven(extract), (name, extract.reason)
        assert ids(extract) == truth(api, name), name


@pytest.mark.parametrize("cap", [20, 50, 100, 220])
def test_an_unpaged_list_that_is_cut_for_good_is_unproven(open_api: OpenApi, reading: Reading, cap: int) -> None:
    extract = reading.read(_with_250_rows(open_api, f"cap_hard={cap}"), "users")
    assert extract.verdict is Verdict.UNPROVEN
    assert extract.reason == f"{cap} rows may be a limit of the server, which ignores `offset`"
    assert extract.spooled.count == cap


def test_an_unpaged_list_cut_below_its_total_is_unproven(open_api: OpenApi, reading: Reading) -> None:
    extract = reading.read(_with_250_rows(open_api, "cap_hard=100", totals=("users",)), "users")
    assert extract.reason == "the server states 250 rows, sends 100 and ignores `offset`"


@pytest.mark.parametrize(("size", "requests"), [(23, 1), (99, 1), (40, 2), (130, 2), (220, 2)])
def test_an_unpaged_list_is_whole_where_the_server_ignores_limit_too(
    open_api: OpenApi, reading: Reading, size: int, requests: int
) -> None:
    api = open_api()
    api.account.insert("users", size - 23)
    extract = reading.read(api, "users")
    assert _is_proven(extract)
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


# --- offsets, totals, ends ---


@pytest.mark.parametrize("faults", [["ignore_offset"], ["ignore_offset", "no_total"]])
def test_a_paged_list_whose_server_ignores_offset_is_an_error(
    open_api: OpenApi, reading: Reading, faults: list[str]
) -> None:
    with pytest.raises(Inconsistent, match=r"^leads: the server ignores `offset`"):
        reading.read(open_api(*faults))


@pytest.mark.parametrize("fault", ["body_total", "text_total"])
def test_a_total_in_the_body_is_as_good_as_one_in_the_header(open_api: OpenApi, reading: Reading, fault: str) -> None:
    extract = reading.read(open_api(fault))
    assert _is_proven(extract)
    assert (extract.total, extract.requests) == (250, 3)


@pytest.mark.parametrize("wrong", [-200, -3, -1, 1, 3, 200])
def test_a_total_that_is_wrong_by_some_leaves_the_rows_but_no_proof(
    open_api: OpenApi, reading: Reading, wrong: int
) -> None:
    api = open_api(f"wrong_total={wrong}@leads")
    extract = reading.read(api, threads=1)
    assert extract.verdict is Verdict.UNPROVEN
    assert f"{250 + wrong:,}" in extract.reason
    assert ids(extract) == truth(api)


@pytest.mark.parametrize("faults", [[], ["no_total"]])
@pytest.mark.parametrize("leads", [0, 1, 2, 99, 100, 101, 199, 200, 201, 298, 299, 300])
def test_a_calm_list_of_any_size_is_proven(open_api: OpenApi, reading: Reading, leads: int, faults: list[str]) -> None:
    api = open_api(*faults, leads=leads)
    extract = reading.read(api)
    assert _is_proven(extract)
    assert (ids(extract), extract.duplicates) == (truth(api), 0)


@pytest.mark.parametrize("endpoint", ["leads", "prospecting_lists"])
def test_a_row_that_each_page_repeats_is_counted_and_loses_nothing(
    open_api: OpenApi, reading: Reading, endpoint: str
) -> None:
    api = open_api(f"duplicate_row@{endpoint}")
    extract = reading.read(api, endpoint)
    assert _is_proven(extract)
    assert ids(extract) == truth(api, endpoint)
    assert extract.duplicates > 0


@pytest.mark.parametrize("endpoint", ["leads", "prospecting_lists"])
def test_a_list_in_no_order_is_read_whole_but_unproven(open_api: OpenApi, reading: Reading, endpoint: str) -> None:
    api = open_api("shuffle")
    extract = reading.read(api, endpoint)
    assert "not in order of id" in extract.reason
    assert ids(extract) == truth(api, endpoint)


def test_one_response_is_proven_in_whatever_order(open_api: OpenApi, reading: Reading) -> None:
    assert _is_proven(reading.read(open_api("shuffle@users"), "users"))


@pytest.mark.parametrize("fault", ["record_without_id", "text_id"])
def test_records_without_a_usable_id_are_rejected_one_by_one_and_named(
    open_api: OpenApi, reading: Reading, fault: str
) -> None:
    extract = reading.read(open_api(f"{fault}@leads"))
    assert extract.verdict is Verdict.UNPROVEN
    assert f"{extract.spooled.rejected:,} records came without a usable id" in extract.reason
    assert extract.requests < 10
    assert all("record" in json.loads(line) for line in extract.spooled.rejects.read_bytes().splitlines())


@pytest.mark.parametrize(
    ("leads", "faults", "requests"),
    [(250, [], 3), (250, ["no_total"], 4), (99, [], 1), (0, [], 1), (0, ["no_total"], 2), (3_000, [], 31)],
)
def test_the_overlap_costs_one_request_in_a_hundred(
    open_api: OpenApi, reading: Reading, leads: int, faults: list[str], requests: int
) -> None:
    api = open_api(*faults, leads=leads)
    extract = reading.read(api)
    assert extract.requests == api.count("leads") == requests


@pytest.mark.parametrize("rows_there", [1_000, 4_951, 10_000])
def test_a_long_list_needs_at_most_two_percent_more_requests_than_pages(rows_there: int) -> None:
    server = Server(dict.fromkeys(range(1, rows_there + 1), 0))
    told = walk(server, limit=100, threads=4)
    assert told.outcome.verdict is Verdict.PROVEN
    assert server.requests <= rows_there / 100 * 1.02 + 1
    assert len(told.ids) == rows_there


# --- single rules, on a list that moves as told ---


def _numbers(count: int, **options: Any) -> Server:
    return Server({row * 100: row for row in range(1, count + 1)}, **options)


@pytest.mark.parametrize("asked", [True, False])
def test_a_front_insert_in_a_descending_list_is_harmless(asked: bool) -> None:
    server = _numbers(12, descending=True, totals=False, changes={2: [Change("insert", 99)]})
    told = walk(server, limit=4, asked=asked)
    assert told.outcome.verdict is Verdict.PROVEN
    assert server.survivors <= set(told.ids)


def test_a_row_that_jumps_to_the_front_behind_our_back_is_no_proven_loss() -> None:
    """Newest change first: one row ahead goes, one behind is changed, and every page still lines up."""
    changes = {1: [Change("delete", 0), Change("update", 99)]}
    server = _numbers(6, order="updated", descending=True, totals=False, changes=changes)
    told = walk(server, limit=3)
    assert 100 in server.survivors
    assert told.outcome.verdict is Verdict.UNPROVEN


def test_a_changed_row_does_not_close_a_seam_where_change_moves_rows() -> None:
    """Newest change last: the last row that was read jumps to the end, and stands again where a page begins."""
    changes = {1: [Change("update", 50), Change("delete", 25)]}
    server = _numbers(4, order="updated", totals=False, changes=changes)
    told = walk(server, limit=3)
    assert server.survivors <= set(told.ids)


def test_rows_that_come_to_the_front_are_looked_up_before_the_count_is_doubted() -> None:
    server = _numbers(12, changes={2: [Change("insert", 0)]})
    told = walk(server, limit=4)
    assert told.outcome.verdict is Verdict.PROVEN
    assert len(set(told.ids)) == 13


def test_a_list_that_never_holds_still_ends_unproven_within_bounds() -> None:
    changes = {number: [Change("delete", 0)] * 3 for number in range(1, 200)}
    server = _numbers(500, totals=False, changes=changes)
    told = walk(server, limit=3, asked=False)
    assert told.outcome.verdict is Verdict.UNPROVEN
    assert server.requests < 200


def test_a_server_that_sends_the_same_rows_at_every_offset_is_stopped() -> None:
    page = Page([Raw(b'{"id":%d}' % row) for row in range(7)], list(range(7)), None)
    other = Page(page.records[3:], page.ids[3:], None)
    with pytest.raises(EndpointError, match="page after page brings only rows that were read before"):
        _walk_pages(page, other)


def test_there_is_a_ceiling_on_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads_assets.api.walk.MOST_PAGES", 5)
    with pytest.raises(Inconsistent, match="no end after 5 pages"):
        walk(_numbers(100), limit=5)


def _walk_pages(first: Page, later: Page) -> Outcome:
    return Walk(
        "things",
        paged=True,
        first=lambda: first,
        at=lambda offset, limit: later,
        sink=lambda records, ids: None,
        fits=lambda pages, rows: None,
        cancel=lambda: None,
        limit=7,
        threads=1,
    ).run()


def test_an_error_on_a_later_page_ends_the_walk_although_others_are_fetched_ahead(
    open_api: OpenApi, reading: Reading
) -> None:
    with pytest.raises(BadRequest):
        reading.read(open_api("status=400@leads+4", leads=2_000), threads=4)
