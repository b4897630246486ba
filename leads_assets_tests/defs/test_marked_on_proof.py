"""Rows that a server keeps back after a sync that had them all: they stay live, and the sync says why."""

from pathlib import Path
from typing import Any

import pytest

from leads_assets.demo.server.api import DemoApi
from leads_assets.demo.server.faults import parse_fault
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.harness.project import Project

pytestmark = pytest.mark.socket


def _live(project: Project, endpoint: str) -> set[int]:
    return {row_id for (row_id,) in project.query(f"SELECT id FROM {endpoint} WHERE _deleted_at IS NULL")}


def _truth(api: DemoApi, endpoint: str) -> set[int]:
    return {row["id"] for row in api.account.rows(endpoint)}


def _sync(project: Project, api: DemoApi, endpoint: str, *faults: str) -> tuple[str, str, int]:
    """Verdict, reason and number of marked rows of a full read under these faults."""
    api.set_faults(map(parse_fault, faults))
    assert project.materialize(endpoint).success
    last = "ORDER BY loaded_at DESC LIMIT 1"
    ((verdict, reason, deleted),) = project.query(
        f"SELECT verdict, reason, deleted FROM ops.sync_runs WHERE endpoint = ? {last}", endpoint
    )
    return verdict, reason, deleted


def _project(api: DemoApi, folder: Path, **api_settings: Any) -> Project:
    return Project(folder, api.base_url, api=api_settings, sync={"full_refresh": True})


@pytest.mark.parametrize(
    ("endpoint", "rows", "faults"),
    [
        ("leads", 1_040, ["window=1000", "no_total"]),
        ("leads", 1_040, ["window=1000", "most_total=1000"]),
        ("leads", 251, ["cap=50", "page_total"]),
        ("leads", 400, ["hide=150:120", "no_total"]),
        ("prospecting_lists", 145, ["window=100", "no_total"]),
        ("prospecting_lists", 145, ["window=100", "page_total"]),
        ("users", 145, ["cut=100"]),
        ("users", 145, ["cut=100", "page_total"]),
        ("users", 281, ["cut=250"]),
        ("users", 145, ["cut=128"]),
        ("users", 81, ["cut=50"]),
    ],
)
def test_rows_that_a_server_keeps_back_are_not_taken_for_deleted(
    open_api: OpenApi, tmp_path: Path, endpoint: str, rows: int, faults: list[str]
) -> None:
    api = open_api(leads=rows if endpoint == "leads" else 10)
    api.account.insert(endpoint, rows - api.account.total(endpoint))
    project = _project(api, tmp_path)
    assert _sync(project, api, endpoint)[0] == "proven"
    verdict, reason, deleted = _sync(project, api, endpoint, *faults)
    assert (verdict, deleted) == ("unproven", 0) or _live(project, endpoint) == _truth(api, endpoint)
    assert (verdict == "proven") == (faults == ["cap=50", "page_total"]), reason
    assert _live(project, endpoint) == _truth(api, endpoint)


def test_a_list_that_shrinks_to_a_round_size_is_proven_if_it_ends_with_the_same_row(
    open_api: OpenApi, tmp_path: Path
) -> None:
    api = open_api(leads=10)
    api.account.insert("users", 61 - 23)
    project = _project(api, tmp_path)
    assert _sync(project, api, "users")[0] == "proven"
    users = sorted(_truth(api, "users"))
    api.account.delete("users", [users[3]])
    assert _sync(project, api, "users") == ("proven", "", 1)
    assert _sync(project, api, "users") == ("proven", "", 0)
    # Another row at the end: a list that a server has begun to cut looks like that.
    api.account.delete("users", [users[4]])
    api.account.insert("users")
    for _ in range(2):
        verdict, reason, deleted = _sync(project, api, "users")
        assert (verdict, deleted) == ("unproven", 0)
        assert "60 rows may be a limit" in reason
    assert _sync(_project(api, tmp_path, whole_lists=["users"]), api, "users") == ("proven", "", 1)


# Follow-ups, user by user.


def _with_odd_users(open_api: OpenApi, *, without_user: int, unlisted: int) -> DemoApi:
    """66 follow-ups: some without a user, some of users who are not listed."""
    api = open_api(leads=168)
    ids = sorted(_truth(api, "follow_ups"))
    assert len(ids) == 66
    listed = sorted(_truth(api, "users"))
    api.account.change("follow_ups", ids[:without_user], user_id=None)
    api.account.change("follow_ups", ids[without_user : without_user + unlisted], user_id=max(listed) + 1_000)
    return api


def test_users_who_are_not_listed_are_asked_for_by_the_rows_that_are_held(open_api: OpenApi, tmp_path: Path) -> None:
    api = _with_odd_users(open_api, without_user=0, unlisted=5)
    project = _project(api, tmp_path)
    assert _sync(project, api, "follow_ups")[0] == "proven"
    api.account.delete("follow_ups", [min(_truth(api, "follow_ups"))])
    api.reset()
    assert _sync(project, api, "follow_ups", "missing_parameter@follow_ups") == ("proven", "", 1)
    assert _live(project, "follow_ups") == _truth(api, "follow_ups")
    assert api.count("follow_ups") == 1 + 23 + 1


def test_rows_without_a_user_are_never_marked_by_a_read_user_by_user(open_api: OpenApi, tmp_path: Path) -> None:
    api = _with_odd_users(open_api, without_user=6, unlisted=5)
    project = _project(api, tmp_path)
    assert _sync(project, api, "follow_ups")[0] == "proven"
    verdict, reason, deleted = _sync(project, api, "follow_ups", "missing_parameter@follow_ups")
    assert (verdict, deleted) == ("unproven", 0)
    assert "6 rows that are held have no user_id" in reason
    assert _live(project, "follow_ups") == _truth(api, "follow_ups")


def test_an_unlisted_user_whom_the_server_refuses_is_a_doubt_and_no_failure(open_api: OpenApi, tmp_path: Path) -> None:
    api = _with_odd_users(open_api, without_user=0, unlisted=5)
    project = _project(api, tmp_path)
    assert _sync(project, api, "follow_ups")[0] == "proven"
    refused = ["missing_parameter@follow_ups", "status=404@follow_ups+24"]
    verdict, reason, deleted = _sync(project, api, "follow_ups", *refused)
    assert (verdict, deleted) == ("unproven", 0)
    assert "1 users that are not listed any more" in reason
