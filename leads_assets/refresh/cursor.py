"""What the sensor remembers from tick to tick: its cursor."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from leads_assets.engine.declare import Endpoint
from leads_assets.engine.errors import ApiError, ResumeLater
from leads_assets.engine.instants import CLOCK_SLACK, READABLE, format_instant

PROBE_INTERVAL = timedelta(hours=2)
"""How often the small lists are looked at: one request each."""
OUTAGE_LONGEST = timedelta(hours=1)
LIGHT = 1 << 20
"""Bytes of an answer that any look may bring."""
BYTES_A_DAY = 256 << 20
"""What the looks at one list may bring in a day, about: the larger an answer is, the later comes the next look."""

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


@dataclass(frozen=True, slots=True)
class LastSeen:
    """What was last seen of a list: its fingerprint, when it was looked at, and since when it has looked like that.

    `notified_at`: when something else, such as an event, last said that it has changed. `size`: bytes of the answer.
    `plainly`: it does not heed a wish for its newest end, so the whole list is asked for.
    """

    fingerprint: str
    at: Moment
    since: Moment
    notified_at: Moment | None = None
    size: int = 0
    plainly: bool = False

    @property
    def due_at(self) -> datetime:
        """When bytes allow the next look: after an answer that was too large to be taken on the slow beat."""
        pause = timedelta(days=self.size / BYTES_A_DAY) if self.size > LIGHT else timedelta(0)
        return self.at + min(PROBE_INTERVAL, pause)

    @property
    def noted_at(self) -> datetime:
        """The newest of its moments."""
        return max(self.at, self.since, self.notified_at or self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorCursor:
    """What the sensor remembers from tick to tick.

    `asked`: when a run was last asked for, per stream of reads. `resume_at`: when the pause ends that began at
    `paused_at`, after `failures` looks that failed, because of `trouble`.
    """

    looks: dict[str, LastSeen] = field(default_factory=dict)
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

    def after_trouble(self, error: ApiError, now: datetime, interval: timedelta) -> "SensorCursor":
        """After a look that failed: twice the pause each time, or until the server or the budget says."""
        if isinstance(error, ResumeLater):
            resume_at = max(error.resume_at, now + interval)
        else:
            resume_at = now + min(interval * 2 ** min(self.failures, 20), max(interval, OUTAGE_LONGEST))
        return replace(self, failures=self.failures + 1, paused_at=now, resume_at=resume_at, trouble=str(error))

    def without_future(self, now: datetime) -> "SensorCursor":
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


def parse_cursor(cursor: str | None) -> SensorCursor:
    """The memory in a cursor; an empty one where there is none or it cannot be read."""
    try:
        return msgspec.json.decode(cursor or "{}", type=SensorCursor)
    except msgspec.DecodeError:
        return SensorCursor()


def updated_last_seen(
    before: LastSeen | None,
    fingerprint: str,
    at: datetime,
    *,
    notified_at: bool = False,
    size: int = 0,
    plainly: bool = False,
) -> LastSeen:
    """The look to remember; `notified_at`: something else says that the list has changed."""
    since = before.since if before is not None and before.fingerprint == fingerprint else at
    notified = at if notified_at else before.notified_at if before is not None else None
    return LastSeen(fingerprint, at, since, notified, size, plainly)


def due_looks(endpoints: Iterable[Endpoint], looks: Mapping[str, LastSeen], now: datetime) -> list[str]:
    """The lists whose look is due on the slow beat, the longest waiting first."""
    waited = {endpoint.name: now - looks[endpoint.name].at for endpoint in endpoints if endpoint.name in looks}
    due = [endpoint.name for endpoint in endpoints if waited.get(endpoint.name, PROBE_INTERVAL) >= PROBE_INTERVAL]
    return sorted(due, key=lambda name: waited.get(name, timedelta.max), reverse=True)


def clock(moment: datetime) -> str:
    """A time for reading."""
    return format_instant(moment, READABLE)
