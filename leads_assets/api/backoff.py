"""How long to wait: pure arithmetic, no clock and no sleep."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SECONDS_NOT_EPOCH = 1e8
_MILLISECONDS = 1e11


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff with full jitter, times in seconds.

    A tenth of `first` is always waited, so that a server which says "now" does not get a storm.
    """

    first: float = 0.5
    longest: float = 30.0

    def wait(self, attempt: int, random: Callable[[], float]) -> float:
        """The wait after attempt number `attempt` (from 1); `random` gives [0, 1)."""
        span: float = min(self.longest, self.first * 2.0 ** min(attempt - 1, 60))
        return self.first / 10 + random() * span


def server_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that the server asks to wait, or None if it does not say so intelligibly.

    Reads `Retry-After` (RFC 9110: seconds or an HTTP date) and the API family's own `API-RETRY-AFTER` (seconds) and
    `API-LIMIT-RESET` (format not documented: epoch in seconds or milliseconds, ISO-8601, or seconds to go). The
    longest counts; a time in the past is 0.
    """
    waits = [
        _seconds(headers.get("Retry-After")) or _until_date(headers.get("Retry-After"), now),
        _seconds(headers.get("API-RETRY-AFTER")),
        _until_reset(headers.get("API-LIMIT-RESET"), now),
    ]
    known = [wait for wait in waits if wait is not None]
    return max(0.0, *known) if known else None


def _seconds(text: str | None) -> float | None:
    try:
        seconds = float(text or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None


def _until_date(text: str | None, now: datetime) -> float | None:
    try:
        date = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return _until(date, now)


def _until_reset(text: str | None, now: datetime) -> float | None:
    number = _seconds(text)
    if number is None:
        try:
            return _until(datetime.fromisoformat(text or ""), now)
        except ValueError:
            return None
    if number < _SECONDS_NOT_EPOCH:
        return number
    return (number / 1000 if number > _MILLISECONDS else number) - now.timestamp()


def _until(moment: datetime, now: datetime) -> float:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - now).total_seconds()
