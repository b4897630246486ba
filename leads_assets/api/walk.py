"""The walk: all pages of one list in order, seams checked, ending in a verdict.

Adjacent pages overlap by one row. There is no snapshot: while we read, rows come and go and the offsets drift. The
overlap shows it, a step back repairs it, and the verdict says whether what was read is the whole list:

* every row that lived through the whole walk is in it, and
* no row that was gone before the walk began is.

A list is `proven` when its end was reached, all seams closed, the count agrees with the server's total, and no row can
have moved unseen. Otherwise the walk ends `unproven` with the reason, or raises.

What this trusts: one response is a snapshot; the ids of a list that is not in order of id (or of last change) do not
run in order by accident over several pages; and an unpaged list is cut, if at all, at a round number of rows.
"""

from collections.abc import Callable

from msgspec import Raw

from leads_assets.api.ahead import PagesAhead
from leads_assets.api.coverage import Coverage, Order, Seam
from leads_assets.api.errors import EndpointError, Inconsistent
from leads_assets.api.pages import Page
from leads_assets.api.transport import CONNECTIONS
from leads_assets.api.verdict import Doubts, Outcome

FULL_PAGE = 100
"""The contract's page size: an unpaged list of as many rows may be a truncated one."""
MOST_PAGES = 200_000
"""No list needs more: at 100 rows a page this is 100 times the largest account that the day's quota could read."""
_LIKELY_CAPS = frozenset({100, 200, 500, 1_000, 2_000, 5_000, 10_000})
"""Sizes at which servers cut a list that they do not page."""
_CALM_STEPS_BACK = 15
_FULL_PAGES_BEFORE_AHEAD = 3
_IDLE_PAGES = 10
_MOST_REPEATS = 2

Sink = Callable[[list[Raw], list[int | None]], None]


