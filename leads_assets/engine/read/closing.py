"""How a read of changes closes: what it cannot show by itself, the whole list shows for a request or a few.

A change filter tells nothing of rows that are gone, came back or were let in with an old stamp. So the changes are
followed by a look at the whole list: by rank where offsets are known to count just our rows, else by its total.
"""

from collections.abc import Collection

from msgspec import Raw

from leads_assets.engine.errors import ApiError, EndpointError, ResumeLater
from leads_assets.engine.read.continuity import Order
from leads_assets.engine.read.page_source import PageSource
from leads_assets.engine.read.rank_evidence import KnownRows
from leads_assets.engine.read.rank_search import RankResult, rank_search
from leads_assets.engine.records.extract import Closing
from leads_assets.engine.records.page import Page
from leads_assets.engine.records.state import LiveRows

_READS_AT_THE_END = 2
"""Full reads, in requests, that a search may cost which ends a full read in parts: to give up at one would cost another
one, of which the rows that go meanwhile may make the same again."""
_WITNESSES = 100
"""Rows by which an account is recognized, about: three that were created at another time are enough."""


class ChangesCloser:
    """Compares the live rows with the whole list, which `source` asks for without a filter.

    `read`: ids that the changes brought. `limit`: rows a page. `calibrated`: offsets count just the rows that we see.
    `ends_lap`: the changes end a full read in parts.
    After `close`: `found` are records, by id, that the list showed and that are to be loaded: those that neither the
    table nor the changes have, and, where rows are gone or strange, some of those beside which they were looked for, by
    which the load can tell that this is the same account.
    """

    def __init__(
        self,
        source: PageSource,
        live: LiveRows,
        read: Collection[int],
        *,
        limit: int,
        calibrated: bool,
        ends_lap: bool = False,
    ) -> None:
        self._source = source
        self._live = live
        self._read = read
        self._limit = limit
        self._calibrated = calibrated
        self._reads = _READS_AT_THE_END if ends_lap else 1
        self.found: dict[int, Raw] = {}
        self._seen: dict[int, Raw] = {}
        self.interrupted: ApiError | None = None
        """The fault that has kept the list from being looked at."""
        self.is_settled = True
        """Whether every row that should have come with the changes was found among them, or is gone."""

    def close(self) -> Closing:
        """Ask the list. A fault while asking is a reason not to close, since the changes are read and paid for.

        Raises a RunError that waiting does not mend.
        """
        candidates = self._live.changed.difference(self._read)
        try:
            closing = self._by_rank(candidates) if self._calibrated and self._live.ids else self._by_total(candidates)
        except (EndpointError, ResumeLater) as error:
            self.interrupted = error
            closing = Closing(reason=f"the whole list could not be looked at ({error})", is_broken=bool(candidates))
        self.is_settled = not candidates or not closing.is_broken
        return closing

    def _by_rank(self, candidates: frozenset[int]) -> Closing:
        result = rank_search(
            KnownRows(live=self._live.ids, read=self._read, young=self._live.young, candidates=candidates),
            page=self._page,
            last=lambda: self._source.backwards(1, Order.ASCENDING),
            limit=self._limit,
            calibrated=True,
            reads=self._reads,
        )
        self.found = {**(self._seen if result.gone or result.strange else {}), **result.found}
        return _closing_of(result)

    def _page(self, offset: int, limit: int) -> Page:
        page = self._source.at(offset, limit, may_be_empty=True)
        if len(self._seen) < _WITNESSES:
            rows = zip(page.ids, page.records, strict=True)
            self._seen |= {row_id: record for row_id, record in rows if row_id is not None}
        return page

    def _by_total(self, candidates: frozenset[int]) -> Closing:
        if candidates:
            missing = f"{len(candidates):,} rows that changed lately did not come with the changes"
            return Closing(reason=missing, is_broken=True)
        page = self._source.at(0, 1, may_be_empty=True)
        total = _independent_total(page)
        if total is None:
            return Closing(reason="no total is sent, and offsets are not known to count just the rows that we see")
        return Closing(total=total)


def _closing_of(result: RankResult) -> Closing:
    return Closing(
        is_closed=result.current,
        gone=frozenset(result.gone),
        total=result.total,
        reason=result.reason,
        is_broken=result.next_full,
    )


def _independent_total(page: Page) -> int | None:
    """The total that came with a page of at most one row; that it is one may be a count of the page."""
    return None if page.records and page.total == len(page.records) else page.total
