"""The request budget: a count per UTC day, shared by all threads, processes, runs and sensor ticks."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from leads_assets.engine.errors import ConfigurationError, QuotaExhausted, RateLimited
from leads_assets.engine.http.count_file import BUSY_SECONDS, open_count, take_over, unusable
from leads_assets.engine.instants import in_utc, utc_now

_CLOCK_SLACK = 60
"""Seconds by which the clocks of this file's processes may differ: what was written later than that was written by a
clock that ran ahead, and counts for nothing."""
_PAUSED = "SELECT until FROM quota_pause WHERE until > :now AND began_at <= :now + :slack"
_TAKE = f"""
INSERT INTO spent SELECT :day, 1 WHERE NOT EXISTS ({_PAUSED})
ON CONFLICT (day) DO UPDATE SET requests = requests + 1 WHERE :daily = 0 OR requests < :daily
RETURNING requests
"""
_TURN = """
INSERT INTO turn VALUES (1, :now, :now + :gap)
ON CONFLICT (one) DO UPDATE SET
    free_at = iif(taken_at > :now + :slack, :now, max(free_at, :now)) + :gap, taken_at = :now
RETURNING free_at - :gap - :now
"""
_PAUSE = """
INSERT INTO quota_pause VALUES (1, :now, :until)
ON CONFLICT (one) DO UPDATE SET began_at = excluded.began_at, until = excluded.until
WHERE until < excluded.until OR began_at > excluded.began_at + :slack
"""


_NOTE_NEED = "INSERT OR REPLACE INTO need VALUES (?, ?, ?)"
_NEEDED = "SELECT requests FROM need WHERE endpoint = :endpoint AND noted_at BETWEEN :since AND :now + :slack"
_NEED_LASTS = timedelta(days=1)
"""A list may have become shorter since."""


class RequestBudget:
    """Counts requests before they are sent, in a SQLite file that all processes share.

    `daily` is the number of requests in a UTC day (0: no limit), `per_second` the pace (None: no limit). A quota 429
    with a long wait is remembered here too, because calling on can get the key disabled.
    """

    def __init__(
        self,
        path: Path,
        daily: int,
        per_second: float | None = None,
        now: Callable[[], datetime] = utc_now,
        *,
        former: Path | None = None,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        """Open or create the file; what was counted at `former`, where it lay before, is counted here from now on.

        Another process that holds the file is waited for `busy_seconds` at most. Raises
        ConfigurationError if it cannot be used.
        """
        self.daily = daily
        self._path = path
        self._gap = 1 / per_second if per_second else 0.0
        self._now = now
        self._lock = threading.Lock()
        self._db = open_count(path, busy_seconds)
        if former is not None:
            try:
                take_over(self._db, path, former, busy_seconds)
            except ConfigurationError:
                self.close()
                raise

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def take(self, endpoint: str) -> float:
        """Count one request and return the seconds to wait for its turn.

        Raises QuotaExhausted when the day's requests are used up, RateLimited while a quota pause lasts; then it is
        not counted.
        """
        now = self._now()
        try:
            with self._lock:
                asked = {"day": _day(now), "daily": self.daily, **_at(now)}
                if self._db.execute(_TAKE, asked).fetchone() is not None:
                    return self._turn(now)
                paused = self._db.execute(_PAUSED, asked).fetchone()
        except sqlite3.Error as error:
            raise unusable(self._path, error) from None
        if paused is not None:
            resume = datetime.fromtimestamp(paused[0], UTC)
            raise RateLimited(f"{endpoint}: not asked, the server's quota is used up (HTTP 429 before)", resume)
        raise QuotaExhausted(
            f"{endpoint}: all {self.daily:,} requests of the day are used (setting `daily_requests`)", _midnight(now)
        )

    def _turn(self, now: datetime) -> float:
        if not self._gap:
            return 0.0
        row = self._db.execute(_TURN, {"gap": self._gap, **_at(now)}).fetchone()
        return max(0.0, float(row[0]))

    def left(self) -> int | None:
        """Requests left today; None without a limit."""
        return max(0, self.daily - self.spent()) if self.daily else None

    def spent(self) -> int:
        """Requests counted today."""
        try:
            with self._lock:
                row = self._db.execute("SELECT requests FROM spent WHERE day = ?", [_day(self._now())]).fetchone()
        except sqlite3.Error as error:
            raise unusable(self._path, error) from None
        return int(row[0]) if row else 0

    @property
    def reserve(self) -> int:
        """Requests of a day that a list too long for it leaves to reads of changes: a tenth; 0 without a limit."""
        return self.daily // 10

    def affords_part(self) -> bool:
        """Whether a list that is too long for a day may go on today."""
        left = self.left()
        return left is None or left > self.reserve

    def resets_at(self) -> datetime:
        """When the next day begins, whose requests are counted anew."""
        return _midnight(self._now())

    def require(self, endpoint: str, requests: int, rows: int) -> None:
        """Raise QuotaExhausted if the `requests` that a list of `rows` still needs do not fit into today."""
        left = self.left()
        if left is not None and requests > left:
            self._note_need(endpoint, requests)
            raise QuotaExhausted(
                f"{endpoint}: {rows:,} rows need {requests:,} more requests, {left:,} of {self.daily:,} are left today"
                " (raise the setting `daily_requests` if the account allows more)",
                _midnight(self._now()),
            )

    def needed(self, endpoint: str) -> int:
        """The requests that its list was found to need when the day's did not suffice; 0 where that is a day old."""
        now = self._now()
        lately = {"endpoint": endpoint, "since": (now - _NEED_LASTS).timestamp(), **_at(now)}
        try:
            with self._lock:
                row = self._db.execute(_NEEDED, lately).fetchone()
        except sqlite3.Error as error:
            raise unusable(self._path, error) from None
        return int(row[0]) if row else 0

    def _note_need(self, endpoint: str, more: int) -> None:
        """`more`: than the one that has shown it."""
        with suppress(sqlite3.Error), self._lock:  # a note that makes the next decision better, and no count
            self._db.execute(_NOTE_NEED, [endpoint, more + 1, self._now().timestamp()])

    def pause_until(self, moment: datetime) -> None:
        """No process may send a request before `moment`."""
        try:
            with self._lock:
                self._db.execute(_PAUSE, {"until": moment.timestamp(), **_at(self._now())})
        except sqlite3.Error as error:
            raise unusable(self._path, error) from None


def _at(now: datetime) -> dict[str, float]:
    return {"now": now.timestamp(), "slack": _CLOCK_SLACK}


def _day(now: datetime) -> str:
    return in_utc(now).date().isoformat()


def _midnight(now: datetime) -> datetime:
    tomorrow = in_utc(now).date() + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=UTC)
