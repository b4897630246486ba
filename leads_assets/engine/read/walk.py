"""The walk: all pages of one list in order, seams checked, ending in a verdict.

Adjacent pages overlap by one row. There is no snapshot: while we read, rows come and go and the offsets drift. The
overlap shows it, a step back repairs it, and the verdict says whether what was read is the whole list:

* every row that lived through the whole walk is in it, and
* no row that was gone before the walk began is.

A list is `proven` when both its ends were shown, all seams closed, the count agrees with every total that counts the
list (and not the page), and no row can have moved unseen. Otherwise the walk ends `unproven` with the reason, or
raises.

The far end of a list is shown by the list itself, asked backwards: nothing there may lie beyond what was read. Pages
that bring no more rows show no end: a server may serve only its first rows, cut its pages by their bytes, or take rows
out of a page after cutting it.

What this trusts: one response is a snapshot; the ids of a list that is not in order of id (or of last change) do not
run in order by accident over several pages; and a list that cannot be asked backwards is cut, if at all, at a round
number of rows.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from enum import Enum, auto
from typing import NamedTuple, Protocol

from msgspec import Raw

from leads_assets.engine.errors import EndpointError, Inconsistent
from leads_assets.engine.http.transport import CONNECTIONS
from leads_assets.engine.read import ends
from leads_assets.engine.read.continuity import Continuity, Order, Seam
from leads_assets.engine.read.ends import FULL_PAGE, Totals
from leads_assets.engine.read.far_end import FarEnd
from leads_assets.engine.read.objections import Objections, WalkResult
from leads_assets.engine.read.prefetch import Prefetcher
from leads_assets.engine.records.page import Page

MOST_PAGES = 200_000
"""No list needs more: at 100 rows a page this is 100 times the largest account that the day's quota could read."""
_CALM_STEPS_BACK = 15
_FULL_PAGES_BEFORE_AHEAD = 3
_IDLE_PAGES = 10
_MOST_REPEATS = 2


class Pages(Protocol):
    """The requests of one list; each method that asks returns a page or raises an ApiError."""

    @property
    def name(self) -> str:
        """The endpoint, for messages."""

    @property
    def paged(self) -> bool:
        """Whether the contract reads the list page by page."""

    @property
    def order(self) -> Order:
        """The order of ids that the requests ask for, if they do."""

    def first(self) -> Page:
        """The first page, or the only one."""

    def at(self, offset: int, limit: int) -> Page:
        """At most `limit` rows from row `offset` (from 0) on."""

    def backwards(self, limit: int, order: Order) -> Page:
        """The first `limit` rows of the list in the order opposite to `order`."""

    def ensure(self, pages: int, rows: int) -> None:
        """Raise QuotaExhausted if the budget cannot carry so many more pages of a list of `rows`."""

    def cancel(self) -> None:
        """Let no thread sit out a wait for a page that nobody wants any more."""


class Rows(NamedTuple):
    """What a page brought that was not read before; `exact`: the columns hold these records exactly."""

    records: list[Raw]
    ids: list[int | None]
    exact: bool


class Place(NamedTuple):
    """A row of a list in ascending order of id: its id, and how many rows of the list stood below it."""

    id: int
    rank: int


class _Next(Enum):
    """What follows a page."""

    END = auto()
    PAGE = auto()
    """The page that begins with its last row."""
    BEYOND = auto()
    """Whatever the server has after its last row: it does not send that row and another one together."""


