"""The clock of this process, moved by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from unittest import mock

from leads_assets.engine import instants

_DAY = timedelta(days=1)


class MovedClock(datetime):
    """In the place of `datetime` where the project asks for the time: true, but for `ahead`."""

    ahead = timedelta(0)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """The moved time."""
        return datetime.now(tz) + cls.ahead

    @classmethod
    def fromisoformat(cls, date_string: str) -> datetime:  # type: ignore[override]
        """As ever."""
        return datetime.fromisoformat(date_string)

    @classmethod
    def set(cls, moment: datetime) -> None:
        """It is that time now."""
        cls.ahead = moment - datetime.now(UTC)


@contextmanager
def moved_clock(hour: int) -> Iterator[datetime]:
    """For the while the clock goes as it is set, at first to that hour (UTC) of tomorrow; gives that moment."""
    begin = (datetime.now(UTC) + _DAY).replace(hour=hour, minute=0, second=0, microsecond=0)
    with mock.patch.object(instants, "datetime", MovedClock):
        try:
            MovedClock.set(begin)
            yield begin
        finally:
            MovedClock.ahead = timedelta(0)
