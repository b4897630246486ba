"""A list in order of id, on a server with every fault that a rank search must survive."""

from array import array
from bisect import insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from msgspec import Raw

from leads_assets.engine.records.page import Page

GAP = 10
"""Ids are this far apart, so that rows can appear between two others."""
Change = Callable[["RankServer"], None]


@dataclass(frozen=True)
class Answer:
    """A page with rows: the first one, and which rows offsets counted, and the key could see, at that moment."""

    first: int
    counted: frozenset[int]
    shown: frozenset[int]


@dataclass
class RankServer:
    """`rows` are the ids that offsets count, in order.

    `hidden` rows are counted, and taken out after paging. `lagging` rows live, but the list shows them only from the
    request on that they are mapped to. `window`: offsets from here on show nothing. `row_cap`: rows a page.
    `byte_cap`: bytes a page, where a row has 1 to 5; at least one row comes. `leaks`: requests whose page leaves out
    its last row but one. `unusable`: the row whose id does not come as a number. `totals`: true, none, capped (at the
    window, or at half of the rows), page (rows of the page), or wrong (by `total_error`). `changes[n]` happen before
    request n is answered; the first request is number 0.
    """

    rows: list[int]
    hidden: set[int] = field(default_factory=set)
    lagging: dict[int, int] = field(default_factory=dict)
    window: int | None = None
    row_cap: int | None = None
    byte_cap: int | None = None
    leaks: set[int] = field(default_factory=set)
    unusable: int | None = None
    ignores_direction: bool = False
    totals: str = "true"
    total_error: int = 0
    changes: dict[int, list[Change]] = field(default_factory=dict)
    deleted: list[int] = field(default_factory=list)
    requests: int = 0
    living: list[frozenset[int]] = field(default_factory=list)
    """The rows that lived, and that the key may see, at each request; also where the list lags."""
    answers: list[Answer] = field(default_factory=list)

    def page(self, offset: int, limit: int) -> Page:
        """Rows in ascending order of id."""
        number, listing = self._next_request()
        end = offset + min(limit, self.row_cap or limit)
        rows = listing[offset : end if self.window is None else min(end, self.window)]
        rows = [row for row in self._within_bytes(rows) if row not in self.hidden]
        if number in self.leaks and len(rows) > 1:
            del rows[-2]
        if rows:
            self.answers.append(Answer(rows[0], frozenset(listing), frozenset(listing) - self.hidden))
        return self._answer(rows, len(listing))

    def last(self) -> Page:
        """The first row of the list asked backwards."""
        return self.backwards(1)

    def backwards(self, limit: int) -> Page:
        """The first rows of the list asked backwards."""
        _, listing = self._next_request()
        rows = listing[:limit] if self.ignores_direction else listing[::-1][:limit]
        return self._answer([row for row in rows if row not in self.hidden], len(listing))

    def _next_request(self) -> tuple[int, list[int]]:
        number = self.requests
        for change in self.changes.get(number, []):
            change(self)
        self.requests += 1
        self.living.append(frozenset(self.rows) - self.hidden)
        return number, [row for row in self.rows if self.lagging.get(row, 0) <= number]

    def _within_bytes(self, rows: list[int]) -> list[int]:
        if self.byte_cap is None:
            return rows
        room, kept = self.byte_cap, 0
        for row in rows:
            room -= row // GAP % 5 + 1
            if room < 0 and kept:
                break
            kept += 1
        return rows[:kept]

    def _answer(self, rows: list[int], count: int) -> Page:
        totals = {
            "true": count,
            "capped": min(count, count // 2 if self.window is None else self.window),
            "page": len(rows),
            "wrong": max(0, count + self.total_error),
        }
        ids = [None if row == self.unusable else row for row in rows]
        return Page(_records(rows), list(ids), totals.get(self.totals))

    def delete(self, share: float) -> None:
        """A row is deleted; `share`, from 0 to 1, says how far up."""
        if self.rows:
            self.deleted.append(self.rows.pop(int(share * len(self.rows))))

    def restore(self, share: float) -> None:
        """A deleted row comes back."""
        if self.deleted:
            insort(self.rows, self.deleted.pop(int(share * len(self.deleted))))

    def insert(self, share: float) -> None:
        """A row that never was appears among the others."""
        row = int(share * self._highest())
        if row not in self.rows and row not in self.deleted:
            insort(self.rows, row)

    def create(self, share: float = 0) -> None:
        """A row comes with a new highest id."""
        self.rows.append(self._highest() + GAP)

    def swap(self, share: float) -> None:
        """One row comes back and another one goes: the count stays."""
        self.restore(share)
        self.delete(1 - share if share else 0)

    def _highest(self) -> int:
        return max([*self.rows, *self.deleted], default=0)


class CalmServer:
    """A large list that does not change: the ids from 1 to `count` without those that are `gone`."""

    def __init__(self, count: int, gone: Iterable[int], *, totals: bool) -> None:
        self.rows: Sequence[int] = _without(count, sorted(gone))
        self._totals = totals

    def page(self, offset: int, limit: int) -> Page:
        """Rows in ascending order of id."""
        return self._answer(self.rows[offset : offset + limit])

    def last(self) -> Page:
        """The first row of the list asked backwards."""
        return self._answer(self.rows[-1:])

    def _answer(self, rows: Sequence[int]) -> Page:
        return Page(_records(rows), list(rows), len(self.rows) if self._totals else None)


@cache
def first_ids(count: int) -> "array[int]":
    """The ids from 1 to `count`."""
    return array("q", range(1, count + 1))


def _without(count: int, gone: list[int]) -> "array[int]":
    rows = array("q")
    for before, after in zip([0, *gone], [*gone, count + 1], strict=True):
        rows += first_ids(count)[before : after - 1]
    return rows


def _records(rows: Iterable[int]) -> list[Raw]:
    return [Raw(b'{"id":%d}' % row) for row in rows]
