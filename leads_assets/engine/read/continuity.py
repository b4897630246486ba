"""Which part of a list has been read, in memory that does not grow with the list.

What a page tells about the rows before and after it depends on the order of the list:

* Kept in order of id, no row can pass another: rows only come and go. A page that begins at or before the last row that
  was read leaves no gap, whenever it was fetched.
* In the order of last change a changed row jumps to one end. A row that is the same as it was when the page before was
  read has not jumped, so everything around it is still where it was; `FRONT` is about the rows that jumped to the
  front.
* In any other order that can change, a row can jump unseen, and nothing can be proven page by page.
"""

from collections.abc import Hashable
from enum import Enum, auto
from itertools import groupby

from msgspec import Raw

from leads_assets.engine.records.members import raw_member
from leads_assets.engine.records.page import Page


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


_OPPOSITES = {Order.ASCENDING: Order.DESCENDING, Order.DESCENDING: Order.ASCENDING}


class Continuity:
    """What the pages so far have covered.

    `asked` is the order of ids that the request asks for, UNKNOWN if it asks for none. The server is believed only if
    the first page is in that order. `cursor` is the JSON key of a row's last change, None where rows do not tell it.
    """

    def __init__(self, asked: Order = Order.UNKNOWN, cursor: str | None = None) -> None:
        self._cursor = cursor
        self.by_id = asked is not Order.UNKNOWN
        """Whether the server keeps the list in order of id, as it was asked to."""
        self.order = asked
        self.distinct = 0
        self.duplicates = 0
        self.rejected = 0
        self.grew = False
        """Whether the last page brought an id that was not seen before."""
        self.first: int | None = None
        self._begun = False
        self.lowest: int | None = None
        self.highest: int | None = None
        self._front: dict[Hashable, Raw] = {}
        self._tail: dict[Hashable, Raw] = {}
        self._tail_ids: frozenset[int] = frozenset()
        self._last: Hashable = None

    @property
    def last_id(self) -> int | None:
        """The id of the last row that was read, in a list in order of id; None where it has no usable one."""
        return self._last if isinstance(self._last, int) else None

    def seam(self, page: Page) -> Seam:
        """How `page` joins what was read; changes nothing."""
        if not page.records:
            return Seam.OPEN
        keys = self._keys(page)
        if keys[0] == self._last:
            return Seam.EXACT
        if not self._tail.keys().isdisjoint(keys):
            return Seam.MOVED
        return Seam.MOVED if self.by_id and self._begins_within(page.usable_ids) else Seam.OPEN

    def _begins_within(self, ids: list[int]) -> bool:
        if not ids or self.lowest is None or self.highest is None:
            return False
        return (self.order is Order.ASCENDING and ids[0] <= self.highest) or (
            self.order is Order.DESCENDING and ids[0] >= self.lowest
        )

    def is_last_row_only(self, page: Page) -> bool:
        """Whether the page holds the last row that was read, unchanged, and nothing else."""
        return set(self._keys(page)) == {self._last}

    def reaches(self, identity: int) -> bool:
        """Whether a row with that id lies within what was read, in the order of the list."""
        if self.lowest is None or self.highest is None:
            return False
        return (self.order is Order.DESCENDING or identity <= self.highest) and (
            self.order is Order.ASCENDING or identity >= self.lowest
        )

    @property
    def is_ordered(self) -> bool:
        """Whether the ids run one way, and not only because there are too few to tell."""
        return self.order in _OPPOSITES

    def far_end(self, page: Page) -> int | None:
        """The id at the other end of the list, as `page`, the list's beginning when asked backwards, shows it.

        None where it does not: rows in the order that the list has forwards were not asked for backwards, and one row
        alone may be the first one.
        """
        if not self.is_ordered or page.ids[:1] == [None] or _order(page.usable_ids) is not _OPPOSITES[self.order]:
            return None
        there = page.usable_ids[0]
        if not self.reaches(there):
            return there
        is_end = there in self._tail_ids if self.by_id else self._keys(page)[0] == self._last
        return there if is_end else None

    def goes_on(self, page: Page) -> bool:
        """Whether the page has a row beyond what was read; never in a list that is known to have no order."""
        if not page.records or self.order is Order.NONE:
            return False
        if self.by_id:
            return not all(map(self.reaches, page.usable_ids))
        return self._keys(page)[-1] != self._last

    def shared_with_tail(self, page: Page) -> float:
        """The share of the rows of the page read last that `page` holds too."""
        return len(self._tail.keys() & set(self._keys(page))) / max(1, len(self._tail))

    def has_front(self, page: Page) -> bool:
        """Whether a row of the first page is in `page`, unchanged: rows that jumped to the front stand before it."""
        return not self._front.keys().isdisjoint(self._keys(page))

    def admit(self, page: Page) -> tuple[list[Raw], list[int | None]]:
        """Count the page and return its rows, without those that the first page or the one before had word for word."""
        ids = page.usable_ids
        if not self._begun:
            self._begin(ids)
        self.order = _joined(self.order, _order(ids))
        new = self._unknown(ids)
        self.grew = bool(new) or len(ids) < len(page.ids)
        self.distinct += len(new)
        keys = self._keys(page)
        repeated = self._repeated(keys, page.records)
        records = [record for place, record in enumerate(page.records) if place not in repeated]
        identities = [identity for place, identity in enumerate(page.ids) if place not in repeated]
        unusable = identities.count(None)
        self.rejected += unusable
        self.duplicates += len(identities) - unusable - len(new)
        self._extend(ids, keys, page)
        return records, identities

    def _begin(self, ids: list[int]) -> None:
        if self.by_id and _order(ids) not in (self.order, Order.UNKNOWN):
            self.by_id, self.order = False, Order.UNKNOWN
        self._begun = True
        if ids:
            self.first = ids[0]

    def _keys(self, page: Page) -> list[Hashable]:
        """What tells each row from others and, outside the order of id, from itself before it changed."""
        if self.by_id:
            if None not in page.ids:
                return list(page.ids)
            return [
                bytes(record) if identity is None else identity
                for record, identity in zip(page.records, page.ids, strict=True)
            ]
        return [(identity, self._stamp(record)) for record, identity in zip(page.records, page.ids, strict=True)]

    def _stamp(self, record: Raw) -> bytes:
        stamp = b"null" if self._cursor is None else bytes(raw_member(record, self._cursor))
        return bytes(record) if stamp == b"null" else stamp

    def _unknown(self, ids: list[int]) -> set[int]:
        low, high = self.lowest, self.highest
        if self.order is Order.NONE or low is None or high is None:
            return set(ids) - self._tail_ids
        return {identity for identity in ids if not low <= identity <= high}

    def _repeated(self, keys: list[Hashable], records: list[Raw]) -> set[int]:
        """The places of rows that the first page or the one before had word for word."""
        known = self._front | self._tail
        return {place for place, key in enumerate(keys) if key in known and bytes(known[key]) == bytes(records[place])}

    def _extend(self, ids: list[int], keys: list[Hashable], page: Page) -> None:
        if ids:
            self.lowest = min(ids) if self.lowest is None else min(self.lowest, *ids)
            self.highest = max(ids) if self.highest is None else max(self.highest, *ids)
        self._last = keys[-1]
        self._tail = dict(zip(keys, page.records, strict=True))
        self._tail_ids = frozenset(ids)
        self._front = self._front or self._tail


def _order(ids: list[int]) -> Order:
    ascending = sorted(set(ids))
    if len(ascending) < 2:
        return Order.UNKNOWN
    unrepeated = ids if len(ascending) == len(ids) else [identity for identity, _ in groupby(ids)]
    if unrepeated == ascending:
        return Order.ASCENDING
    return Order.DESCENDING if unrepeated[::-1] == ascending else Order.NONE


def _joined(before: Order, now: Order) -> Order:
    if Order.UNKNOWN in (before, now):
        return before if now is Order.UNKNOWN else now
    return before if before is now else Order.NONE
