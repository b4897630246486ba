"""What the pages of a list in order of id show: which rows are there, and which of ours are gone.

This is the only place that calls an id gone, and these are its only reasons:

* A page that holds as many rows as were asked for, all with usable ids that ascend, has two neighbours between which
  the id would stand (at offset 0, nothing stands below the first row). One response is a snapshot, and a full page in
  order of id leaves out nothing between its ends: at that moment the row did not exist. A page that comes short may
  have left out a row, so it is asked for again, with as many rows as it had.
* A page ended below the id, and the same list asked backwards then began with the row that the page ended with:
  nothing stood above it.

Ranks, totals and the end of a page are no evidence. Rows that move between the requests can mislead where the search
looks, never what it marks. A row that is seen later is taken back. Since the list may lag behind the filter of changes,
ids that are young, or that the read of changes has just brought, are not called gone: they wait.
"""

from collections.abc import Callable, Collection, Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from msgspec import Raw

from leads_assets.engine.read.held_ids import HeldIds
from leads_assets.engine.records.page import BIGGEST_ID, Page

_MOST_NARROWINGS = 3
_MOST_SHORT_PAGES = 4
NO_CHEAPER = "a full read costs no more requests than going on"
_COME_SHORT = "pages come short before the end of the list"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRows:
    """The rows that we hold when a search begins, by id.

    `live`: those of the table that are not marked as deleted, strictly ascending; not copied. `read`: those that this
    read of changes brought. `young`: those first seen live less than an hour ago. `candidates`: those that should have
    come with the changes and did not, or that an event calls deleted.
    """

    live: Sequence[int]
    read: Collection[int] = ()
    young: Container[int] = ()
    candidates: Collection[int] = ()


class Inconclusive(Exception):
    """The search cannot go on; the text is the reason."""


class Evidence(NamedTuple):
    """The response that showed ids to be gone: the page at `offset`, whose rows run from id `first` to id `last`.

    `offset` and `first` are None where the list asked backwards began with `last`, below the ids.
    """

    offset: int | None
    first: int | None
    last: int


class Anchor(NamedTuple):
    """A row that a page showed, and its rank: how many rows of the list stood below it."""

    id: int
    rank: int


BOTTOM = Anchor(-BIGGEST_ID - 2, -1)
"""Below every row."""
_ABOVE_ALL = BIGGEST_ID + 1


class View:
    """A page with at least one row, from `offset` on, of a list that is asked for `limit` rows a page."""

    def __init__(self, offset: int, limit: int, page: Page) -> None:
        self.ids = page.usable_ids
        self.offset = offset
        self.first = Anchor(self.ids[0], offset)
        self.last = Anchor(self.ids[-1], offset + len(self.ids) - 1)
        self.low = BOTTOM if offset == 0 else self.first
        """Between this and the last row, the page shows what there is."""
        self.is_short = len(self.ids) < limit
        self.ends_at_total = page.total == offset + len(self.ids)


