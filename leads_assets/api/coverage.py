"""Which part of a list has been read, told from the ids alone, in memory that does not grow with the list."""

from enum import Enum, auto

from msgspec import Raw

from leads_assets.api.pages import Page


class Seam(Enum):
    """How a page joins what was read before it."""

    EXACT = auto()
    """Its first row is the last row that was read."""
    MOVED = auto()
    """Rows moved meanwhile, but the page still begins at or before the last row that was read."""
    OPEN = auto()
    """Rows may lie between the two."""


class Order(Enum):
    """How the ids run through the list."""

    UNKNOWN = auto()
    ASCENDING = auto()
    DESCENDING = auto()
    NONE = auto()


class Coverage:
    """What the pages so far have covered.

    In a list that the server keeps in order of id no row can pass another: rows only come and go. So a page that begins
    at or before the last row that was read leaves no gap, and whatever lived through the whole walk has been seen. In a
    list in any other order a row can jump back over the reading point, which no seam shows.
    """

    def __init__(self) -> None:
        self.order = Order.UNKNOWN
        self.distinct = 0
        self.duplicates = 0
        self.rejected = 0
        self.grew = False
        """Whether the last page brought an id that was not seen before."""
        self.first: int | None = None
        self._low = self._high = 0
        self._tail: dict[int, Raw] = {}
        self._last: int | None = None

    def seam(self, page: Page) -> Seam:
        """How `page` joins what was read; changes nothing."""
        ids = [identity for identity in page.ids if identity is not None]
        if self._last is None or page.ids[0] == self._last:
            return Seam.EXACT
        if not self._tail.keys().isdisjoint(ids):
            return Seam.MOVED
        if self.order is Order.ASCENDING and ids and ids[0] <= self._high:
            return Seam.MOVED
        if self.order is Order.DESCENDING and ids and ids[0] >= self._low:
            return Seam.MOVED
        return Seam.OPEN

    def admit(self, page: Page) -> tuple[list[Raw], list[int | None]]:
        """Count the page and return its rows without those that the page before it held in the same words."""
        ids = [identity for identity in page.ids if identity is not None]
        self.rejected += len(page.ids) - len(ids)
        self.order = _joined(self.order, _order(ids))
        new = {identity for identity in ids if not self._knows(identity)}
        self.grew = bool(new) or len(ids) < len(page.ids)
        self.distinct += len(new)
        rows = [
            (record, identity)
            for record, identity in zip(page.records, page.ids, strict=True)
            if identity is None or not self._same(identity, record)
        ]
        self.duplicates += sum(identity is not None for _, identity in rows) - len(new)
        self._extend(ids, page)
        return [record for record, _ in rows], [identity for _, identity in rows]

    def _knows(self, identity: int) -> bool:
        if identity in self._tail:
            return True
        if self.order in (Order.ASCENDING, Order.DESCENDING):
            return bool(self._tail) and self._low <= identity <= self._high
        return False

    def _same(self, identity: int, record: Raw) -> bool:
        before = self._tail.get(identity)
        return before is not None and bytes(before) == bytes(record)

    def _extend(self, ids: list[int], page: Page) -> None:
        if not ids:
            return
        if not self._tail:
            self.first, self._low, self._high = ids[0], min(ids), max(ids)
        self._low, self._high = min(self._low, *ids), max(self._high, *ids)
        self._last = page.ids[-1]
        self._tail = {
            identity: record for record, identity in zip(page.records, page.ids, strict=True) if identity is not None
        }


def _order(ids: list[int]) -> Order:
    if len(ids) < 2:
        return Order.UNKNOWN
    ascending = sorted(set(ids))
    if ids == ascending:
        return Order.ASCENDING
    return Order.DESCENDING if ids[::-1] == ascending else Order.NONE


def _joined(before: Order, now: Order) -> Order:
    if Order.UNKNOWN in (before, now):
        return before if now is Order.UNKNOWN else now
    return before if before is now else Order.NONE
