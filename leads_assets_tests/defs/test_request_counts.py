"""What things cost in requests, counted by the server, on an account of 20,000 leads: the README's figures."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets.refresh.cursor import PROBE_INTERVAL
from leads_assets_tests.harness.watched import SMALL, SensorHarness, asked

pytestmark = [pytest.mark.socket, pytest.mark.long]

LEADS = 20_000
CHANGED = 300
TICK = timedelta(minutes=5)
DAY = timedelta(days=1)

FULL = 204
"""Leads in full: 100 rows a page, one of them the overlap: 1 + ceil((20,000 - 100) / 99), and one for the far end."""
OTHERS = 17
"""The other thirteen lists: one each, four for the paged one, one more for one that has a page's rows or more."""


def test_the_first_sync_the_second_one_a_changed_account_and_a_quiet_day_cost_this_many_requests(
    tmp_path: Path,
) -> None:
    with DemoApi(Account(leads=LEADS)) as api:
        project = SensorHarness(api, tmp_path, daily=2000)
        first_look = project.tick()
        assert asked(first_look) == set(ENDPOINTS)
        assert api.count() == len(ENDPOINTS) == 14

        api.reset()
        assert project.run(first_look).success
        assert (api.count("leads"), api.count()) == (FULL, FULL + OTHERS) == (204, 221)

        assert _sync(project) == {"leads": 2, "others": OTHERS}

        ids = [int(row["id"]) for row in api.account.rows("leads")]
        assert len(api.account.update("leads", ids[:: LEADS // CHANGED][:CHANGED])) == CHANGED
        # 300 events make the log longer than a page, so that it is looked at whether it goes on.
        assert _sync(project) == {"leads": 5, "others": OTHERS + 1}
        assert project.project.query("SELECT sum(updated) FROM ops.sync_runs WHERE endpoint = 'leads'") == [(CHANGED,)]

        assert _quiet_day(project) == {"leads": 288, "webhook_events": 288, "small lists": 144}


def _sync(project: SensorHarness) -> dict[str, int]:
    """Requests of a sync of everything."""
    project.api.reset()
    assert project.materialize().success
    leads = project.api.count("leads")
    return {"leads": leads, "others": project.api.count() - leads}


def _quiet_day(project: SensorHarness) -> dict[str, int]:
    """Requests of a day of ticks in which nothing changes; the last finds that the small lists are due to be read."""
    project.api.reset()
    runs = []
    for number in range(1, DAY // TICK + 1):
        project.ahead = number * TICK
        runs.append(asked(project.tick()))
    assert not any(runs[:-1])
    assert runs[-1] == set(ENDPOINTS) - {"leads"}
    counted = Counter("small lists" if name in SMALL else name for name, _ in project.api.requests)
    assert counted["small lists"] == DAY // PROBE_INTERVAL * len(SMALL)
    return dict(counted)