class ListEvidence:
    """Asks for pages, and keeps what they show. At least one row must be known.

    `held` are the ids that we hold live, less those that the pages showed to be gone or that wait, and the rows below
    our highest one that they showed besides. `limit` is the number of rows to ask for; `most` bounds the requests.
    """

    def __init__(
        self,
        rows: KnownRows,
        *,
        page: Callable[[int, int], Page],
        last: Callable[[], Page],
        limit: int,
        most: int,
    ) -> None:
        self._live = HeldIds(rows.live)
        self._read = frozenset(rows.read)
        self._young = rows.young
        self._candidates = frozenset(rows.candidates)
        self._page = page
        self._last = last
        self._most = most
        self._narrowings = 0
        self.held = HeldIds(rows.live, self._read)
        self._highest = self.held.highest
        self._lowest_seen = _ABOVE_ALL
        self.limit = limit
        self.requests = 0
        self.total: int | None = None
        self.changes = 0
        """How often a page showed something that was not known."""
        self.gone: dict[int, Evidence] = {}
        self.found: dict[int, Raw] = {}
        self.strange: set[int] = set()
        self.waiting: set[int] = set()
        self.alive: set[int] = set()

    @property
    def unsettled(self) -> set[int]:
        """Candidates of which no page has told whether they are gone."""
        return {identity for identity in self._candidates - self.alive if identity in self.held}

    @property
    def requests_left(self) -> int:
        """Requests until the search has cost as much as a full read."""
        return self._most - self.requests

    def look(self, offset: int) -> View | None:
        """The page at `offset`, and what it shows taken in; None if there are no rows. Raises Inconclusive."""
        limit = self.limit
        for _ in range(_MOST_SHORT_PAGES):
            view = self._see(offset, limit)
            if view is None:
                return None
            missing = set(self.held.between(view.low.id, view.last.id)).difference(view.ids)
            if not missing or len(view.ids) == limit:
                self._drop(missing, Evidence(offset, view.first.id, view.last.id))
                return view
            limit = len(view.ids)
        raise Inconclusive(_COME_SHORT)

    def ends_with(self, view: View) -> bool:
        """Whether the list asked backwards begins with the last row of a short view; then ours above it are gone.

        False also where a lower row had to be looked at first, or the limit was narrowed: then look at the top again.
        """
        # A server that ignores the direction begins with its lowest row again: that one must not pass for the end.
        if view.last.rank == 0:
            return False
        if view.last.id <= self._lowest_seen:
            self.look(view.offset - 1)
            return False
        ids = self._ask(self._last).ids
        if not ids or ids[0] is None:
            raise Inconclusive("the list asked backwards shows no row with a usable id")
        if ids[0] < view.first.id:
            raise Inconclusive("asked backwards, the list does not begin with its last row")
        if ids[0] > view.last.id:
            self.narrow(view)
        if ids[0] != view.last.id:
            return False
        self._drop(self.held.between(view.last.id, _ABOVE_ALL), Evidence(None, None, view.last.id))
        return True

    def narrow(self, view: View) -> None:
        """Ask for fewer rows from now on: the view was short before the end of the list.

        A server that caps the rows of a page sends as many again. One that caps bytes may send fewer yet: a half, then
        a third of what it sent.
        """
        self._narrowings += 1
        self.limit = len(view.ids) // self._narrowings
        if self.limit < 2 or self._narrowings > _MOST_NARROWINGS:
            raise Inconclusive(_COME_SHORT)

    def _see(self, offset: int, limit: int) -> View | None:
        page = self._ask(lambda: self._page(offset, limit))
        if not page.records:
            return None
        if None in page.ids:
            raise Inconclusive("a page holds a record without a usable id")
        view = View(offset, self.limit, page)
        if len(view.ids) > limit or any(low >= high for low, high in pairwise(view.ids)):
            raise Inconclusive("a page is longer than was asked for, or not in order of id")
        self._lowest_seen = min(self._lowest_seen, view.first.id)
        self._take_in(view.ids, page.records)
        return view

    def _ask(self, request: Callable[[], Page]) -> Page:
        if self.requests_left <= 0:
            raise Inconclusive(NO_CHEAPER)
        self.requests += 1
        page = request()
        if page.total is not None:
            self.total = page.total
        return page

    def _take_in(self, ids: list[int], records: list[Raw]) -> None:
        self.alive |= self._candidates.intersection(ids)
        self.found |= {row: record for row, record in zip(ids, records, strict=True) if row > self._highest}
        new = {row: record for row, record in zip(ids, records, strict=True) if self._is_unknown(row)}
        self.changes += len(new)
        self.held.add(new)
        for identity in self.waiting.intersection(new):
            self.waiting.remove(identity)
            del new[identity]
        for identity in new:
            self.gone.pop(identity, None)
        self.found |= new
        self.strange |= new.keys()

    def _is_unknown(self, identity: int) -> bool:
        # Rows above our highest one came meanwhile. They stay out of the count: some of them may not have been seen.
        return identity <= self._highest and identity not in self.held

    def _drop(self, ids: Iterable[int], evidence: Evidence) -> None:
        missing = list(ids)
        if len(missing) == len(self.held):
            raise Inconclusive("the list shows none of the rows that are held")
        self.changes += len(missing)
        self.held.remove(missing)
        for identity in missing:
            self.found.pop(identity, None)
            if identity in self._read or (identity in self._young and identity in self._live):
                self.waiting.add(identity)
            elif identity in self._live:
                self.gone[identity] = evidence
