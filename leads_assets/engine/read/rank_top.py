"""The page at the top of what we hold: where our highest id stands, or where the list ends below it."""

from collections.abc import Iterator

from leads_assets.engine.read.rank_evidence import BOTTOM, Anchor, Inconclusive, ListEvidence, View

_MOST_LOOKS = 32
_ASCENTS = 4
"""A page that is cut, or a row that is deleted between two requests, makes another one necessary."""


def reach_top(evidence: ListEvidence) -> View:
    """A page on which our highest id stands or would stand, or with which the list is shown to end below it.

    Three quarters of the page lie below the place of that id, so that one request is enough if up to as many rows are
    gone, or a quarter came. Raises Inconclusive if neither can be shown: a server may serve only the first rows.
    """
    for _ in range(_ASCENTS):
        if view := _Ascent(evidence).run():
            return view
    raise Inconclusive("the list ends before the rows that it should have, and its end could not be shown")


class _Ascent:
    """`low` is the highest row seen below the target; from offset `beyond` on, there are only rows above it, if any."""

    def __init__(self, evidence: ListEvidence) -> None:
        self._evidence = evidence
        self._target = evidence.held.highest
        self._low: Anchor = BOTTOM
        self._beyond: int | None = None
        self._tried: set[int] = set()

    def run(self) -> View | None:
        """The page, or None if a page came short before the end, rows moved meanwhile, or none can be had."""
        for step in range(_MOST_LOOKS):
            offset = next((offset for offset in self._guesses(step) if self._may_help(offset)), None)
            if offset is None:
                return None
            self._tried.add(offset)
            view = self._evidence.look(offset)
            if view is None or view.low.id > self._target:
                self._beyond = offset
            elif view.last.id >= self._target:
                return view
            elif view.is_short:
                return view if self._evidence.ends_with(view) else None
            else:
                self._low = view.last
        return None

    def _guesses(self, step: int) -> Iterator[int]:
        """Offsets, the best one first: nothing more is gone; the total is true; else in ever longer steps."""
        evidence, low = self._evidence, self._low
        rows_below = (evidence.limit - 1) * 3 // 4
        yield max(0, low.rank + 1 + evidence.held.count_between(low.id, self._target) - rows_below)
        if evidence.total is not None:
            yield max(0, evidence.total - 1 - rows_below)
        stride: int = evidence.limit * 4**step
        if self._beyond is None:
            yield low.rank + stride
        elif low is BOTTOM:
            yield max(0, self._beyond - stride)
        else:
            yield (low.rank + self._beyond) // 2

    def _may_help(self, offset: int) -> bool:
        is_in_range = self._beyond is None or offset < self._beyond
        return is_in_range and offset not in self._tried and offset + self._evidence.limit - 1 > self._low.rank
