"""Days of large accounts under a moved clock: what the sensor spends, and when a list too long for a day ends."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets.demo.server.faults import parse_fault
from leads_assets_tests.harness.clock import MovedClock, moved_clock
from leads_assets_tests.harness.watched import SensorHarness

pytestmark = [pytest.mark.socket, pytest.mark.long]

TICK = timedelta(minutes=5)
DAY = timedelta(days=1)
TICKS = DAY // TICK


@pytest.fixture
def morning() -> Iterator[datetime]:
    """It is 08:00 UTC."""
    with moved_clock(8) as begin:
        yield begin


def _at(watched: SensorHarness, moment: datetime) -> None:
    MovedClock.set(moment)
    watched.ahead = MovedClock.ahead


def _tick(watched: SensorHarness) -> None:
    """A tick, and the run that it asks for."""
    if (result := watched.tick()).run_requests:
        assert watched.run(result).success


def _verdict(watched: SensorHarness) -> str:
    if not watched.project.path.exists():
        return ""
    found = watched.project.query("SELECT verdict FROM ops.freshness WHERE endpoint = 'leads'")
    return found[0][0] if found else ""


@pytest.mark.parametrize(("faults", "most"), [((), 760), (("no_total",), 1_050)], ids=["total", "no total"])
def test_a_quiet_day_of_an_account_of_145_719_leads_costs_no_more_requests_than_this(
    tmp_path: Path, morning: datetime, faults: tuple[str, ...], most: int
) -> None:
    with DemoApi(Account(leads=145_719), faults=map(parse_fault, faults)) as api:
        watched = SensorHarness(api, tmp_path, daily=2000)
        _at(watched, morning)
        _tick(watched)
        assert _verdict(watched) == "proven"
        spent = []
        for day in range(2):
            api.reset()
            for number in range(1, TICKS + 1):
                _at(watched, morning + day * DAY + number * TICK)
                _tick(watched)
            spent.append(api.count())
            assert _verdict(watched) in ("proven", "current")
        assert max(spent) <= most, spent


def test_300_000_leads_at_2_000_requests_a_day_are_current_on_the_third_day_with_the_sensor_on(
    tmp_path: Path, morning: datetime
) -> None:
    with DemoApi(Account(leads=300_000)) as api:
        watched = SensorHarness(api, tmp_path, daily=2000)
        counted: dict[date, int] = {}
        number = 0
        while _verdict(watched) not in ("proven", "current"):
            now = morning + number * TICK
            assert now.date() <= (morning + 2 * DAY).date(), counted
            _at(watched, now)
            _tick(watched)
            counted[now.date()] = counted.get(now.date(), 0) + api.count()
            assert counted[now.date()] <= 2000
            api.reset()
            number += 1
        assert watched.project.query("SELECT count(*) FROM leads WHERE _deleted_at IS NULL") == [(300_000,)]


def test_300_000_leads_at_2_000_requests_a_day_are_current_on_the_second_day_without_the_sensor(
    tmp_path: Path, morning: datetime
) -> None:
    with DemoApi(Account(leads=300_000)) as api:
        watched = SensorHarness(api, tmp_path, daily=2000)
        spent = []
        for day in range(3):
            _at(watched, morning + day * DAY)
            api.reset()
            assert watched.materialize(*ENDPOINTS).success
            spent.append(api.count("leads"))
            assert api.count() <= 2000
            assert _verdict(watched) == ("unproven" if day == 0 else "current")
        assert sum(spent[:2]) < 3_100
        assert spent[2] <= 5
        assert watched.project.query("SELECT count(*) FROM leads WHERE _deleted_at IS NULL") == [(300_000,)]
