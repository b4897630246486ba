"""How often the day's requests allow something: pure arithmetic."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from leads_assets.engine.read.lap_source import PAGES_A_PART
from leads_assets.engine.records.state import SyncState
from leads_assets.refresh.reconcile import due_at, next_midnight

_SHARE = 2
"""Looks, and the reads of each list, spend at most this part (a half) of what is left, spread over the day's rest."""


@dataclass(frozen=True, slots=True)
class DailyQuota:
    """The requests of the UTC day. `left`: None without a limit; `reserve`: kept for reconciles that fall due today."""

    left: int | None
    reserve: int
    until_reset: timedelta

    def min_interval(self, requests: int) -> timedelta:
        """How long after one such expense the next may come, so that the day's requests last until the day's end."""
        if self.left is None:
            return timedelta(0)
        return self.until_reset * requests * _SHARE / max(1, self.left - self.reserve)

    def next_allowed(self, requests: int, last: datetime | None, now: datetime) -> datetime | None:
        """When the next such expense may come; None if now, or if the `last` one lies in the future (a wrong clock)."""
        due = now if last is None or last > now else last + self.min_interval(requests)
        return due if due > now else None

    def allows(self, requests: int, *, reserved: bool = False) -> bool:
        """Whether that many are left; `reserved` expenses may use the reserve."""
        return self.left is None or requests <= self.left - (0 if reserved else self.reserve)

    @property
    def spare(self) -> int | None:
        """What may be spent and is kept for nothing; None without a limit."""
        return None if self.left is None else max(0, self.left - self.reserve)

    def after(self, requests: int, *, reserved: bool = False) -> "DailyQuota":
        """The quota once that expense was made."""
        if self.left is None:
            return self
        kept = max(0, self.reserve - requests) if reserved else self.reserve
        return replace(self, left=max(0, self.left - requests), reserve=kept)

    def __str__(self) -> str:
        if self.left is None:
            return "no limit of requests"
        kept = f", {self.reserve:,} kept for today's reconcile" if self.reserve else ""
        return f"{self.left:,} requests left today{kept}"


def quota_at(
    left: int | None,
    known: Iterable[SyncState],
    now: datetime,
    reconcile_every: timedelta | None,
    missing: Iterable[int] = (),
) -> DailyQuota:
    """The quota at `now`, when `left` requests are left; `missing`: what lists that were never loaded need."""
    tomorrow = next_midnight(now)
    due = [
        load.full_requests
        for load in known
        if load.lap is None and ((at := due_at(load, reconcile_every)) is None or at < tomorrow)
    ]
    # What does not fit into the day is read in parts, from what there is.
    due = [requests for requests in due if left is None or requests <= max(left, PAGES_A_PART)]
    return DailyQuota(left, sum(due) + sum(missing), tomorrow - now)
