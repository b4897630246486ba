"""What the sensor remembers from tick to tick: its cursor."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from leads_assets.api.errors import LeadsApiError, ResumeLater
from leads_assets.endpoints import Endpoint

SLOW_BEAT = timedelta(hours=2)
"""How often the small lists are looked at: one request each."""
OUTAGE_LONGEST = timedelta(hours=1)
CLOCK_SLACK = timedelta(minutes=1)
"""What was noted further ahead than this was noted by a clock that was wrong, and counts for nothing."""

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


@dataclass(frozen=True, slots=True)
class Look:
    """What was last seen of a list: its fingerprint, when it was looked at, and since when it has looked like that.

    `told`: when something else, such as an event, last said that it has changed.
    """

    fingerprint: str
    at: Moment
    since: Moment
    told: Moment | None = None

    @property
    def noted_at(self) -> datetime:
        """The newest of its moments."""
        return max(self.at, self.since, self.told or self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the sensor remembers from tick to tick.

    `asked`: when a run was last asked for, per stream of reads. `resume_at`: when the pause ends that began at
    `paused_at`, after `failures` looks that failed, because of `trouble`.
    """

    looks: dict[str, Look] = field(default_factory=dict)
    asked: dict[str, Moment] = field(default_factory=dict)
    looked_at: Moment | None = None
    failures: int = 0
    paused_at: Moment | None = None
    resume_at: Moment | None = None
    trouble: str = ""

    def cursor(self) -> str:
        """The memory as text."""
        return msgspec.json.encode(self).decode()

    def pause(self, now: datetime) -> str:
        """Why nothing is asked at `now`; empty where it may be."""
        if self.resume_at is None or now >= self.resume_at:
            return ""
        return f"{self.trouble}; failure {self.failures}, next look at {clock(self.resume_at)}"

    def after_trouble(self, error: LeadsApiError, now: datetime, interval: timedelta) -> "Memory":
        """After a look that failed: twice the pause each time, or until the server or the budget says."""
        if isinstance(error, ResumeLater):
            resume_at = max(error.resume_at, now + interval)
        else:
            resume_at = now + min(interval * 2 ** min(self.failures, 20), max(interval, OUTAGE_LONGEST))
        return replace(self, failures=self.failures + 1, paused_at=now, resume_at=resume_at, trouble=str(error))

    def without_future(self, now: datetime) -> "Memory":
        """The memory without what a clock noted that ran ahead of `now`: it would never fall due again."""
        latest = now + CLOCK_SLACK
        past = replace(
            self,
            looks={name: look for name, look in self.looks.items() if look.noted_at <= latest},
            asked={stream: at for stream, at in self.asked.items() if at <= latest},
            looked_at=self.looked_at if self.looked_at is None or self.looked_at <= latest else None,
        )
        if self.resume_at is None or (self.paused_at is not None and self.paused_at <= latest):
            return past
        return replace(past, failures=0, paused_at=None, resume_at=None, trouble="")


def recall(cursor: str | None) -> Memory:
    """The memory in a cursor; an empty one where there is none or it cannot be read."""
    try:
        return msgspec.json.decode(cursor or "{}", type=Memory)
    except msgspec.DecodeError:
        return Memory()


def seen(before: Look | None, fingerprint: str, at: datetime, *, told: bool = False) -> Look:
    """The look to remember; `told`: something else says that the list has changed."""
    since = before.since if before is not None and before.fingerprint == fingerprint else at
    return Look(fingerprint, at, since, at if told else before.told if before is not None else None)


def due_looks(endpoints: Iterable[Endpoint], looks: Mapping[str, Look], now: datetime) -> list[str]:
    """The lists whose look is due on the slow beat, the longest waiting first."""
    waited = {endpoint.name: now - looks[endpoint.name].at for endpoint in endpoints if endpoint.name in looks}
    due = [endpoint.name for endpoint in endpoints if waited.get(endpoint.name, SLOW_BEAT) >= SLOW_BEAT]
    return sorted(due, key=lambda name: waited.get(name, timedelta.max), reverse=True)


def clock(moment: datetime) -> str:
    """A time for reading."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