class OverlapWalk:
    """One walk through one list: iterate over it for the rows, then ask for the `result`.

    `limit`: rows a page; `threads`: pages fetched at a time. `is_part`: the list is one of several, and an empty one is
    nothing to wonder at. `had_rows`: it had rows before, so that even a count of 0 is no reason to believe that it is
    empty. `cursor` is the JSON key of a row's last change. `trusts_total`: whether a count that is not that of a page
    shows the end, as in reads of changes, which the whole list is compared with afterwards.
    """

    def __init__(
        self,
        source: Pages,
        *,
        limit: int = FULL_PAGE,
        threads: int = CONNECTIONS,
        is_part: bool = False,
        had_rows: bool = False,
        cursor: str | None = None,
        trusts_total: Callable[[], bool] = lambda: False,
    ) -> None:
        self._source = source
        self._trusts_total = trusts_total
        self._limit = limit
        self._threads = threads
        self._is_part = is_part
        self._had_rows = had_rows
        self._continuity = Continuity(source.order, cursor)
        self._totals = Totals()
        self._objections = Objections()
        self._size = limit
        self._pages = 0
        self._steps_back = 0
        self._repeats = 0
        self._is_lined_up = True
        self._is_full = False
        self._was_short = False
        self._is_calm = True
        self._furthest = 0
        self._end = 0
        self._idle = 0
        self._moved = False
        self._hides = False
        self._far_end = FarEnd(self._ask_backwards, limit)
        self._probed: Page | None = None

    def __iter__(self) -> Generator[Rows]:
        """Read the list to its end. Raises an ApiError, also one of its own: Inconsistent."""
        page = self._begin()
        self._end = page.width
        yield from self._admit(page)
        if not self._ends_with_first(page):
            with Prefetcher(self._fetch, self._threads, self._source.cancel) as pages:
                if self._source.paged or self._is_paged_after_all(page, pages):
                    yield from self._follow(page, pages)
                    yield from self._look_at_front(pages)

    def result(self) -> WalkResult:
        """How the walk ended; call it when all rows were taken."""
        result = self._objections.outcome(
            self._continuity, self._totals, pages=self._pages, moved=self._moved or self._totals.moved
        )
        return replace(result, calibrates=self._calibrates())

    def _calibrates(self) -> bool | None:
        """By rank, the last row read has as many rows before it as were read before it."""
        if self._moved or self._continuity.rejected or not self._continuity.by_id:
            return None
        return self._end == self._continuity.distinct

    @property
    def place(self) -> Place | None:
        """The last row that was read; None where the list is in another order, or that row has no usable id."""
        last = self._continuity.last_id
        is_ascending = self._continuity.by_id and self._source.order is Order.ASCENDING
        return Place(last, self._end - 1) if is_ascending and last is not None else None

    @property
    def pages(self) -> int:
        """Pages so far."""
        return self._pages

    @property
    def distinct(self) -> int:
        """Different rows so far."""
        return self._continuity.distinct

    @property
    def counts_alike(self) -> bool:
        """Whether offsets seem to count just the rows that are read.

        Rows that are left out of a page make it short, and the next one begins too early.
        """
        return not self._hides and not self._continuity.rejected

    @property
    def shows_end(self) -> bool:
        """Whether the list was asked backwards, and does not begin beyond what was read."""
        return self._far_end.is_reached(self._continuity)

    def _begin(self) -> Page:
        page = self._noted(self._source.first())
        if page.records or self._is_part or (page.total is not None and not self._had_rows):
            return page
        # Servers have been seen to send an empty page by mistake, and this one would empty the whole table.
        if not self._continuity.by_id:
            return self._noted(self._source.first())
        if not self._ask_backwards(self._limit, self._continuity.order).records:
            return page
        page = self._noted(self._source.first())
        if not page.records:
            self._objections.add("the list begins with an empty page, but asked backwards it has rows")
        return page

    def _ends_with_first(self, page: Page) -> bool:
        rows, total = page.width, self._totals.value
        if rows == 0:
            return True
        if total is not None and rows > total:
            self._objections.add_low_total(total, rows)
        # A total that equals the rows may be their count, and they a page.
        is_all = rows == total and not ends.is_worth_a_request(rows)
        if self._source.paged:
            if is_all and rows < self._limit and not ends.is_heavy(page):
                return True
        elif is_all or (total is None and rows < FULL_PAGE and not ends.is_worth_a_request(rows)):
            return True
        if total is not None:
            self._source.ensure(-(-max(0, total - rows) // max(1, rows - 1)) + 1, total)
        return False

    def _is_paged_after_all(self, first: Page, pages: Prefetcher) -> bool:
        """One probe of an unpaged list that may be cut: asks for half as many rows, from the last row on."""
        self._size = first.width
        self._limit = max(2, self._size // 2)
        try:
            page = self._read(pages, max(self._size - 1, 1))
        except EndpointError as error:
            self._objections.add(f"it may be truncated, and asking for more failed ({error})")
            return False
        finally:
            self._limit = max(2, self._size)
        is_whole_again = self._continuity.shared_with_tail(page) > 0.5
        if not is_whole_again and not self._begins_again(page):
            self._probed = page if page.records else None
            return True
        total = self._totals.value
        if total is not None and total != self._size:
            self._objections.add("the server ignores the offset")
        elif total is None and (not is_whole_again or ends.looks_cut(self._size)):
            self._objections.suspect = self._size
        return False

    def _ask_backwards(self, limit: int, order: Order) -> Page:
        return self._noted(self._source.backwards(limit, order))

    def _fetch(self, offset: int) -> Page:
        return self._source.at(offset, self._limit)

    def _follow(self, page: Page, pages: Prefetcher) -> Iterator[Rows]:
        """Read on from the first page, which is taken, to the end of the list."""
        offset, brings_more, self._size = 0, True, page.width
        self._was_short = page.width < self._limit
        while (following := self._after(page, offset, brings_more=brings_more)) is not _Next.END:
            seen = offset + page.width
            self._count_idle(seen)
            if following is _Next.BEYOND:
                beyond = self._beyond(pages, seen)
                if beyond is None:
                    return
                page, offset, brings_more = beyond, seen, True
            else:
                joined = self._joined(pages, seen)
                if joined is None:
                    return
                page, offset = joined
                brings_more = not self._continuity.is_last_row_only(page)
            self._end = offset + page.width
            yield from self._admit(page)
            self._is_full = page.width >= self._size
            self._was_short = not self._is_full
            self._size = max(self._size, page.width)

    def _joined(self, pages: Prefetcher, seen: int) -> tuple[Page, int] | None:
        """The next page and its offset; the first `seen` rows were read. None where there is nothing to line up."""
        offset, back = max(seen - 1, 0), 1
        while True:
            page = self._read(pages, offset)
            self._refuse_ignored_offset(page, offset)
            seam = self._continuity.seam(page)
            self._is_calm = seam is Seam.EXACT
            if seam is not Seam.OPEN or (offset == 0 and page.records):
                self._moved |= not self._is_calm
                self._hides |= seam is Seam.MOVED and offset == seen - 1 and self._was_short
                return page, offset
            if not self._may_step_back():
                self._is_lined_up = False
                self._objections.add("rows moved so often that the pages could not be lined up")
                return (page, offset) if page.records else None
            offset, back = max(0, offset - back * max(1, self._size - 1)), back * 2

    def _after(self, page: Page, offset: int, *, brings_more: bool) -> _Next:
        """What follows a page that was taken."""
        seen, by_id = offset + page.width, self._continuity.by_id
        total = None if self._totals.value is None else page.total
        is_short = page.width < (self._size if offset else max(self._size, self._limit))
        if total is not None and seen > total:
            self._objections.add_low_total(total, seen)
        if by_id and self._far_end.is_reached(self._continuity):
            return _Next.END
        # A row cannot be asked for by the row before it where a page has room for one.
        if self._is_confirmed(seen, total):
            return _Next.END
        has_next = brings_more and page.width > 1
        if has_next and seen != total and not (is_short and by_id):
            return _Next.PAGE
        if self._far_end.is_due(self._continuity):
            self._far_end.look(self._continuity)
            if self._far_end.place is not None:
                return _Next.END if self._far_end.is_reached(self._continuity) else _Next.PAGE
        is_counted = self._totals.is_independent and not self._far_end.is_hidden
        if is_counted and self._far_end.place is None and (not brings_more or (seen == total and is_short)):
            self._suspect_window(seen)
            return _Next.END
        return _Next.PAGE if has_next else _Next.BEYOND

    def _is_confirmed(self, seen: int, total: int | None) -> bool:
        """Whether a count of its own, which is no limit of a server, shows the end of what was asked for."""
        return (
            self._trusts_total()
            and self._totals.is_independent
            and seen == total
            and not ends.looks_like_window(seen, is_counted=True)
        )

    def _beyond(self, pages: Prefetcher, seen: int) -> Page | None:
        """The page after the first `seen` rows, asked for without an overlap; None where the list ends there."""
        total = self._totals.value
        if total is None or total <= seen:  # else an empty page would be a fault
            page = self._read(pages, seen)
            if self._continuity.goes_on(page):
                self._objections.add("rows were left out of a page, so the pages could not be lined up")
                return page
            if page.records and not self._continuity.is_last_row_only(self._read(pages, seen - 1)):
                self._objections.add("rows moved where the list seemed to end")
        if self._far_end.place is not None:
            self._far_end.look(self._continuity)
            if not self._far_end.is_reached(self._continuity):
                self._objections.add(
                    f"no page goes on after {seen:,} rows, but asked backwards the list begins with a row beyond them"
                )
        elif self._far_end.is_hidden:
            self._objections.add("asked backwards the list is empty, so its end was not shown")
        else:
            self._suspect_window(seen)
        return None

    def _suspect_window(self, seen: int) -> None:
        """The pages end after `seen` rows, and the list does not show its end otherwise."""
        if ends.looks_like_window(seen, is_counted=self._totals.is_independent):
            self._objections.suspect = seen

    def _count_idle(self, seen: int) -> None:
        if seen <= self._furthest:
            return
        self._furthest = seen
        self._idle = 0 if self._continuity.grew else self._idle + 1
        if self._idle > _IDLE_PAGES:
            raise Inconsistent(f"{self._source.name}: page after page brings only rows that were read before")

    def _read(self, pages: Prefetcher, offset: int) -> Page:
        if self._pages >= MOST_PAGES:
            raise Inconsistent(f"{self._source.name}: no end after {MOST_PAGES:,} pages; check the endpoint's paging")
        if self._probed is not None:
            page, self._probed = self._probed, None
            return page
        total, end, ahead = self._totals.value, offset + 1, 1
        # Pages fetched ahead in a list that moves are mostly wasted, and in any other order than that of id it matters
        # when a page was read.
        if self._continuity.by_id and self._is_calm:
            if total is not None:
                end, ahead = max(total - 1, offset + 1), self._threads
            elif self._pages >= _FULL_PAGES_BEFORE_AHEAD and self._is_full:
                end, ahead = offset + self._size * self._threads, min(self._pages - 1, self._threads)
        return self._noted(pages.read(offset, step=max(1, self._size - 1), end=end, ahead=ahead))

    def _noted(self, page: Page) -> Page:
        self._pages += 1
        self._totals.note(page)
        return page

    def _admit(self, page: Page) -> Iterator[Rows]:
        if page.records:
            yield Rows(*self._continuity.admit(page), page.exact)

    def _begins_again(self, page: Page) -> bool:
        return bool(page.records) and page.ids[0] is not None and page.ids[0] == self._continuity.first

    def _refuse_ignored_offset(self, page: Page, offset: int) -> None:
        """A server that ignores the offset sends its first page for ever; once may be drift."""
        is_repeated = offset > 0 and self._size > 1 and self._begins_again(page)
        self._repeats = self._repeats + 1 if is_repeated else 0
        if self._repeats >= _MOST_REPEATS:
            raise Inconsistent(
                f"{self._source.name}: the server ignores the offset and sends the first page again"
                " and again; this list cannot be read page by page"
            )

    def _may_step_back(self) -> bool:
        self._moved = True
        self._repeats = 0
        self._steps_back += 1
        pages_covered = self._continuity.distinct // self._size
        return self._is_lined_up and self._steps_back <= max(_CALM_STEPS_BACK, pages_covered // 2)

    def _look_at_front(self, pages: Prefetcher) -> Iterator[Rows]:
        """Rows that came or jumped to the front while we read were not seen: look there once more."""
        continuity, total = self._continuity, self._totals.value
        if self._objections or continuity.order is Order.NONE:
            return
        is_short = (self._moved or self._totals.moved) and total is not None and continuity.distinct < total
        if continuity.by_id and not is_short:
            return
        page = self._read(pages, 0)
        if not continuity.by_id and not continuity.has_front(page):
            self._objections.add("rows moved at the front of the list while it was read")
        yield from self._admit(page)
