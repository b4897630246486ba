"""Settings and files that turn out to be wrong in a run: one clear sentence each, nothing touched."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets.demo.server.faults import Fault
from leads_assets_tests.harness.project import Project

pytestmark = pytest.mark.process


def _sentence(project: Project, asset: str = "steps") -> str:
    result = project.materialize(asset)
    assert not result.success
    failure = result.failure_data_for_node(asset)
    assert failure is not None
    assert failure.error is not None
    assert failure.error.cause is None
    return failure.error.message


@pytest.mark.parametrize(("base_url", "key"), [("", ""), ("http://127.0.0.1:1/v2", ""), ("", "a-key")])
def test_without_address_and_key_nothing_is_sent_and_both_are_named(tmp_path: Path, base_url: str, key: str) -> None:
    told = _sentence(Project(tmp_path, base_url, key=key))
    assert "no account is set: put LEADS_API_BASE_URL and LEADS_API_KEY into the environment" in told


def test_a_trailing_slash_does_no_harm(tmp_path: Path) -> None:
    with DemoApi(Account(leads=5)) as api:
        assert Project(tmp_path, api.base_url + "/").materialize("steps").success


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault("status", "steps", 402), "steps: HTTP 402 from 127.0.0.1"),
        (Fault("status", "steps", 403), ": the key has no right to read /steps"),
        (Fault("status", "steps", 404), "steps: HTTP 404 from 127.0.0.1"),
        (Fault("html", "steps"), "steps: HTTP 200 with a page of HTML or XML, attempt 2 of 2"),
    ],
    ids=str,
)
def test_each_answer_that_is_no_list_has_its_own_sentence(tmp_path: Path, fault: Fault, says: str) -> None:
    with DemoApi(Account(leads=5), faults=[fault]) as api:
        assert says in _sentence(Project(tmp_path, api.base_url, api={"attempts": 2}))


def test_a_wrong_key_is_told_apart_from_nothing_else(tmp_path: Path) -> None:
    with DemoApi(Account(leads=5), key="right") as api:
        told = _sentence(Project(tmp_path, api.base_url, key="wrong"))
    assert "the key in LEADS_API_KEY is refused, or LEADS_API_BASE_URL names no account" in told


def test_an_unreachable_host_is_named(tmp_path: Path) -> None:
    told = _sentence(Project(tmp_path, "http://127.0.0.1:1/v2", api={"attempts": 2}))
    assert "steps: the connection is refused at 127.0.0.1:1, attempt 2 of 2" in told


def _no_database(path: Path) -> None:
    path.write_bytes(b"this is no database" * 1000)


def _a_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("make", [_no_database, _a_folder], ids=["text", "folder"])
def test_a_warehouse_that_is_no_database_is_left_alone(tmp_path: Path, make: Callable[[Path], None]) -> None:
    with DemoApi(Account(leads=5)) as api:
        project = Project(tmp_path, api.base_url)
        make(project.path)
        told = _sentence(project)
        assert str(project.path) in told
        assert api.count() == 0


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with DemoApi(Account(leads=5)) as api:
        told = _sentence(Project(tmp_path / "file", api.base_url, api={"state": tmp_path / "state"}))
        assert api.count() == 0
    assert "set LEADS_WAREHOUSE to a file in a folder that can" in told


def test_failing_runs_leave_the_old_data_untouched(tmp_path: Path) -> None:
    account = Account(leads=30)
    with DemoApi(account) as api:
        project = Project(tmp_path, api.base_url, api={"attempts": 1}, sync={"full_refresh": True})
        assert project.materialize("leads").success
        before = project.query("SELECT * FROM leads ORDER BY id")
        account.delete("leads", [row["id"] for row in account.rows("leads")][:5])
        for kind in ("html", "data_null", "cut_json", "empty_body"):
            api.set_faults([Fault(kind, "leads")])
            _sentence(project, "leads")
    assert project.query("SELECT * FROM leads ORDER BY id") == before


def test_a_warehouse_that_another_program_holds_is_waited_for_and_its_holder_named(tmp_path: Path) -> None:
    with DemoApi(Account(leads=5)) as api:
        project = Project(tmp_path, api.base_url, warehouse={"lock_seconds": 0.3})
        duckdb.connect(project.path).close()
        code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
        command = [sys.executable, "-c", code, str(project.path)]
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert holder.stdout is not None
            holder.stdout.readline()
            told = _sentence(project)
        finally:
            holder.communicate()
    assert f"was held by process {holder.pid} for more than 0 s" in told