class Walk:
    """One walk through one list.

    `first` sends the first request, `at(offset, limit)` a page of a paged list; both return or raise a LeadsApiError.
    `fits(pages, rows)` is asked once the total is known, and raises if the budget cannot carry it. `sink` gets each
    page's rows and ids, without repetitions. `order` is the order of ids that the requests ask for, if they do.
    """

    def __init__(
        self,
        name: str,
        *,
        paged: bool,
        first: Callable[[], Page],
        at: Callable[[int, int], Page],
        sink: Sink,
        fits: Callable[[int, int], None],
        cancel: Callable[[], None],
        limit: int = FULL_PAGE,
        threads: int = CONNECTIONS,
        order: Order = Order.UNKNOWN,
    ) -> None:
        self._name = name
        self._paged = paged
        self._first = first
        self._at = at
        self._sink = sink
        self._fits = fits
        self._cancel = cancel
        self._limit = limit
        self._threads = threads
        self._coverage = Coverage(order)
        self._size = limit
        self._pages = 0
        self._steps_back = 0
        self._repeats = 0
        self._is_lined_up = True
        self._is_full = False
        self._is_calm = True
        self._furthest = 0
        self._idle = 0
        self._total: int | None = None
        self._moved = False
        self._doubts = Doubts()

    def run(self) -> Outcome:
        """Read the list to its end. Raises a LeadsApiError, also one of its own: Inconsistent."""
        page = self._first()
        self._note(page)
        self._take(page)
        if not self._ends_with_first(page):
            self._size = page.width
            with PagesAhead(self._fetch, self._threads, self._cancel) as pages:
                if self._paged or self._is_paged_after_all(pages):
                    self._follow(pages)
                    self._look_at_front(pages)
        return self._doubts.outcome(self._coverage, pages=self._pages, total=self._total, moved=self._moved)

    def _ends_with_first(self, page: Page) -> bool:
        rows = page.width
        if self._total is not None and rows > self._total:
            self._doubts.add_low_total(self._total, rows)
        if self._paged:
            if rows == 0 or (rows < self._limit and rows == self._total):
                return True
        elif rows == self._total or (self._total is None and not _looks_capped(rows)):
            return True
        if self._total is not None:
            self._fits(-(-max(0, self._total - rows) // max(1, rows - 1)), self._total)
        return rows == 0

    def _is_paged_after_all(self, pages: PagesAhead) -> bool:
        """One probe of an unpaged list that may be cut: asks for half as many rows, from the last row on."""
        self._limit = max(2, self._size // 2)
        try:
            page = self._read(pages, max(self._size - 1, 1))
        except EndpointError as error:
            self._doubts.add(f"it may be truncated, and asking for more failed ({error})")
            return False
        finally:
            self._limit = max(2, self._size)
        is_whole_again = self._coverage.shared_with_tail(page) > 0.5
        if not is_whole_again and not self._begins_again(page):
            return True
        if self._total is not None:
            self._doubts.add("the server ignores `offset`")
        elif not is_whole_again or self._size in _LIKELY_CAPS:
            self._doubts.add(f"{self._size:,} rows may be a limit of the server, which ignores `offset`")
        return False

    def _fetch(self, offset: int) -> Page:
        return self._at(offset, self._limit)

    def _follow(self, pages: PagesAhead) -> None:
        """Read on from the first page to the end of the list."""
        offset, back = max(self._size - 1, 1), 1
        while True:
            page = self._read(pages, offset)
            if not page.records and self._size == 1:
                return
            self._refuse_ignored_offset(page, offset)
            seam = self._coverage.seam(page)
            self._is_calm = seam is Seam.EXACT
            if seam is Seam.OPEN and (offset > 0 or not page.records):
                if self._may_step_back():
                    offset, back = max(0, offset - back * max(1, self._size - 1)), back * 2
                    continue
                self._is_lined_up = False
                self._doubts.add("rows moved so often that the pages could not be lined up")
                if not page.records:
                    return
            back = 1
            self._moved |= not self._is_calm
            is_end = self._is_end(page, offset)
            self._take(page)
            if is_end:
                return
            seen = offset + page.width
            self._count_idle(seen)
            self._is_full = page.width >= self._size
            self._size = max(self._size, page.width)
            offset = max(seen - 1, offset + 1)

    def _count_idle(self, seen: int) -> None:
        if seen <= self._furthest:
            return
        self._furthest = seen
        self._idle = 0 if self._coverage.grew else self._idle + 1
        if self._idle > _IDLE_PAGES:
            raise Inconsistent(f"{self._name}: page after page brings only rows that were read before")

    def _read(self, pages: PagesAhead, offset: int) -> Page:
        if self._pages >= MOST_PAGES:
            raise Inconsistent(f"{self._name}: no end after {MOST_PAGES:,} pages; check the endpoint's paging")
        end, ahead = offset + 1, 1
        # Pages fetched ahead in a list that moves are mostly wasted, and in any other order than that of id it matters
        # when a page was read.
        if self._coverage.by_id and self._is_calm:
            if self._total is not None:
                end, ahead = max(self._total - 1, offset + 1), self._threads
            elif self._pages >= _FULL_PAGES_BEFORE_AHEAD and self._is_full:
                end, ahead = offset + self._size * self._threads, min(self._pages - 1, self._threads)
        page = pages.read(offset, step=max(1, self._size - 1), end=end, ahead=ahead)
        self._note(page)
        return page

    def _note(self, page: Page) -> None:
        self._pages += 1
        if page.total is not None:
            self._moved |= self._total is not None and page.total != self._total
            self._total = page.total

    def _take(self, page: Page) -> None:
        if page.records:
            self._sink(*self._coverage.admit(page))

    def _begins_again(self, page: Page) -> bool:
        return bool(page.records) and page.ids[0] is not None and page.ids[0] == self._coverage.first

    def _refuse_ignored_offset(self, page: Page, offset: int) -> None:
        """A server that ignores `offset` sends its first page for ever; once may be drift."""
        is_repeated = offset > 0 and self._size > 1 and self._begins_again(page)
        self._repeats = self._repeats + 1 if is_repeated else 0
        if self._repeats >= _MOST_REPEATS:
            raise Inconsistent(
                f"{self._name}: the server ignores `offset` and sends the first page again and again;"
                " this list cannot be read page by page"
            )

    def _may_step_back(self) -> bool:
        self._moved = True
        self._repeats = 0
        self._steps_back += 1
        pages_covered = self._coverage.distinct // self._size
        return self._is_lined_up and self._steps_back <= max(_CALM_STEPS_BACK, pages_covered // 2)

    def _is_end(self, page: Page, offset: int) -> bool:
        seen = offset + page.width
        if page.total is not None:
            if seen > page.total:
                self._doubts.add_low_total(page.total, seen)
            elif seen == page.total and page.width < self._size:
                return True
        # Asked from the last row on, the server has nothing but that row. (A page that is merely short proves nothing.)
        return self._coverage.is_last_row_only(page) and self._size > 1

    def _look_at_front(self, pages: PagesAhead) -> None:
        """Rows that came or jumped to the front while we read were not seen: look there once more."""
        coverage = self._coverage
        if self._doubts or coverage.order is Order.NONE:
            return
        is_short = self._moved and self._total is not None and coverage.distinct < self._total
        if coverage.by_id and not is_short:
            return
        page = self._read(pages, 0)
        if not coverage.by_id and not coverage.has_front(page):
            self._doubts.add("rows moved at the front of the list while it was read")
        self._take(page)


def _looks_capped(rows: int) -> bool:
    """Whether an unpaged list may have been cut at a page: caps are round numbers."""
    return rows >= FULL_PAGE or (rows > 0 and (rows % 10 == 0 or rows % 25 == 0))
