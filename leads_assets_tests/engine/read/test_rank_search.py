"""The rank search finds what is gone in a handful of requests, and never marks a living row.

`pytest --hypothesis-profile thorough` judges 25,000 random histories.
"""

import random
import tracemalloc
from collections.abc import Iterable
from itertools import combinations, product
from statistics import median
from typing import Any
from unittest import mock

import pytest
from hypothesis import settings

from leads_assets.engine.errors import Unavailable
from leads_assets.engine.read.rank_cost import full_read_requests, search_requests
from leads_assets.engine.read.rank_evidence import Evidence, KnownRows
from leads_assets.engine.read.rank_search import RankResult, calibrates, rank_search
from leads_assets.engine.records.page import Page
from leads_assets_tests.harness.rank_histories import History, judge, random_history
from leads_assets_tests.harness.rank_model import CalmServer, Change, RankServer, first_ids

pytestmark = pytest.mark.unit

LEADS = 145_719
TOTALS = pytest.mark.parametrize("totals", [True, False], ids=["total", "no total"])


def _search(server: CalmServer, count: int) -> RankResult:
    return rank_search(KnownRows(live=first_ids(count)), page=server.page, last=server.last, limit=100, calibrated=True)


def _requests(count: int, gone: Iterable[int], totals: bool) -> int:
    expected = set(gone)
    result = _search(CalmServer(count, expected, totals=totals), count)
    assert (result.current, set(result.gone)) == (True, expected)
    return result.requests


def _history(rows: Iterable[int], *, held: int = 30, limit: int = 4, **server: Any) -> History:
    return History(RankServer(list(rows), **server), list(range(10, 10 * held + 1, 10)), limit)


def _rows(*gone: int, held: int = 30) -> list[int]:
    return [row for row in range(10, 10 * held + 1, 10) if row not in gone]


# What it costs.


@TOTALS
@pytest.mark.parametrize("count", [10_000, LEADS, 1_000_000])
def test_one_request_closes_a_table_from_which_nothing_is_gone(count: int, totals: bool) -> None:
    assert _requests(count, (), totals) == 1


@TOTALS
def test_one_deleted_lead_costs_13_requests_at_most_wherever_it_stood(totals: bool) -> None:
    places = [1, 2, 99, 100, 101, *range(500, LEADS, 1_009), *range(LEADS - 200, LEADS, 25), LEADS]
    costs = [_requests(LEADS, [place], totals) for place in places]
    assert (median(costs), max(costs)) == (12, 13)


