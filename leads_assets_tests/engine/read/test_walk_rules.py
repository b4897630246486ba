"""Single rules of the walk, on a list that moves as told."""

from dataclasses import dataclass
from typing import Any

import pytest
from msgspec import Raw

from leads_assets.engine.errors import BadRequest, EndpointError, Inconsistent
from leads_assets.engine.read.continuity import Order
from leads_assets.engine.read.objections import WalkResult
from leads_assets.engine.read.walk import OverlapWalk
from leads_assets.engine.records.extract import Verdict
from leads_assets.engine.records.page import Page
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.harness.histories import Change, Server, walk
from leads_assets_tests.harness.reading import ClientFactory

pytestmark = pytest.mark.socket


def _numbers(count: int, **options: Any) -> Server:
    return Server({row * 100: row for row in range(1, count + 1)}, **options)


@pytest.mark.parametrize("asked", [True, False])
def test_a_front_insert_in_a_descending_list_is_harmless(asked: bool) -> None:
    server = _numbers(12, descending=True, total="none", changes={2: [Change("insert", 99)]})
    told = walk(server, limit=4, asked=asked)
    assert told.outcome.verdict is Verdict.PROVEN
    assert server.survivors <= set(told.ids)


def test_a_row_that_jumps_to_the_front_behind_our_back_is_no_proven_loss() -> None:
    """Newest change first: one row ahead goes, one behind is changed, and every page still lines up."""
    changes = {1: [Change("delete", 0), Change("update", 99)]}
    server = _numbers(6, order="updated", descending=True, total="none", changes=changes)
    told = walk(server, limit=3)
    assert 100 in server.survivors
    assert told.outcome.verdict is Verdict.UNPROVEN


def test_a_row_that_jumped_behind_others_that_jumped_is_no_proven_loss() -> None:
    """The same, and then so many rows jump before it that it is not even on the first page at the end."""
    changes = {1: [Change("delete", 0), Change("update", 60)], 5: [Change("update", 60), Change("update", 60)]}
    server = _numbers(6, order="updated", descending=True, total="none", changes=changes)
    told = walk(server, limit=2)
    assert (server.listing(), server.requests) == ([400, 300, 200, 500, 100], 7)
    assert told.outcome.verdict is Verdict.UNPROVEN
    assert "moved at the front" in told.outcome.reason


def test_a_changed_row_does_not_close_a_seam_where_change_moves_rows() -> None:
    """Newest change last: the last row that was read jumps to the end, and stands again where a page begins."""
    deletes = [Change("delete", 38), Change("delete", 43), Change("delete", 50)]
    server = _numbers(8, order="updated", total="none", changes={2: [Change("update", 50), *deletes]})
    told = walk(server, limit=3)
    assert server.listing() == [100, 200, 300, 800, 500]
    assert set(server.listing()) <= set(told.ids)


def test_rows_that_come_to_the_front_are_looked_up_before_the_count_is_doubted() -> None:
    server = _numbers(12, changes={2: [Change("insert", 0)]})
    told = walk(server, limit=4)
    assert told.outcome.verdict is Verdict.PROVEN
    assert len(set(told.ids)) == 13


def test_a_list_that_never_holds_still_ends_unproven_within_bounds() -> None:
    changes = {number: [Change("delete", 0)] * 3 for number in range(1, 200)}
    server = _numbers(500, total="none", changes=changes)
    told = walk(server, limit=3, asked=False)
    assert told.outcome.verdict is Verdict.UNPROVEN
    assert server.requests < 200


def test_a_server_that_sends_the_same_rows_at_every_offset_is_stopped() -> None:
    page = Page([Raw(b'{"id":%d}' % row) for row in range(7)], list(range(7)), None)
    other = Page(page.records[3:], page.ids[3:], None)
    with pytest.raises(EndpointError, match="page after page brings only rows that were read before"):
        _walk_pages(page, other)


def test_there_is_a_ceiling_on_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads_assets.engine.read.walk.MOST_PAGES", 5)
    with pytest.raises(Inconsistent, match="no end after 5 pages"):
        walk(_numbers(100), limit=5)


@dataclass(frozen=True)
class _TwoPages:
    """A list whose first page is `front`, and which sends `later` at every other offset."""

    front: Page
    later: Page
    name: str = "things"
    paged: bool = True
    order: Order = Order.UNKNOWN

    def first(self) -> Page:
        return self.front

    def at(self, offset: int, limit: int) -> Page:
        return self.later

    def backwards(self, limit: int, order: Order) -> Page:
        return self.front

    def ensure(self, pages: int, rows: int) -> None:
        """No budget."""

    def cancel(self) -> None:
        """No waits."""


def _walk_pages(first: Page, later: Page) -> WalkResult:
    walked = OverlapWalk(_TwoPages(first, later), limit=7, threads=1)
    assert list(walked)
    return walked.result()


def test_an_error_on_a_later_page_ends_the_walk_although_others_are_fetched_ahead(
    open_api: OpenApi, reading: ClientFactory
) -> None:
    with pytest.raises(BadRequest):
        reading.read(open_api("status=400@leads+4", leads=2_000), threads=4)
