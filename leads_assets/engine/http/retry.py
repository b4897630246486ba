"""How long to wait: pure arithmetic, no clock and no sleep."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from leads_assets.engine.instants import in_utc, parse_instant

_SECONDS_NOT_EPOCH = 1e8
_MILLISECONDS = 1e11
_LONGEST_FLOOR = 86_400.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff with full jitter, times in seconds.

    Each wait is a tenth of `first` at least, so that a server that says "now" is not flooded.
    """

    first: float = 0.5
    longest: float = 30.0

    def wait(self, attempt: int, random: Callable[[], float]) -> float:
        """The wait after attempt number `attempt` (from 1); `random` gives [0, 1)."""
        span: float = min(self.longest, self.first * 2.0 ** min(attempt - 1, 60))
        return self.first / 10 + random() * span


def server_wait(headers: Mapping[str, str], names: Iterable[str], now: datetime) -> float | None:
    """Seconds that the server asks to wait; None if it does not ask, or nobody can read it.

    Reads the headers `names`, each in any of these forms: seconds to go or an HTTP date (as RFC 9110 has them in
    `Retry-After`), epoch in seconds or milliseconds, ISO-8601. The longest wins; a time in the past is 0. More than a
    day counts as a day: the quota is daily, and a senseless header must not lock the account out.
    """
    waits = [_seconds(headers.get(name, ""), now) for name in names]
    known = [wait for wait in waits if wait is not None]
    return min(max(0.0, *known), _LONGEST_FLOOR) if known else None


def _seconds(text: str, now: datetime) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return _seconds_until(text, now)
    if not math.isfinite(number):
        return None
    if number < _SECONDS_NOT_EPOCH:
        return number
    return (number / 1000 if number > _MILLISECONDS else number) - now.timestamp()


def _seconds_until(text: str, now: datetime) -> float | None:
    try:
        moment = parse_instant(text) or in_utc(parsedate_to_datetime(text))
    except (ValueError, OverflowError):
        return None
    return (moment - now).total_seconds()
