"""What becomes of each lead of the demo account, in short: when it comes, who gets it, how and when it ends.

A lead's fate is drawn from its number alone, so that a million leads need no memory, and the account is the same from
whichever day one looks at it. `walks` tells the same life in full.
"""

from collections.abc import Iterator, Sequence
from math import exp
from statistics import NormalDist
from typing import NamedTuple

from leads_assets.demo.account import words
from leads_assets.demo.account.dice import mix
from leads_assets.demo.account.staff import SELLERS, Staff, can_leave
from leads_assets.demo.account.stages import REPLACED_PIPELINE
from leads_assets.demo.account.worktime import DAY, work_per_day, worktime

ACCOUNT_DAYS = 548
"""An account is eighteen months long."""
NUMBERED_FROM = 1_751_328_000_000 - ACCOUNT_DAYS * DAY
"""The lead with the number 0 comes about then, in epoch milliseconds."""

_PIPELINES = (0,) * 9 + (1,) * 5 + (2,) * 2
_SOURCES = ("web",) * 11 + ("email",) * 7 + ("import",) * 6 + ("mobile",) * 4 + ("api",) * 4
_ODDS: Sequence[float] = (0.50, 1.90, 0.60)
"""Odds of winning in each pipeline, to be multiplied with those of the source and the seller's skill."""
_SOURCE_ODDS = {"email": 1.6, "mobile": 1.4, "web": 1.0, "api": 0.8, "import": 0.35}
_ASLEEP, _CANCELLED = 0.045, 0.08
_SPANS: Sequence[float] = (46.0, 27.0, 68.0)
"""Median work time from coming to being won, in each pipeline."""
_SPAN_OF = {"won": 1.0, "lost": 0.8, "cancelled": 0.6, "asleep": 0.9}
_SPREAD = tuple(round(exp(0.65 * NormalDist().inv_cdf((n + 0.5) / 1_024)), 4) for n in range(1_024))
_DELETED_ONE_IN = 50


class Fate(NamedTuple):
    """The life of a lead in short. `begins` and `ends` (its last change by people) are work times, users positions.

    `outcome` is won, lost, cancelled or asleep (nobody cares any more). `stays_put` is false where the lead may change
    after its end, because the process does; `keeps_owner` where it may be handed on.
    """

    number: int
    begins: float
    ends: float
    pipeline: int
    source: str
    seller: int | None
    outcome: str
    comes_from: int
    is_reopened: bool
    is_reassigned: bool
    stays_put: bool
    keeps_owner: bool


class Fates:
    """The fates of an account that gets as many leads in eighteen months as are given."""

    def __init__(self, seed: int, leads: int) -> None:
        self._seed = seed
        self.staff = Staff(seed)
        self._step = ACCOUNT_DAYS * work_per_day() / max(1, leads)
        self._start = worktime(NUMBERED_FROM)
        self._win = {
            (pipeline, source, seller): _probability(odds * _SOURCE_ODDS[source] * self.staff.skill(seller))
            for pipeline, odds in enumerate(_ODDS)
            for source in words.ORIGINS
            for seller in SELLERS
        }

    def begins(self, number: int) -> float:
        """When the lead comes, as work time: ascends with the number."""
        return self._start + (number + mix(self._seed + 3, number) / 2**64) * self._step

    def newest(self, work: float) -> int:
        """The number of the newest lead at a work time."""
        number = int((work - self._start) // self._step)
        return number if self.begins(number) <= work else number - 1

    def oldest(self, newest: int, count: int, work: float) -> int:
        """The number of the oldest lead of `count` that are there at a work time, `newest` being the newest."""
        lowest = newest - count + 1
        for number in self._doomed_below(newest):
            if number < lowest:
                return lowest
            lowest -= self.deleted(number) <= work
        raise AssertionError("the blocks never end")

    def doomed(self, first: int, last: int) -> Iterator[int]:
        """The numbers from `first` to `last` of the leads that are deleted some day, descending."""
        for number in self._doomed_below(last):
            if number < first:
                return
            yield number

    def _doomed_below(self, last: int) -> Iterator[int]:
        block = last // _DELETED_ONE_IN
        while True:
            number = block * _DELETED_ONE_IN + mix(self._seed + 13, block) % _DELETED_ONE_IN
            if number <= last:
                yield number
            block -= 1

    def is_doomed(self, number: int) -> bool:
        """Whether the lead is deleted some day."""
        block = number // _DELETED_ONE_IN
        return number == block * _DELETED_ONE_IN + mix(self._seed + 13, block) % _DELETED_ONE_IN

    def deleted(self, number: int) -> float:
        """When the lead, if it is doomed, is deleted, as work time: most soon, some after a year."""
        draw = (mix(self._seed + 14, number) & 0xFFFF) / 0x10000
        return self.begins(number) + 0.2 + 200 * draw * draw

    def fate(self, number: int) -> Fate:
        """The fate of the lead."""
        who, what = mix(self._seed + 11, number), mix(self._seed + 12, number)
        pipeline, source = _PIPELINES[who & 15], _SOURCES[who >> 4 & 31]
        comes_from = pipeline if who >> 9 & 63 else (pipeline + 1) % len(_ODDS)
        begins = self.begins(number)
        drawn = self.staff.seller((who >> 32) / 2**32, begins)
        outcome = self._outcome((what & 0xFFFF) / 2**16, self._win[pipeline, source, drawn])
        seller = None if outcome != "won" and what >> 16 & 15 == 0 else drawn
        is_reassigned = seller is not None and what >> 30 & 31 == 0
        return Fate(
            number,
            begins,
            begins + _SPANS[pipeline] * _SPAN_OF[outcome] * _SPREAD[what >> 20 & 1_023],
            pipeline,
            source,
            seller,
            outcome,
            comes_from,
            what >> 35 & 127 < 5,
            is_reassigned,
            REPLACED_PIPELINE not in (pipeline, comes_from),
            not is_reassigned and (seller is None or not can_leave(seller)),
        )

    @staticmethod
    def _outcome(draw: float, win: float) -> str:
        if draw < _ASLEEP:
            return "asleep"
        if draw < _ASLEEP + _CANCELLED:
            return "cancelled"
        return "won" if draw < _ASLEEP + _CANCELLED + win * (1 - _ASLEEP - _CANCELLED) else "lost"


def _probability(odds: float) -> float:
    return odds / (1 + odds)
