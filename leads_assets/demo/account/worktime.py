"""The demo company's calendar: most happens on working days between eight and six, little in August and at night.

Work time is a float that grows by one on an ordinary working day, by a few hundredths on a Sunday. What is spread
evenly over work time is spread over the calendar as in an office. Only additions, multiplications and divisions: the
same numbers on every machine.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from itertools import accumulate

DAY = 86_400_000
HOUR = 3_600_000
_FIRST, _LAST = date(2019, 1, 1), date(2050, 1, 1)
_START = (_FIRST - date(1970, 1, 1)).days * DAY
_WEEKDAYS = (1.0, 1.1, 1.05, 1.0, 0.85, 0.06, 0.03)
_HOURS = (2, 1, 1, 1, 1, 2, 8, 60, 110, 130, 130, 100, 70, 110, 120, 110, 90, 50, 20, 10, 10, 8, 5, 3)
_AUGUST, _CLOSED = 0.45, 0.03
_CLOSED_DAYS = (((6, 28), (7, 6)), ((12, 24), (12, 31)), ((1, 1), (1, 1)))
"""The company is closed at midsummer and at the turn of the year: first and last day, each as (month, day)."""


def epoch_milliseconds(when: datetime) -> int:
    """An aware time as epoch milliseconds."""
    return round(when.timestamp() * 1000)


def _weight(day: date) -> float:
    if any(first <= (day.month, day.day) <= last for first, last in _CLOSED_DAYS):
        return _CLOSED * min(1.0, _WEEKDAYS[day.weekday()] * 4)
    return _WEEKDAYS[day.weekday()] * (_AUGUST if day.month == 8 else 1.0)


@dataclass(frozen=True, slots=True)
class _Calendar:
    """Weight of each day and of each hour of a day, and the work time at which each begins."""

    days: Sequence[float]
    day_starts: Sequence[float]
    hours: Sequence[float]
    hour_starts: Sequence[float]


@cache
def _calendar() -> _Calendar:
    days = [_weight(_FIRST + timedelta(number)) for number in range((_LAST - _FIRST).days)]
    hours = [weight / sum(_HOURS) for weight in _HOURS]
    return _Calendar(days, [0.0, *accumulate(days)][:-1], hours, [0.0, *accumulate(hours)][:-1])


def moment(work: float) -> int:
    """A work time as epoch milliseconds. Ascends with `work`."""
    calendar = _calendar()
    day = bisect_right(calendar.day_starts, work) - 1
    part = (work - calendar.day_starts[day]) / calendar.days[day]
    hour = bisect_right(calendar.hour_starts, part) - 1
    within = (part - calendar.hour_starts[hour]) / calendar.hours[hour]
    return _START + day * DAY + min(int((hour + within) * HOUR), DAY - 1)


def worktime(milliseconds: int) -> float:
    """Epoch milliseconds as work time."""
    calendar = _calendar()
    day, within = divmod(milliseconds - _START, DAY)
    hour, rest = divmod(within, HOUR)
    part = calendar.hour_starts[hour] + calendar.hours[hour] * (rest / HOUR)
    return calendar.day_starts[day] + calendar.days[day] * part


@cache
def work_per_day() -> float:
    """How much work time a day brings on the average over all years."""
    return sum(_calendar().days) / len(_calendar().days)
