"""A long full read is loaded in parts: what was paid for is not paid again, and a day's requests need not suffice."""

import random
import time
from dataclasses import replace
from datetime import datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from leads_assets.account.connect import warehouse_of
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.server.api import DemoApi
from leads_assets.demo.server.faults import parse_fault
from leads_assets.engine.read import lap_source
from leads_assets.engine.warehouse import kept
from leads_assets.engine.warehouse.transaction import transaction
from leads_assets.marts.catalogue import kept_models
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.harness.days import pass_a_day
from leads_assets_tests.harness.project import Project
from leads_assets_tests.harness.rich_load import PROCESSES
from leads_assets_tests.harness.watched import SensorHarness
from leads_assets_tests.harness.watched import asked as names

pytestmark = pytest.mark.socket

_PAGES = 20
_ROWS = 1_000
"""112 pages of 10 rows, of which adjacent ones share one."""


@pytest.fixture(autouse=True)
def _short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lap_source, "PAGES_A_PART", _PAGES)


class Account:
    """An account of 1,000 leads that is read by pages of ten."""

    def __init__(self, api: DemoApi, folder: Path, **settings: Any) -> None:
        self.api = api
        self.project = Project(folder, api.base_url, api={"page_size": 10, "attempts": 1, **settings})

    def sync(self, *faults: str, **options: Any) -> bool:
        """Whether the run succeeded, under these faults only."""
        self.api.set_faults(map(parse_fault, faults))
        self.api.reset()
        return replace(self.project, sync=options).materialize("leads").success

    @property
    def requests(self) -> int:
        """Of the last sync."""
        return self.api.count("leads")

    def loads(self) -> list[tuple[Any, ...]]:
        """Mode and verdict of all loads."""
        return self.project.query("SELECT mode, verdict FROM ops.sync_runs ORDER BY number")

    def freshness(self) -> tuple[Any, ...]:
        """Verdict, what goes on, reason."""
        (row,) = self.project.query("SELECT verdict, in_progress, reason FROM ops.freshness")
        return row

    def is_true(self) -> bool:
        """Whether the live rows are the server's, by id and last change."""
        ours = self.project.query("SELECT id, updated_at FROM leads WHERE _deleted_at IS NULL ORDER BY id")
        theirs = [(row["id"], datetime.fromisoformat(row["updated_at"])) for row in self.api.account.rows("leads")]
        return ours == theirs


@pytest.fixture
def account(open_api: OpenApi, tmp_path: Path) -> Account:
    """Never read."""
    return Account(open_api(leads=_ROWS), tmp_path)


def test_a_long_read_is_loaded_in_parts_and_proven_as_one(account: Account) -> None:
    assert account.sync()
    assert account.loads() == [*[("part", "unproven")] * 5, ("full", "proven")]
    assert account.freshness() == ("proven", None, "")
    assert account.is_true()
    assert account.requests == 112
    ((requests, rows),) = account.project.query(
        "SELECT sum(requests), sum(rows_read) FROM ops.sync_runs WHERE endpoint = 'leads'"
    )
    assert (requests, rows) == (112, 1000)


@pytest.mark.marts
def test_what_parts_change_is_in_the_kept_history_as_a_build_from_all_rows_makes_it(account: Account) -> None:
    account.sync()
    ids = account.api.account.ids("leads")
    account.api.account.update("leads", [*ids[:40], *ids[500:540]])
    account.api.account.delete("leads", ids[100:103])
    assert account.sync(reconcile_hours=0.0)
    assert account.loads()[-1] == ("full", "proven")
    settings = account.project.settings
    by_load = {model.name: account.project.query(f"FROM kept.{model.name} ORDER BY ALL") for model in kept_models()}
    with warehouse_of(settings).write("the test") as session, transaction(session):
        kept.rebuild(session, kept_models(), settings.time_zone)
    for name, rows in by_load.items():
        assert rows == account.project.query(f"FROM kept.{name} ORDER BY ALL"), name
    assert account.project.query("SELECT count(*) FROM ops.changes WHERE field = '_deleted_at'") == [(3,)]


def test_a_row_of_an_earlier_part_is_not_taken_for_gone_and_one_that_is_gone_is_marked(account: Account) -> None:
    account.sync()
    ids = [row["id"] for row in account.api.account.rows("leads")]
    account.api.account.delete("leads", [ids[3], ids[-1]])
    assert account.sync(reconcile_hours=0.0)
    assert account.freshness() == ("proven", None, "")
    assert account.is_true()


