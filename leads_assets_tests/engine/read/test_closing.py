"""What the end of a read of changes brings besides its verdict: rows by which the load recognizes the account."""

from dataclasses import dataclass
from typing import cast

import pytest

from leads_assets.engine.read.closing import ChangesCloser
from leads_assets.engine.read.continuity import Order
from leads_assets.engine.read.page_source import PageSource
from leads_assets.engine.records.page import Page
from leads_assets.engine.records.state import LiveRows
from leads_assets_tests.harness.rank_model import RankServer

pytestmark = pytest.mark.unit

ROWS = list(range(10, 401, 10))


@dataclass
class _Source:
    """The requests of the server's list, as a PageSource makes them."""

    server: RankServer

    def at(self, offset: int, limit: int, *, may_be_empty: bool = False) -> Page:
        return self.server.page(offset, limit)

    def backwards(self, limit: int, order: Order) -> Page:
        return self.server.backwards(limit)


@pytest.mark.parametrize(
    ("there", "here"),
    [(ROWS, [row for row in ROWS if row not in (50, 60)]), ([row for row in ROWS if row not in (50, 60)], ROWS)],
    ids=["rows that were not held", "rows that are gone"],
)
def test_where_the_list_differs_rows_that_both_sides_have_come_too(there: list[int], here: list[int]) -> None:
    source = cast(PageSource, _Source(RankServer(list(there))))
    closer = ChangesCloser(source, LiveRows(ids=here), (), limit=10, calibrated=True)
    closer.close()
    assert len(closer.found.keys() & set(there) & set(here)) >= 3


def test_where_the_list_is_the_same_no_row_comes() -> None:
    source = cast(PageSource, _Source(RankServer(list(ROWS))))
    closer = ChangesCloser(source, LiveRows(ids=ROWS), (), limit=10, calibrated=True)
    assert closer.close().is_closed
    assert not closer.found
