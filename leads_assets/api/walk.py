"""The walk: all pages of one list in order, seams checked, ending in a verdict.

Adjacent pages overlap by one row. There is no snapshot: while we read, rows come and go and the offsets drift. The
overlap shows it, a step back repairs it, and the verdict says whether what was read is the whole list:

* every row that lived through the whole walk is in it, and
* no row that was gone before the walk began is.

A list is `proven` when its end was reached, all seams closed, the count agrees with the server's total, and no row can
have moved unseen. Otherwise the walk ends `unproven` with the reason, or raises.
"""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec import Raw

from leads_assets.api.ahead import PagesAhead
from leads_assets.api.coverage import Coverage, Order, Seam
from leads_assets.api.errors import EndpointError, Inconsistent
from leads_assets.api.pages import Page
from leads_assets.extract import Verdict

FULL_PAGE = 100
"""The contract's page size: an unpaged list of as many rows may be a truncated one."""
MOST_PAGES = 200_000
"""No list needs more: at 100 rows a page this is 100 times the largest account that the day's quota could read."""
_CALM_STEPS_BACK = 50
_FULL_PAGES_BEFORE_AHEAD = 3
_IDLE_PAGES = 10

Sink = Callable[[list[Raw], list[int | None]], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a walk ended. `total` is the last row count that the server stated."""

    verdict: Verdict
    reason: str
    pages: int
    distinct: int
    duplicates: int
    total: int | None


class Walk:
    """One walk through one list.

    `first` sends the first request, `at(offset, limit)` a page of a paged list; both return or raise a LeadsApiError.
    `fits(pages, rows)` is asked once the total is known, and raises if the budget cannot carry it. `sink` gets each
    page's rows and ids, without repetitions.
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
        threads: int = 4,
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
        self._coverage = Coverage()
        self._size = limit
        self._pages = 0
        self._steps_back = 0
        self._furthest = 0
        self._idle = 0
        self._total: int | None = None
        self._moved = False
        self._doubts: list[str] = []

    def run(self) -> Outcome:
        """Read the list to its end. Raises a LeadsApiError, also one of its own: Inconsistent."""
        page = self._first()
        self._note(page)
        self._take(page)
        if not self._ends_with_first(page):
            with PagesAhead(self._fetch, self._threads, self._cancel) as pages:
                self._follow(pages, len(page.records))
                self._check_front(pages)
        return self._outcome()

    def _ends_with_first(self, page: Page) -> bool:
        rows = len(page.records)
        if self._total is not None and rows > self._total:
            self._doubt_total(rows)
        if self._paged:
            if rows == 0 or (rows < self._limit and rows == self._total):
                return True
        elif rows == self._total or (self._total is None and not _looks_capped(rows)):
            return True
        self._size = rows
        if self._total is not None:
            self._fits(-(-max(0, self._total - rows) // max(1, rows - 1)), self._total)
        return False

    def _fetch(self, offset: int) -> Page:
        return self._at(offset, self._limit if self._paged else self._size)

    def _follow(self, pages: PagesAhead, rows: int) -> None:
        """Read on from the first page's `rows` to the end of the list."""
        offset, back = max(rows - 1, 1), 1
        while True:
            try:
                page = self._read(pages, offset)
            except EndpointError as error:
                if self._paged or self._pages > 1:
                    raise
                self._doubts.append(f"it may be truncated, and asking for more failed ({error})")
                return
            if not page.records and page.total is None and offset < (self._total or 0):
                raise Inconsistent(f"{self._name}: no row at row {offset:,} where the server states {self._total:,}")
            if self._is_first_page_again(page):
                return
            seam = self._coverage.seam(page) if page.records else Seam.OPEN
            if seam is Seam.OPEN and offset > 0:
                if not page.records and self._size == 1:
                    return
                if self._may_step_back():
                    offset, back = max(0, offset - back * max(1, self._size - 1)), back * 2
                    continue
                self._doubt("rows moved so often that the pages could not be lined up")
            back = 1
            self._moved |= seam is Seam.MOVED
            self._take(page)
            seen = offset + len(page.records)
            if self._is_end(page, seen):
                return
            self._count_idle(seen)
            self._size = max(self._size, len(page.records))
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
        if self._total is not None:
            end, ahead = max(self._total - 1, offset + 1), self._threads
        elif self._pages >= _FULL_PAGES_BEFORE_AHEAD:
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

    def _is_first_page_again(self, page: Page) -> bool:
        """A server that ignores `offset` sends its first page for ever."""
        if self._size == 1 or not page.records or page.ids[0] is None or page.ids[0] != self._coverage.first:
            return False
        if self._steps_back:
            return False
        if self._paged:
            raise Inconsistent(
                f"{self._name}: the server ignores `offset` and sends the first page again;"
                " this list cannot be read page by page"
            )
        if self._total is not None and self._coverage.distinct < self._total:
            self._doubt(
                f"the server states {self._total:,} rows, sends {self._coverage.distinct:,} and ignores `offset`"
            )
        return True

    def _may_step_back(self) -> bool:
        self._moved = True
        self._steps_back += 1
        return self._steps_back <= max(_CALM_STEPS_BACK, self._pages // 2)

    def _is_end(self, page: Page, seen: int) -> bool:
        if not page.records:
            return True
        if self._total is not None and page.total is not None and seen > self._total:
            self._doubt_total(seen)
        if len(page.records) >= self._size:
            return False
        if self._total is not None:
            return seen >= self._total
        return not self._coverage.grew

    def _doubt(self, reason: str) -> None:
        if reason not in self._doubts:
            self._doubts.append(reason)

    def _doubt_total(self, seen: int) -> None:
        self._doubt(f"the server states fewer rows ({self._total:,}) than it sends ({seen:,} and more)")

    def _check_front(self, pages: PagesAhead) -> None:
        """Rows that came to the front while we read are not seen, and would make the count disagree: look there."""
        if self._moved and self._total is not None and self._coverage.distinct < self._total:
            page = pages.read(0, step=1, end=1, ahead=1)
            self._note(page)
            self._take(page)

    def _outcome(self) -> Outcome:
        coverage, total = self._coverage, self._total
        if coverage.rejected:
            self._doubt(f"{coverage.rejected:,} records came without a usable id")
        if self._pages > 1 and coverage.order is Order.NONE:
            self._doubt("the list is not in order of id, so rows may have moved unseen while it was read")
        elif coverage.order is Order.NONE and coverage.duplicates:
            self._doubt(f"{coverage.duplicates:,} records repeat an id")
        if total is not None and not coverage.rejected:
            short = coverage.distinct < total
            if short or (coverage.distinct > total and not self._moved):
                self._doubt(f"the server states {total:,} rows, {coverage.distinct:,} different ids were read")
        return Outcome(
            verdict=Verdict.UNPROVEN if self._doubts else Verdict.PROVEN,
            reason="; ".join(self._doubts),
            pages=self._pages,
            distinct=coverage.distinct,
            duplicates=coverage.duplicates,
            total=total,
        )


def _looks_capped(rows: int) -> bool:
    """Whether an unpaged list may have been cut at a page: caps are round numbers."""
    return rows >= FULL_PAGE or (rows > 0 and (rows % 10 == 0 or rows % 25 == 0))
