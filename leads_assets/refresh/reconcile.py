"""When a list is due for a full read: by its age, and early enough to end on the day on which it begins."""

from datetime import UTC, datetime, time, timedelta

from leads_assets.engine.read.plan import reconcile_interval
from leads_assets.engine.records.state import SyncState

_SLACK = timedelta(minutes=10)
_LONGEST = timedelta(hours=12)
_OVERDUE = timedelta(days=1)


def next_midnight(moment: datetime) -> datetime:
    """When the day of a moment ends: the day's requests are counted in UTC."""
    return datetime.combine(moment.astimezone(UTC).date() + timedelta(days=1), time(), UTC)


def due_at(state: SyncState, every: timedelta | None) -> datetime | None:
    """When the next full read should begin; None for one that was never read in full.

    `every`: the interval that the user wants, None for the one that goes by the list's size.
    """
    if state.full is None:
        return None
    due = state.full + reconcile_interval(state, every)
    duration = _duration(state)
    return min(due, next_midnight(due) - duration - _SLACK) if duration else due


def is_due(state: SyncState, every: timedelta | None, now: datetime) -> bool:
    """Whether a full read should begin now. One that would not end today begins tomorrow, unless it is a day late."""
    due = due_at(state, every)
    if due is None:
        return True
    return now >= due and (now + _duration(state) <= next_midnight(now) or now - due >= _OVERDUE)


def _duration(state: SyncState) -> timedelta:
    """Twice as long as the last one: a day is not like the other."""
    return min(timedelta(seconds=2 * state.full_seconds), _LONGEST)