def test_an_outage_costs_what_is_left_and_a_few_requests(account: Account) -> None:
    assert not account.sync("status=503@leads+70")
    assert account.loads()[-1] == ("part", "unproven")
    verdict, in_progress, _ = account.freshness()
    assert verdict == "unproven"
    assert in_progress.endswith("of 1,000 rows, goes on with the next sync")
    assert account.sync()
    assert account.loads()[-1] == ("incremental", "current")
    assert account.freshness() == ("current", None, "")
    assert account.is_true()
    assert account.requests <= 112 - 70 + 20
    assert account.sync()
    assert account.loads()[-1] == ("incremental", "current")
    assert account.requests == 2


def test_after_a_read_that_others_have_begun_a_deletion_is_found_by_its_rank(account: Account) -> None:
    assert not account.sync("status=503@leads+70")
    assert account.sync()
    account.api.account.delete("leads", account.api.account.ids("leads")[500:501])
    assert account.sync("no_total@leads")
    assert account.loads()[-1] == ("incremental", "current")
    assert account.requests < 20
    assert account.is_true()


def test_a_list_that_does_not_fit_into_a_day_is_read_over_several_without_a_failure(
    open_api: OpenApi, tmp_path: Path
) -> None:
    account = Account(open_api(leads=_ROWS), tmp_path, daily_requests=60)
    assert account.sync()
    verdict, in_progress, _ = account.freshness()
    assert verdict == "unproven"
    assert in_progress.endswith("of 1,000 rows, goes on tomorrow at 00:05 UTC")
    assert 54 <= account.requests <= 60
    assert account.sync()
    assert account.requests == 0
    assert account.freshness()[1] == in_progress
    days = 1
    while account.freshness()[1]:
        pass_a_day(account.project)
        assert account.sync()
        days += 1
    assert days == 3
    assert account.freshness() == ("current", None, "")
    assert account.is_true()
    assert account.project.query("SELECT sum(requests) <= 112 + 25 FROM ops.sync_runs") == [(True,)]


@pytest.mark.long
def test_while_a_list_waits_for_new_requests_its_changes_are_read(open_api: OpenApi, tmp_path: Path) -> None:
    api = open_api(leads=_ROWS)
    assert Account(api, tmp_path).sync()
    pass_a_day(Account(api, tmp_path).project)
    account = Account(api, tmp_path, daily_requests=60)
    assert account.sync(reconcile_hours=0.0)
    assert account.loads()[-1] == ("part", "unproven")
    api.account.update("leads", [row["id"] for row in api.account.rows("leads")][-3:])
    assert account.sync(reconcile_hours=0.0)
    assert account.loads()[-1] == ("incremental", "current")
    verdict, in_progress, _ = account.freshness()
    assert verdict == "current"
    assert in_progress.endswith("goes on tomorrow at 00:05 UTC")
    assert account.is_true()
    pass_a_day(account.project)
    assert account.sync(reconcile_hours=0.0)
    pass_a_day(account.project)
    assert account.sync(reconcile_hours=0.0)
    assert account.freshness() == ("current", None, "")
    assert account.is_true()


def test_a_long_list_whose_turn_it_is_when_no_request_is_left_for_it_is_asked_for_changes_only(
    open_api: OpenApi, tmp_path: Path
) -> None:
    api = open_api(leads=_ROWS)
    assert Account(api, tmp_path).sync()
    assert Account(api, tmp_path, daily_requests=120).sync(reconcile_hours=0.0)
    assert Account(api, tmp_path).loads()[-1] == ("incremental", "current")


def test_a_part_that_is_too_old_is_begun_anew(account: Account) -> None:
    assert not account.sync("status=503@leads+70")
    pass_a_day(account.project)
    pass_a_day(account.project)
    assert account.sync()
    assert account.loads()[-1] == ("full", "proven")
    assert account.requests == 112


def test_rows_that_went_and_came_between_the_parts_are_known_at_the_end(account: Account) -> None:
    ids = [row["id"] for row in account.api.account.rows("leads")]
    assert not account.sync("status=503@leads+70")
    account.api.account.delete("leads", [ids[5], *ids[300:330], ids[590]])
    account.api.account.insert("leads", 12)
    account.api.account.update("leads", [ids[7], ids[900]])
    assert account.sync()
    assert account.freshness() == ("current", None, "")
    assert account.is_true()


def _sync_elsewhere(folder: Path, base_url: str) -> None:
    """In a process of its own: sync leads, in short parts."""
    lap_source.PAGES_A_PART = _PAGES
    Project(folder, base_url, api={"page_size": 10}, endpoints={"leads": ENDPOINTS["leads"]}).materialize("leads")


def _start(account: Account) -> BaseProcess:
    child = PROCESSES.Process(target=_sync_elsewhere, args=(account.project.folder, account.api.base_url))
    child.start()
    return child


