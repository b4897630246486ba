"""When a list is due for a full read."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from leads_assets.engine.read.plan import reconcile_interval
from leads_assets.engine.records.state import SyncState
from leads_assets.refresh.reconcile import due_at, is_due

pytestmark = pytest.mark.unit

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
LARGE = SyncState(full=NOON, full_requests=1_472, calibration="x")


@pytest.mark.parametrize(
    ("state", "every", "expected"),
    [
        (SyncState(full_requests=4), None, DAY),
        (SyncState(full_requests=200, calibration="x"), None, DAY),
        (LARGE, None, 7 * DAY),
        (replace(LARGE, calibration=""), None, DAY),
        (LARGE, 3 * HOUR, 3 * HOUR),
    ],
)
def test_a_large_list_is_read_in_full_once_a_week_where_its_deletions_are_found_otherwise(
    state: SyncState, every: timedelta | None, expected: timedelta
) -> None:
    assert reconcile_interval(state, every) == expected


def test_what_was_never_read_in_full_is_due() -> None:
    assert due_at(SyncState(), None) is None
    assert is_due(SyncState(), None, NOON)


def test_a_full_read_is_due_when_it_is_as_old_as_its_interval() -> None:
    state = SyncState(full=NOON)
    assert not is_due(state, None, NOON + DAY - MINUTE)
    assert is_due(state, None, NOON + DAY)


def test_a_full_read_that_takes_an_hour_begins_early_enough_to_end_today() -> None:
    state = SyncState(full=NOON.replace(hour=23, minute=30) - DAY, full_seconds=3600)
    assert due_at(state, None) == NOON.replace(hour=21, minute=50)
    assert is_due(state, None, NOON.replace(hour=21, minute=55))


def test_one_that_would_not_end_today_begins_tomorrow_unless_it_is_a_day_late() -> None:
    state = SyncState(full=NOON - DAY, full_seconds=3600)
    late = NOON.replace(hour=23)
    assert not is_due(state, None, late)
    assert is_due(state, None, late + 2 * HOUR)
    assert is_due(state, None, late + DAY)
