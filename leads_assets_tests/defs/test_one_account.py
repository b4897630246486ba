"""One account a warehouse: another one is refused before it is asked, unless the user says so."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets.engine.http.address import account_of
from leads_assets_tests.harness.project import Project, expected
from leads_assets_tests.harness.watched import SensorHarness, reason

pytestmark = pytest.mark.socket

Open = Callable[..., DemoApi]


@pytest.fixture
def serve() -> Iterator[Open]:
    """Starts a demo API for an account of that seed."""
    with ExitStack() as stack:

        def start(seed: int, leads: int = 250) -> DemoApi:
            return stack.enter_context(DemoApi(Account(leads=leads, seed=seed)))

        yield start


def _elsewhere(api: DemoApi) -> str:
    """The address of the same server under another host name, which makes it another account."""
    return api.base_url.replace("127.0.0.1", "localhost")


def _failures(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    return {
        str(event.step_key): str(event.step_failure_data.user_failure_data.description)
        for event in result.all_events
        if event.is_step_failure and event.step_failure_data.user_failure_data
    }


def _contents(project: Project) -> list[Any]:
    tables = project.query("SELECT schema_name, table_name FROM duckdb_tables()")
    return [
        (schema, name, sorted(map(repr, project.query(f'SELECT * FROM {schema}."{name}"')))) for schema, name in tables
    ]


def _assert_equal(project: Project, account: Account) -> None:
    for name, endpoint in ENDPOINTS.items():
        if endpoint.marks_deleted:
            assert project.records(endpoint) == expected(endpoint, account.rows(name)), name


def test_another_address_is_refused_once_before_its_first_request_and_nothing_changes(
    tmp_path: Path, serve: Open
) -> None:
    ours, other = serve(1), serve(2)
    assert Project(tmp_path, ours.base_url).materialize().success
    project = Project(tmp_path, _elsewhere(other))
    before = _contents(project)
    for options in ({}, {"full_refresh": True, "allow_mass_delete": True}):
        project.sync = options
        failures = _failures(project.materialize())
        assert len(failures) == 1
        (told,) = failures.values()
        assert "another account" in told
        assert "new_account: true" in told
        assert "LEADS_WAREHOUSE" in told
        assert other.count() == 0
    assert _contents(project) == before


def test_a_list_whose_rows_were_created_at_other_times_is_refused_though_the_address_is_the_same(
    tmp_path: Path, serve: Open
) -> None:
    """Two demo servers differ by their port only, which does not count on loopback."""
    ours, other = serve(1), serve(2)
    assert Project(tmp_path, ours.base_url).materialize("leads", "users").success
    project = Project(tmp_path, other.base_url, sync={"full_refresh": True, "allow_mass_delete": True})
    before = _contents(project)
    told = _failures(project.materialize("leads"))["leads"]
    assert "38 of the 38 rows that are both here and on the server were created at another time" in told
    assert "new_account: true" in told
    assert _contents(project) == before


@pytest.mark.long
def test_an_account_takes_the_place_of_another_where_the_user_says_so(tmp_path: Path, serve: Open) -> None:
    ours, other = serve(1), serve(2, leads=180)
    assert Project(tmp_path, ours.base_url).materialize().success
    project = Project(tmp_path, _elsewhere(other), sync={"new_account": True})
    assert project.materialize().success
    _assert_equal(project, other.account)
    project.sync = {}
    assert project.materialize().success
    _assert_equal(project, other.account)
    assert "another account" in next(iter(_failures(Project(tmp_path, ours.base_url).materialize()).values()))


@pytest.mark.long
def test_a_list_that_was_not_part_of_the_change_is_replaced_at_its_next_read(tmp_path: Path, serve: Open) -> None:
    ours, other = serve(1), serve(2, leads=180)
    assert Project(tmp_path, ours.base_url).materialize().success
    project = Project(tmp_path, _elsewhere(other), sync={"new_account": True})
    assert project.materialize("teams").success
    project.sync = {}
    assert project.materialize().success
    _assert_equal(project, other.account)
    modes = project.query("SELECT mode, verdict FROM ops.sync_runs WHERE endpoint = 'leads' ORDER BY number")
    assert modes == [("full", "proven"), ("full", "proven")]


def test_a_warehouse_whose_tables_were_dropped_takes_any_account(tmp_path: Path, serve: Open) -> None:
    ours, other = serve(1), serve(2)
    watched = SensorHarness(ours, tmp_path)
    assert watched.project.materialize("teams", "leads").success
    watched.write("DROP TABLE teams; DROP TABLE leads")
    project = Project(tmp_path, _elsewhere(other))
    assert project.materialize("teams", "leads").success
    assert project.records(ENDPOINTS["leads"]) == expected(ENDPOINTS["leads"], other.account.rows("leads"))


def test_the_sensor_says_so_and_asks_neither_the_server_nor_for_a_run(tmp_path: Path, serve: Open) -> None:
    ours, other = serve(1), serve(2)
    watched = SensorHarness(ours, tmp_path)
    assert watched.project.materialize().success
    watched.api = other
    watched.base_url = _elsewhere(other)
    for _ in range(3):
        assert "another account" in reason(watched.tick())
    assert other.count() == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://api.example.com/v2", "https://API.example.com:443/v2/"),
        ("http://127.0.0.1:4000/v2", "http://127.0.0.1:5000/v2"),
    ],
)
def test_the_same_place_written_otherwise_is_the_same_account(one: str, other: str) -> None:
    assert account_of(one) == account_of(other)


@pytest.mark.parametrize(
    "other",
    [
        "https://api.example.org/v2",
        "https://api.example.com/v3",
        "https://api.example.com",
        "https://api.example.com:8443/v2",
    ],
)
def test_another_host_path_or_port_is_another_account(other: str) -> None:
    assert account_of("https://api.example.com/v2") != account_of(other)


def test_the_name_of_an_account_shows_neither_host_nor_path() -> None:
    assert not {"example", "v2"} & set(account_of("https://api.example.com/v2").split("."))
    assert len(account_of("https://api.example.com/v2")) == 32
