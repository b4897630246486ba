"""A full read that is loaded in parts, so that what was paid for is not lost: when a part is due, and how far it went.

Only lists in ascending order of id that can be asked for what changed: a page of them shows its own range of ids,
whenever it was read, and at the end the changes since the first part show what it has missed.
"""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path

from leads_assets.engine.errors import QuotaExhausted
from leads_assets.engine.http.budget import RequestBudget
from leads_assets.engine.read import lap_source
from leads_assets.engine.read.lap_source import LapSource
from leads_assets.engine.read.rank_cost import full_read_requests
from leads_assets.engine.read.walk import OverlapWalk, Place
from leads_assets.engine.records.extract import Extract
from leads_assets.engine.records.lap import Lap

LoadPart = Callable[[Extract], int]
"""Merges a part into the warehouse; returns its number in the ledger."""

_KEPT = timedelta(days=2)
_AFTER_MIDNIGHT = timedelta(minutes=5)


class Parts:
    """The parts of one full read. `lap`: how far it had gone before this process, `held`: rows of the list as known."""

    def __init__(
        self,
        budget: RequestBudget,
        source: LapSource,
        walk: OverlapWalk,
        *,
        lap: Lap | None,
        began: datetime,
        params: str,
        held: int,
        limit: int,
        ids: Path,
    ) -> None:
        self._budget = budget
        self._source = source
        self._walk = walk
        self._params = params
        self._held = held
        self._limit = limit
        self._began = began
        self._pages = 0
        self._new = array("q")
        self.ids = ids
        """A file with the ids of the rows of the parts so far, one a line."""
        self.resumes = lap is not None
        self._begun = lap
        self.lap = lap
        """How far the parts have gone that were loaded; None before the first."""
        self.total: int | None = None
        """The row count that the server stated last."""

    @property
    def is_long(self) -> bool:
        """Whether the list is too long to be read again for a fault."""
        if self._walk.place is None and self._walk.pages:
            return False
        rows = max(self.total or 0, self._held)
        return self.lap is not None or full_read_requests(rows, self._limit) > lap_source.PAGES_A_PART

    @property
    def is_due(self) -> bool:
        """Whether enough pages came since the last part, and the list may be read in parts."""
        return self.pages >= lap_source.PAGES_A_PART and self._walk.place is not None

    def check_budget(self) -> None:
        """Raise QuotaExhausted if no more of the day's requests are for this list."""
        if self.is_long and not self._budget.affords_part():
            raise QuotaExhausted(
                f"{self._source.name}: all but {self._budget.reserve:,} of the day's requests are used",
                self._budget.resets_at(),
            )

    @property
    def pages(self) -> int:
        """Pages since the last part."""
        return self._walk.pages - self._pages

    @property
    def shows_end(self) -> bool:
        """Whether the list showed its end to this process."""
        return self._walk.shows_end

    def note(self, ids: Sequence[int | None], total: int | None) -> None:
        """The ids of a page's new rows, and the total that the server states."""
        self.total = total
        if not self.resumes:
            self._new.extend(identity for identity in ids if identity is not None)

    @property
    def rows(self) -> int:
        """Different rows so far, those of earlier processes too."""
        return (self._begun.rows - self._source.overlap if self._begun else 0) + self._walk.distinct

    def mark(self, *, requests: int, rejected: int) -> Lap | None:
        """How far the read has come; None where nothing was read. Since the last part it has cost so many `requests`,
        and met so many `rejected` records."""
        place, known = self._walk.place, self.lap
        if known is None:
            if place is None:
                return None
            known = self._first(place)
        elif place is not None and place.id > known.highest:
            known = replace(known, highest=place.id, rank=self._source.shift + place.rank)
        total = self.total or known.total
        return replace(
            known,
            rows=self.rows if place else known.rows,
            requests=known.requests + requests,
            rejected=known.rejected + rejected,
            total=total,
            expires_at=known.began + self._lasts(total or 0),
            calibrated=known.calibrated and self._walk.counts_alike,
            resume_at=None,
        )

    def loaded(self, lap: Lap) -> None:
        """A part was loaded, up to there."""
        self.lap = lap
        self._pages = self._walk.pages
        with self.ids.open("a") as file:
            file.writelines(f"{identity}\n" for identity in self._new)
        self._new = array("q")

    def pause(self, lap: Lap) -> Lap:
        """The same, to go on when there are new requests."""
        return replace(lap, resume_at=self._budget.resets_at() + _AFTER_MIDNIGHT)

    def _first(self, place: Place) -> Lap:
        return Lap(
            began=self._began,
            expires_at=self._began + _KEPT,
            highest=place.id,
            rank=place.rank,
            rows=0,
            requests=0,
            params=self._params,
        )

    def _lasts(self, rows: int) -> timedelta:
        """How long a lap may take: two days, or the days that the list needs, the day of its begin not counted."""
        a_day = self._budget.daily - self._budget.reserve
        days = ceil(full_read_requests(rows, self._limit) / a_day) + 1 if a_day > 0 else 0
        return max(_KEPT, timedelta(days=days))
