"""The rank search: which of our ids are gone from a list in order of id, in a handful of requests.

A page at offset `o` that begins with id `a` says that `o` rows of the list stand below `a`. Where we hold `p` ids below
`a`, the *balance* `p - o` is the number of ours that are gone below `a`, less the number of rows there that we do not
hold. The search asks at the place of our highest id. If the balance is zero, that closes it: one request. Else it
bisects towards the stretches whose counts differ, and looks at the top again.

Why no living row is marked: only what a response itself shows makes an id gone (see `rank_evidence`). Counts decide
where to look and when to stop, never what is gone.

Why `current` is true: the last page at the top begins with a row `f` at offset `o`, where we hold exactly `o` ids below
`f`; from `f` on, each id was compared. So what we hold and the list differ by *balanced pairs* at most: at the moment
of that page, as many of ours below `f` are gone as rows are there that we do not hold.

The assumption, which the README states: an id that we do not hold live never appears below our highest one without a
new time of change. Under it, the other half of a pair is a row that came after the read of changes: the next read
brings it, and the next search then finds what is gone. Against it, only a full read finds both. Where a page shows such
a row, the search goes on to find what it can, and the table is not `current`.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from msgspec import Raw

from leads_assets.engine.read.rank_cost import full_read_requests
from leads_assets.engine.read.rank_evidence import (
    BOTTOM,
    NO_CHEAPER,
    Anchor,
    Evidence,
    Inconclusive,
    KnownRows,
    ListEvidence,
    View,
)
from leads_assets.engine.read.rank_top import reach_top
from leads_assets.engine.records.page import Page

MOST_ROUNDS = 5
"""Bisections in one search: rows that move meanwhile make another one necessary."""
_LOOKS_PER_CANDIDATE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RankResult:
    """What a rank search found, and whether the table may be called `current` once this is loaded.

    `gone`: ids held live that the list no longer has, each with its evidence. `found`: records that the list showed and
    we did not hold, by id, to be loaded. `strange`: the ids among these below our highest one. `waiting`: ids that the
    list does not show, but that are young or were just read. `alive`: candidates that the list still has.
    `reason`: why the table is not `current`, or an empty text. `next_full`: whether the next read should be full.
    `total`: the last row count that the server stated, or None.
    """

    gone: Mapping[int, Evidence]
    found: Mapping[int, Raw]
    strange: frozenset[int]
    waiting: frozenset[int]
    alive: frozenset[int]
    current: bool
    reason: str
    next_full: bool
    requests: int
    total: int | None


def calibrates(*, first_rank: int, last_rank: int, rows: int) -> bool:
    """Whether a full read, or one part of it, shows that offsets count only rows that the key sees.

    `first_rank` and `last_rank` are the ranks, from 0, of the first and the last row read: the page's offset plus the
    row's place in it. `rows` is the number of different ids read from the one to the other, both included.
    """
    return last_rank - first_rank + 1 == rows


def rank_search(
    rows: KnownRows,
    *,
    page: Callable[[int, int], Page],
    last: Callable[[], Page],
    limit: int,
    calibrated: bool,
    reads: int = 1,
) -> RankResult:
    """Find which of our live rows are gone from the list, in at most as many requests as `reads` full reads take.

    `page(offset, limit)`: rows of the list in ascending order of id. `last()`: the first row of the same list asked
    backwards. `limit`: rows on a page of this server; where it sends fewer, the search learns so. `calibrated`: whether
    the last full read of the same list calibrates. The places of candidates are looked at first.

    Raises what `page` and `last` raise.
    """
    if not calibrated:
        return _unsearched("the last full read did not show that offsets count only rows that this key sees")
    if not rows.live:
        return _unsearched("no live row is held", next_full=True)
    if limit < 2:
        return _unsearched("pages of one row cannot overlap")
    most = reads * full_read_requests(len(rows.live), limit)
    evidence = ListEvidence(rows, page=page, last=last, limit=limit, most=most)
    try:
        _Search(evidence).run()
    except Inconclusive as stop:
        return _result(evidence, str(stop))
    return _result(evidence, "")


def _unsearched(reason: str, *, next_full: bool = False) -> RankResult:
    none: frozenset[int] = frozenset()
    return RankResult(
        gone={},
        found={},
        strange=none,
        waiting=none,
        alive=none,
        current=False,
        reason=reason,
        next_full=next_full,
        requests=0,
        total=None,
    )


def _result(evidence: ListEvidence, stopped: str) -> RankResult:
    reasons = [stopped] if stopped else []
    if evidence.strange:
        reasons.append(f"rows are there that the changes did not show: {len(evidence.strange):,}")
    if evidence.alive:
        reasons.append("rows that should have come with the changes did not, and are still there")
    elif evidence.unsettled and not stopped:
        reasons.append("rows that should have come with the changes could not be looked at")
    next_full = bool(reasons)
    if evidence.waiting:
        reasons.append(f"rows that came lately are not in the list (yet): {len(evidence.waiting):,}")
    return RankResult(
        gone=evidence.gone,
        found=evidence.found,
        strange=frozenset(evidence.strange),
        waiting=frozenset(evidence.waiting),
        alive=frozenset(evidence.alive),
        current=not reasons,
        reason="; ".join(reasons),
        next_full=next_full,
        requests=evidence.requests,
        total=evidence.total,
    )


class _Stretch(NamedTuple):
    """What lies between two rows of the list."""

    low: Anchor
    high: Anchor

    @property
    def rows(self) -> int:
        """How many rows of the list; negative where rows moved between the two answers."""
        return self.high.rank - self.low.rank - 1


class _Search:
    """Where to look: candidates, the top, then by bisection, and the top again."""

    def __init__(self, evidence: ListEvidence) -> None:
        self._evidence = evidence
        self._held = evidence.held

    def run(self) -> None:
        """Look until the ranks close. Raises Inconclusive if they do not."""
        for candidate in sorted(self._evidence.unsettled):
            if candidate in self._evidence.unsettled:
                self._look_at(candidate)
            if self._evidence.alive:
                # Whatever else is found, the next read is full.
                return
        self._close()

    def _look_at(self, candidate: int) -> None:
        rank = self._held.below(candidate)
        for _ in range(_LOOKS_PER_CANDIDATE):
            view = self._evidence.look(max(0, rank - self._evidence.limit // 2))
            if view is None or view.low.id < candidate <= view.last.id:
                return
            rank = view.offset + self._held.below(candidate) - self._held.below(view.first.id)

    def _close(self) -> None:
        for rounds_left in reversed(range(MOST_ROUNDS + 1)):
            top = reach_top(self._evidence)
            below_top = _Stretch(BOTTOM, top.first)
            if self._balance(below_top) == 0:
                self._read_on(top)
                return
            if rounds_left:
                self._bisect_usefully(below_top)
        raise Inconclusive(f"after {MOST_ROUNDS} rounds the ranks still differ: rows move while they are counted")

    def _balance(self, stretch: _Stretch) -> int:
        """How many of ours are gone in between, less how many rows there are that we do not hold."""
        return self._held.count_between(stretch.low.id, stretch.high.id) - stretch.rows

    def _bisect_usefully(self, stretch: _Stretch) -> None:
        before = self._evidence.changes
        self._bisect(stretch)
        if self._evidence.changes == before:
            raise Inconclusive("the server counts other rows than its pages show")

    def _bisect(self, whole: _Stretch) -> None:
        """Look into each stretch whose counts differ, until its rows stand in one page. Equal counts are left alone."""
        stretches = deque([whole])
        while stretches:
            if self._evidence.requests_left <= len(stretches):
                raise Inconclusive(NO_CHEAPER)
            stretch = stretches.popleft()
            stretches.extend(part for part in self._split(stretch) if self._balance(part) != 0 and part.rows >= 0)

    def _split(self, stretch: _Stretch) -> Iterator[_Stretch]:
        """Look into a stretch; what the page leaves open on either side of it."""
        low, high = stretch
        view = self._evidence.look(self._offset_within(stretch))
        if view is None:
            return
        if view.low.id > low.id:
            yield _Stretch(low, view.first)
        if view.last.id < high.id:
            if view.is_short:
                self._evidence.narrow(view)
            if view.is_short or view.last.rank > low.rank:
                yield _Stretch(max(low, view.last), high)

    def _offset_within(self, stretch: _Stretch) -> int:
        """A page in the middle, or, where one page can hold all, the one that begins with the lower row."""
        limit = self._evidence.limit
        if stretch.rows + 2 <= limit:
            return max(0, stretch.low.rank)
        return (stretch.low.rank + stretch.high.rank - limit) // 2 + 1

    def _read_on(self, view: View) -> None:
        """Read the rows behind our highest one: they came meanwhile."""
        while not (view.is_short or view.ends_at_total):
            behind = self._evidence.look(view.last.rank)
            if behind is None or behind.last.id <= view.last.id:
                return
            view = behind
