"""Instants: read from any ISO-8601 text, written in one form, always in UTC."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from leads_assets.engine.instants import READABLE, format_instant, parse_instant, utc_now

pytestmark = pytest.mark.unit

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-04T12:00:00Z",
        "2026-03-04T12:00:00.000Z",
        "2026-03-04T13:30:00+01:30",
        "2026-03-04T12:00:00",
        "2026-03-04 12:00",
        "20260304T120000Z",
    ],
)
def test_an_instant_is_read_in_utc_whatever_its_zone_and_without_one(text: str) -> None:
    found = parse_instant(text)
    assert found == NOON
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "text", [None, 5, True, [], "", "soon", "2026-13-01", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"]
)
def test_what_states_no_instant_that_utc_has_is_none(text: object) -> None:
    assert parse_instant(text) is None


@pytest.mark.parametrize("moment", [NOON, NOON.replace(tzinfo=None), NOON.astimezone(timezone(timedelta(hours=5)))])
def test_an_instant_is_written_in_utc_whatever_its_zone(moment: datetime) -> None:
    assert format_instant(moment) == "2026-03-04T12:00:00Z"
    assert format_instant(moment, READABLE) == "2026-03-04 12:00 UTC"


def test_now_has_a_zone() -> None:
    assert utc_now().tzinfo is UTC
