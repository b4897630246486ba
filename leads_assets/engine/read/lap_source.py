"""The pages of a list that is read in parts: from where the parts before have ended."""

from dataclasses import replace

from leads_assets.engine.read.continuity import Order
from leads_assets.engine.read.page_source import PageSource
from leads_assets.engine.records.lap import Lap
from leads_assets.engine.records.page import Page

PAGES_A_PART = 250
"""Pages that a kill may cost at most. A list of fewer is read, and loaded, whole."""


class LapSource:
    """A PageSource whose row 0 is the last row of the parts before, where there are any (`lap`).

    In a list in ascending order of id a page that begins at or before that row leaves no gap, whenever it was read.
    Totals are left out then: the rows below may have come and gone since.
    """

    def __init__(self, source: PageSource, lap: Lap | None, *, limit: int) -> None:
        self._source = source
        self._lap = lap
        self._limit = limit
        self.shift = 0
        """The rank of row 0."""
        self.overlap = 0
        """Rows of the first page that the parts before have brought."""

    @property
    def name(self) -> str:
        """The endpoint."""
        return self._source.name

    @property
    def paged(self) -> bool:
        """Whether the contract reads the list page by page."""
        return self._source.paged

    @property
    def order(self) -> Order:
        """The order of ids that the requests ask for."""
        return self._source.order

    def ensure(self, pages: int, rows: int) -> None:
        """Raise QuotaExhausted where the budget cannot carry them and they are too few to be read in parts."""
        if pages <= PAGES_A_PART:
            self._source.ensure(pages, rows)

    def cancel(self) -> None:
        """End the waits of all threads that ask for this list."""
        self._source.cancel()

    def first(self) -> Page:
        """The first page of the list, or the one that joins the parts before: lower rows may be gone since."""
        if self._lap is None:
            return self._source.first()
        self.shift, back = self._lap.rank, 1
        while not self._joins(page := self.at(0, self._limit), self._lap) and self.shift > 0:
            self.shift, back = max(0, self.shift - back * max(1, self._limit - 1)), back * 2
        self.overlap = sum(identity <= self._lap.highest for identity in page.usable_ids)
        return page

    def at(self, offset: int, limit: int) -> Page:
        """At most `limit` rows from row `offset` on."""
        if self._lap is None:
            return self._source.at(offset, limit)
        return replace(self._source.at(offset + self.shift, limit, may_be_empty=True), total=None)

    def backwards(self, limit: int, order: Order) -> Page:
        """The first `limit` rows of the list in the order opposite to `order`."""
        page = self._source.backwards(limit, order)
        return page if self._lap is None else replace(page, total=None)

    @staticmethod
    def _joins(page: Page, lap: Lap) -> bool:
        return bool(page.usable_ids) and page.usable_ids[0] <= lap.highest