@pytest.mark.long
@pytest.mark.process
def test_killed_in_the_middle_ten_times_it_costs_no_more_than_a_part_each_time(account: Account) -> None:
    dice = random.Random(7)
    kills = 0
    while kills < 10:
        stop_at = account.api.count("leads") + dice.randrange(3, 2 * _PAGES)
        child = _start(account)
        while child.is_alive() and account.api.count("leads") < stop_at:
            time.sleep(0.002)
        kills += 1
        child.kill()
        child.join(60)
    assert account.api.count("leads") <= 112 + 10 * (_PAGES + 15)
    spent = account.api.count("leads")
    child = _start(account)
    child.join(120)
    assert child.exitcode == 0
    assert account.freshness()[:2] in [("current", None), ("proven", None)]
    assert account.is_true()
    assert account.api.count("leads") - spent <= 112


@pytest.mark.process
def test_two_processes_at_once_lose_nothing_and_mark_nothing_that_lives(account: Account) -> None:
    ids = [row["id"] for row in account.api.account.rows("leads")]
    account.api.set_faults([parse_fault("latency=0.02@leads")])
    children = [_start(account), _start(account)]
    account.api.account.delete("leads", ids[3:5])
    for child in children:
        child.join(120)
        assert child.exitcode == 0
    assert account.sync()
    assert account.freshness()[:2] in [("current", None), ("proven", None)]
    assert account.is_true()
    assert account.requests <= 30


@pytest.mark.long
def test_with_a_hundred_requests_a_day_the_sensor_goes_on_each_day_until_the_table_is_current(
    open_api: OpenApi, tmp_path: Path
) -> None:
    watched = SensorHarness(open_api(leads=_ROWS), tmp_path, daily=100, page_size=10)
    runs = days = 0
    while True:
        days += 1
        while (asked := watched.tick()).run_requests:
            runs += 1
            assert watched.run(asked).success
        rows = watched.project.query("SELECT verdict, in_progress FROM ops.freshness WHERE endpoint = 'leads'")
        if rows == [("current", None)]:
            break
        assert rows[0][1].endswith("goes on tomorrow at 00:05 UTC")
        assert watched.api.count() <= 100
        assert (days, runs) < (4, 8)
        pass_a_day(watched.project)
        watched.api.reset()
        watched.cursor = None
    assert days == 3
    assert Account(watched.api, tmp_path).is_true()


def test_the_sensor_does_not_go_on_before_there_are_new_requests(open_api: OpenApi, tmp_path: Path) -> None:
    watched = SensorHarness(open_api(leads=_ROWS), tmp_path, daily=70, page_size=10)
    assert watched.run(watched.tick()).success
    now = watched.now()
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    for ahead, goes_on in [(timedelta(minutes=4), False), (timedelta(minutes=6), True)]:
        watched.ahead = tomorrow + ahead - now
        watched.cursor = None
        assert ("leads" in names(watched.tick())) == goes_on


def test_a_field_that_appears_between_the_parts_makes_the_next_read_whole(account: Account) -> None:
    assert not account.sync("status=503@leads+70")
    # A server that begins to send a field changes no stamp.
    assert account.sync("unknown_field=colour@leads")
    verdict, in_progress, reason = account.freshness()
    assert (verdict, in_progress) == ("unproven", None)
    assert reason.startswith("the table got new columns")
    assert account.sync("unknown_field=colour@leads")
    assert account.loads()[-1] == ("full", "proven")
    assert account.project.query("SELECT count(*) FROM leads WHERE colour IS NULL") == [(0,)]


def test_a_field_that_is_there_from_the_first_part_on_makes_nothing_whole(account: Account) -> None:
    assert not account.sync("unknown_field=colour@leads", "status=503@leads+70")
    assert account.sync("unknown_field=colour@leads")
    assert account.freshness() == ("current", None, "")


def test_rows_that_went_by_the_hundred_between_the_parts_are_searched_for_beyond_the_price_of_a_full_read(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = account.api.account.ids("leads")
    assert not account.sync("status=503@leads+70")
    account.api.account.delete("leads", random.Random(3).sample(list(ids[:600]), 150))
    # In a list this short the search costs less than a full read, of which this is the price.
    monkeypatch.setattr("leads_assets.engine.read.rank_search.full_read_requests", lambda *_: 50)
    assert account.sync(allow_mass_delete=True)
    assert account.loads()[-1] == ("incremental", "current")
    assert account.is_true()


def test_what_cannot_be_settled_ends_unproven_and_the_next_read_is_whole(account: Account) -> None:
    ids = [row["id"] for row in account.api.account.rows("leads")]
    account.api.account.delete("leads", [ids[40]])
    assert not account.sync("status=503@leads+70")
    account.api.account.restore("leads", [ids[40]])
    assert account.sync()
    verdict, in_progress, reason = account.freshness()
    assert (verdict, in_progress) == ("unproven", None)
    assert "rows are there that the changes did not show: 1" in reason
    assert account.sync()
    assert account.loads()[-1] == ("full", "proven")
    assert account.is_true()
