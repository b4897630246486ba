"""Where a list may have been cut: sizes that are no accident, and totals that are no evidence.

Servers cut lists at round numbers: at a page's size, at the last row that they serve at all, at a power of two. A list
of such a size is believed only if something else shows its end.
"""

from leads_assets.engine.records.page import Page

FULL_PAGE = 100
"""The contract's page size: an unpaged list of as many rows may be a truncated one."""
_SMALLEST_PAGE = 10
_SMALLEST_CUT = 20
_SMALLEST_COUNTED_WINDOW = 1_000
_SMALLEST_BOUND = 32_000


def is_worth_a_request(rows: int) -> bool:
    """Whether a response of `rows` rows may be a page of a longer list, so that one request more is well spent."""
    return rows >= _SMALLEST_PAGE and _is_round(rows)


def is_heavy(page: Page) -> bool:
    """Whether a page is as large as those of servers that bound their pages in bytes."""
    return sum(memoryview(record).nbytes for record in page.records) >= _SMALLEST_BOUND


def looks_cut(rows: int) -> bool:
    """Whether a list that comes as one response of `rows` rows, and cannot be asked for more, may be a longer one."""
    return rows >= _SMALLEST_CUT and _is_round(rows)


def looks_like_window(rows: int, *, is_counted: bool) -> bool:
    """Whether pages that end after `rows` rows may be the only ones that the server serves of a longer list.

    `is_counted`: its total says as many. Servers that count no further than they serve do both in thousands.
    """
    if is_counted:
        return rows >= _SMALLEST_COUNTED_WINDOW and (rows % 1_000 == 0 or _is_power_of_two(rows))
    return rows >= FULL_PAGE and _is_round(rows)


def _is_round(rows: int) -> bool:
    return rows % 10 == 0 or rows % 25 == 0 or _is_power_of_two(rows)


def _is_power_of_two(rows: int) -> bool:
    return rows & (rows - 1) == 0


class Totals:
    """The row counts that the server states, and whether they count the list or the page that they come with."""

    def __init__(self) -> None:
        self.stated: int | None = None
        self.moved = False
        """Whether the server has stated different ones."""
        self.is_independent = False
        """Whether one of them was not the number of rows that came with it."""
        self._responses = 0

    def note(self, page: Page) -> None:
        """One more response."""
        self._responses += 1
        if page.total is None:
            return
        self.moved |= self.stated is not None and page.total != self.stated
        self.is_independent |= page.total not in (len(page.records), page.width)
        self.stated = page.total

    @property
    def value(self) -> int | None:
        """The rows of the whole list; None where nothing is stated but the rows of each page."""
        return self.stated if self.is_independent or self._responses == 1 else None