@TOTALS
@pytest.mark.parametrize(
    ("count", "gone", "usual", "worst"),
    [(LEADS, 2, 20, 23), (LEADS, 10, 69, 84), (LEADS, 30, 154, 169), (10_000, 1, 8, 9), (1_000_000, 1, 15, 17)],
)
def test_scattered_deletions_cost_no_more_than_this(
    count: int, gone: int, usual: int, worst: int, *, totals: bool
) -> None:
    rng = random.Random(count + gone)
    costs = [_requests(count, rng.sample(range(1, count + 1), gone), totals) for _ in range(400 // (gone + 9))]
    assert median(costs) <= usual
    assert max(costs) <= worst
    assert abs(search_requests(gone, count, 100) - median(costs)) <= max(1, median(costs) / 20)


@pytest.mark.parametrize(("totals", "worst"), [(True, 14), (False, 20)], ids=["total", "no total"])
def test_a_block_of_1_000_deletions_costs_about_as_much_as_one(totals: bool, worst: int) -> None:
    begins = [1, LEADS - 999, LEADS - 1_050, *random.Random(5).sample(range(1, LEADS - 1_000), 12)]
    assert max(_requests(LEADS, range(begin, begin + 1_000), totals) for begin in begins) <= worst


@TOTALS
def test_so_many_scattered_deletions_that_a_full_read_costs_less_end_the_search_early(totals: bool) -> None:
    gone = set(random.Random(3).sample(range(1, 10_001), 2_000))
    result = _search(CalmServer(10_000, gone, totals=totals), 10_000)
    assert (result.current, result.next_full) == (False, True)
    assert result.reason == "a full read costs no more requests than going on"
    assert result.requests < full_read_requests(10_000, 100) == 103
    assert set(result.gone) < gone
    assert search_requests(2_000, 10_000, 100) == 103


@TOTALS
def test_a_search_that_may_cost_two_full_reads_finds_however_many_are_gone(totals: bool) -> None:
    for count in (300, 1_000, 4_000):
        server = CalmServer(10_000, random.Random(3).sample(range(1, 10_001), count), totals=totals)
        rows = KnownRows(live=first_ids(10_000))
        result = rank_search(rows, page=server.page, last=server.last, limit=100, calibrated=True, reads=2)
        assert (result.current, len(result.gone)) == (True, count)
        assert result.requests < 1.4 * full_read_requests(10_000, 100)


def test_the_price_of_a_search_rises_from_one_request_to_a_full_read_and_not_further() -> None:
    prices = [search_requests(balance, LEADS, 100) for balance in (0, 1, 2, 10, 100, 1_000, 10_000, LEADS, 10 * LEADS)]
    assert prices == sorted(prices)
    assert (prices[:3], prices[-1]) == ([1, 12, 20], full_read_requests(LEADS, 100))
    assert search_requests(-10, LEADS, 100) == search_requests(10, LEADS, 100)
    assert search_requests(3, 3, 2) == full_read_requests(3, 2)
    assert search_requests(1, 0, 100) == 1


def test_a_search_among_a_million_ids_takes_less_than_a_megabyte() -> None:
    server = CalmServer(1_000_000, [500_000], totals=True)
    tracemalloc.start()
    try:
        assert _search(server, 1_000_000).current
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


# What it may mark.


def test_random_histories_never_mark_a_living_row_and_miss_only_balanced_pairs() -> None:
    count = 5 * settings().max_examples
    current = marked = balanced = 0
    for seed in range(count):
        history = random_history(seed)
        result = history.search()
        judgement = judge(history, result)
        assert not judgement.broken, f"history {seed}: {judgement.broken}"
        current += result.current
        marked += len(result.gone)
        balanced += judgement.missed > 0
    # So that the histories stay worth judging: most faults keep a search from ending.
    assert current > count / 4
    assert marked > count
    assert 0 < balanced < count / 25


@pytest.mark.parametrize(("limit", "totals"), [(2, "none"), (3, "true")])
def test_whichever_two_rows_come_or_go_at_whichever_moments_no_living_row_is_marked(limit: int, totals: str) -> None:
    held = [10, 20, 30, 40, 50]
    moments = list(product(range(1, 5), held))
    pasts = [list(rows) for count in (3, 4) for rows in combinations(held, count)]
    # Lists this short are not worth a search: lift its bound, or it would end before anything happens.
    with mock.patch("leads_assets.engine.read.rank_search.full_read_requests", return_value=100):
        for past, turns in product(pasts, [(), *((turn,) for turn in moments), *combinations(moments, 2)]):
            server = RankServer(list(past), totals=totals)
            for moment, row in turns:
                server.changes.setdefault(moment, []).append(_turn(row))
            history = History(server, held, limit)
            broken = set(judge(history, history.search()).broken) - {"a search costs no more than a full read"}
            assert not broken, f"{past} {turns}: {broken}"


def _turn(row: int) -> Change:
    def change(server: RankServer) -> None:
        server.rows = sorted({row} ^ set(server.rows))

    return change


def test_each_row_that_is_gone_comes_with_the_response_that_showed_it() -> None:
    result = _history(_rows(50, 300), totals="none").search()
    assert result.current
    assert set(result.gone) == {50, 300}
    page = result.gone[50]
    assert page.offset is not None
    assert page.first is not None
    assert page.first < 50 < page.last
    assert result.gone[300] == Evidence(None, None, 290)


def test_rows_behind_the_last_page_are_gone_only_if_the_list_asked_backwards_begins_below_them() -> None:
    for totals in ("none", "capped", "page", "true"):
        result = _history(_rows(), window=20, totals=totals).search()
        assert (result.current, result.gone) == (False, {})


def test_a_server_that_ignores_the_direction_shows_no_end() -> None:
    result = _history(_rows(300), ignores_direction=True).search()
    assert (result.current, result.gone) == (False, {})
    assert result.reason == "asked backwards, the list does not begin with its last row"
    # The first row of a page that was cut after it is the one that such a server begins with again.
    cut = _history([10, 20, 30], held=3, byte_cap=1, ignores_direction=True).search()
    assert (cut.current, cut.gone) == (False, {})


def test_a_server_that_sends_its_first_row_whatever_it_is_asked_for_shows_no_end() -> None:
    first = CalmServer(1, (), totals=False).page(0, 1)
    result = rank_search(
        KnownRows(live=range(1, 31)), page=lambda offset, limit: first, last=lambda: first, limit=4, calibrated=True
    )
    assert (result.current, result.gone) == (False, {})


@pytest.mark.parametrize("rows", [[], [1_000], [1_000, 1_010, 1_020]])
@pytest.mark.parametrize("totals", ["true", "none"])
def test_a_list_that_is_empty_or_shows_none_of_our_rows_is_not_believed(rows: list[int], totals: str) -> None:
    result = _history(rows, totals=totals).search()
    assert (result.current, result.gone, result.next_full) == (False, {}, True)


def test_a_page_with_a_row_without_a_usable_id_is_no_evidence() -> None:
    result = _history(_rows(150), unusable=160, limit=10).search()
    assert (result.current, result.gone) == (False, {})
    assert result.reason == "a page holds a record without a usable id"


def test_a_page_that_comes_short_is_no_evidence_until_it_is_full() -> None:
    assert _history(_rows(), leaks={0}).search().gone == {}
    result = _history(_rows(), leaks=set(range(99))).search()
    assert (result.current, result.gone) == (False, {})
    assert result.reason == "pages come short before the end of the list"
    again = _history(_rows(990, held=100), held=100, limit=10, leaks={0}).search()
    assert (again.current, list(again.gone)) == (True, [990])


def test_a_row_that_came_lately_waits_where_the_list_does_not_show_it() -> None:
    for lately in ({"young": {300}}, {"read": {300}}, {"young": {150}}):
        history = _history(_rows(*next(iter(lately.values()))), limit=8)
        history.young, history.read = lately.get("young", set()), lately.get("read", set())
        result = history.search()
        assert (result.current, result.gone, result.next_full) == (False, {}, False)
        assert result.waiting == history.young | history.read
        assert result.reason == "rows that came lately are not in the list (yet): 1"


def test_a_row_that_waited_and_is_shown_later_waits_no_more() -> None:
    history = _history(_rows(500, held=100), held=100, lagging={1_000: 4})
    history.young = {1_000}
    result = history.search()
    assert (result.current, list(result.gone), len(result.waiting)) == (True, [500], 0)


def test_a_row_that_comes_back_during_the_search_is_taken_back() -> None:
    history = _history(_rows(150, 280), limit=10, changes={2: [lambda server: server.restore(0.999)]})
    history.server.deleted = [150, 280]
    result = history.search()
    assert set(result.gone) == {150}
    assert (list(result.found), list(result.strange), result.current) == ([280], [280], False)


def test_a_server_that_caps_its_pages_is_searched_all_the_same() -> None:
    for cap in ({"row_cap": 5}, {"row_cap": 16}, {"byte_cap": 12}):
        result = _history(_rows(150, held=200), held=200, limit=20, **cap).search()
        assert (result.current, list(result.gone)) == (True, [150])


# When it is current.


def test_rows_deleted_while_it_searches_are_found_in_a_later_round() -> None:
    # The deletion far below, before the page in the middle, hides that the first one is above.
    history = _history(_rows(250), limit=4, changes={1: [lambda server: server.delete(0)]})
    result = history.search()
    assert (result.current, set(result.gone)) == (True, {10, 250})


def test_a_row_deleted_at_the_top_between_two_requests_does_not_end_the_search() -> None:
    history = _history(_rows(300), totals="none", changes={1: [lambda server: server.delete(0.999)]})
    result = history.search()
    assert (result.current, sorted(result.gone)) == (True, [290, 300])


def test_rows_that_came_behind_our_highest_one_are_read() -> None:
    result = _history(range(10, 601, 10), totals="none").search()
    assert (result.current, len(result.strange)) == (True, 0)
    assert sorted(result.found) == list(range(310, 601, 10))
    assert bytes(result.found[310]) == b'{"id":310}'


def test_rows_above_our_highest_one_never_make_up_for_rows_that_are_gone() -> None:
    for new in range(1, 12):
        for gone in range(1, 6):
            missing = range(10, 10 + 10 * gone, 10)
            rows = [*_rows(*missing), *range(310, 310 + 10 * new, 10)]
            for error in (-9, 3, 9):
                result = _history(rows, limit=3, totals="wrong", total_error=error).search()
                assert not result.current or set(result.gone) == set(missing)


def test_a_row_that_breaks_the_assumption_is_loaded_and_makes_the_next_read_full() -> None:
    result = _history(sorted([*_rows(), 155])).search()
    assert (list(result.found), list(result.strange), result.gone) == ([155], [155], {})
    assert (result.current, result.next_full) == (False, True)
    assert result.reason == "rows are there that the changes did not show: 1"


def test_a_balanced_pair_is_what_it_cannot_see() -> None:
    result = _history(sorted([*_rows(70), 155])).search()
    assert (result.current, result.gone, result.requests) == (True, {}, 1)


def test_rows_that_offsets_count_and_pages_hide_keep_it_from_ending_current() -> None:
    result = _history(sorted([*_rows(held=200), 1_555]), held=200, limit=10, hidden={1_555}).search()
    assert (result.current, result.gone) == (False, {})
    assert result.reason == "the server counts other rows than its pages show"
    assert result.requests < 10


def test_candidates_are_looked_at_first_so_that_a_named_deletion_costs_two_requests() -> None:
    history = _history(_rows(150))
    history.candidates = {150}
    result = history.search()
    assert (result.current, list(result.gone), result.requests) == (True, [150], 2)


def test_a_candidate_far_from_its_place_is_found_by_what_its_neighbours_tell() -> None:
    history = _history(_rows(*range(10, 130, 10)))
    history.candidates = {180}
    result = history.search()
    assert (list(result.alive), result.requests) == ([180], 2)


def test_a_candidate_that_no_page_showed_keeps_the_table_from_being_current() -> None:
    history = _history(range(610, 1_001, 10), held=100)
    history.candidates = {750}
    result = history.search()
    assert (result.current, len(result.gone), result.next_full) == (False, 60, True)
    assert result.reason == "rows that should have come with the changes could not be looked at"


def test_a_candidate_that_is_still_there_ends_the_search_and_makes_the_next_read_full() -> None:
    history = _history(_rows(20))
    history.candidates = {150, 200}
    result = history.search()
    assert (list(result.alive), result.requests, result.next_full) == ([150], 1, True)
    assert result.reason == "rows that should have come with the changes did not, and are still there"


# When it is not used.


def test_without_calibration_no_request_is_sent() -> None:
    server = RankServer(_rows())
    result = rank_search(KnownRows(live=_rows()), page=server.page, last=server.last, limit=4, calibrated=False)
    assert (result.current, result.next_full, result.requests, server.requests) == (False, False, 0, 0)
    assert "offsets count only rows that this key sees" in result.reason


@pytest.mark.parametrize(
    ("held", "limit", "reason"), [([], 4, "no live row is held"), ([10], 1, "pages of one row cannot overlap")]
)
def test_where_nothing_can_be_searched_it_says_so(held: list[int], limit: int, reason: str) -> None:
    server = RankServer(_rows())
    result = rank_search(KnownRows(live=held), page=server.page, last=server.last, limit=limit, calibrated=True)
    assert (result.reason, server.requests) == (reason, 0)


def test_a_full_read_calibrates_if_the_last_rank_agrees_with_the_rows() -> None:
    assert calibrates(first_rank=0, last_rank=249, rows=250)
    assert not calibrates(first_rank=0, last_rank=251, rows=250)
    assert calibrates(first_rank=1_000, last_rank=1_249, rows=250)


@pytest.mark.parametrize("ids", [[30, 20, 10], [10, 10, 20], list(range(10, 300, 10))])
def test_a_page_that_is_out_of_order_or_too_long_is_no_evidence(ids: list[int]) -> None:
    records = CalmServer(len(ids), (), totals=False).page(0, len(ids)).records
    result = rank_search(
        KnownRows(live=_rows()),
        page=lambda offset, limit: Page(records, list(ids), None),
        last=lambda: Page(records[:1], [300], None),
        limit=4,
        calibrated=True,
    )
    assert (result.current, result.gone, result.requests) == (False, {}, 1)


def test_an_error_of_a_request_is_passed_on() -> None:
    def fail(offset: int, limit: int) -> Page:
        raise Unavailable("leads: HTTP 503, attempt 6 of 6, 41 s elapsed")

    server = RankServer(_rows())
    with pytest.raises(Unavailable):
        rank_search(KnownRows(live=_rows()), page=fail, last=server.last, limit=4, calibrated=True)
