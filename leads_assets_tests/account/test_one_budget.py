"""One account, one count of requests: whatever its warehouse is called, and wherever it lies."""

import shutil
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from leads_assets.account.connect import budget_of, count_file
from leads_assets.account.settings import Settings
from leads_assets.engine.errors import ConfigurationError, QuotaExhausted, RateLimited
from leads_assets.engine.http.budget import RequestBudget

pytestmark = pytest.mark.socket

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
Opened = Callable[..., RequestBudget]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the warehouses; the state lies beside it."""
    place = tmp_path / "data"
    place.mkdir()
    return place


@pytest.fixture
def opened(folder: Path) -> Iterator[Opened]:
    """Opens the budget of a warehouse in the folder."""
    with ExitStack() as stack:

        def start(name: str, base_url: str = "https://api.example.com/v2", daily: int = 10) -> RequestBudget:
            budget = budget_of(_settings(folder / name, base_url, daily), lambda: NOW)
            stack.callback(budget.close)
            return budget

        yield start


def _settings(warehouse: Path, base_url: str = "https://api.example.com/v2", daily: int = 10) -> Settings:
    return Settings(
        base_url=base_url,
        api_key=SecretStr("a-key"),
        warehouse=warehouse,
        state=warehouse.parent.parent / "state",
        daily_requests=daily,
    )


def _spend(budget: RequestBudget, requests: int) -> None:
    for _ in range(requests):
        budget.take("leads")


def _count_of_before(path: Path, requests: int, day: datetime = NOW) -> None:
    """A count as the version before kept it, beside the warehouse."""
    with closing(RequestBudget(path, 0, now=lambda: day)) as budget:
        _spend(budget, requests)


def test_two_warehouses_of_one_account_share_the_day(opened: Opened) -> None:
    _spend(opened("a.duckdb"), 7)
    other = opened("b.duckdb")
    assert other.left() == 3
    _spend(other, 3)
    with pytest.raises(QuotaExhausted):
        opened("a.duckdb").take("leads")


def test_a_renamed_a_linked_and_a_copied_warehouse_go_on_with_the_same_count(folder: Path, opened: Opened) -> None:
    (folder / "a.duckdb").touch()
    _spend(opened("a.duckdb"), 4)
    (folder / "link.duckdb").symlink_to("a.duckdb")
    assert opened("link.duckdb").spent() == 4
    shutil.copyfile(folder / "a.duckdb", folder / "copy.duckdb")
    assert opened("copy.duckdb").spent() == 4
    (folder / "a.duckdb").rename(folder / "renamed.duckdb")
    assert opened("renamed.duckdb").spent() == 4


def test_the_same_account_in_other_letters_is_the_same_and_another_path_is_another(opened: Opened) -> None:
    _spend(opened("a.duckdb"), 4)
    assert opened("b.duckdb", "https://API.example.com:443/v2/").spent() == 4
    assert opened("a.duckdb", "https://api.example.com/v3").spent() == 0


def test_the_pause_that_a_server_asked_for_holds_for_every_warehouse_of_the_account(opened: Opened) -> None:
    opened("a.duckdb").pause_until(NOW + timedelta(hours=1))
    with pytest.raises(RateLimited, match="run again after 2026-03-04T13:00:00Z"):
        opened("b.duckdb").take("leads")


def test_the_counts_of_the_version_before_are_added_up_once_and_their_files_go(folder: Path, opened: Opened) -> None:
    for name, requests in (("a.duckdb", 2), ("b.duckdb", 3)):
        _count_of_before(folder / f"{name}.requests", requests)
    assert opened("a.duckdb").spent() == 2
    assert [opened("b.duckdb").spent() for _ in range(2)] == [5, 5]
    assert opened("a.duckdb").spent() == 5
    assert list(folder.iterdir()) == []


def test_a_count_of_yesterday_takes_nothing_from_today(folder: Path, opened: Opened) -> None:
    _count_of_before(folder / "a.duckdb.requests", 9, NOW - timedelta(days=1))
    assert opened("a.duckdb").left() == 10


def test_a_pause_of_the_version_before_goes_on(folder: Path, opened: Opened) -> None:
    with closing(RequestBudget(folder / "a.duckdb.requests", 0, now=lambda: NOW)) as before:
        before.pause_until(NOW + timedelta(hours=1))
    with pytest.raises(RateLimited):
        opened("a.duckdb").take("leads")


def test_several_that_take_a_count_over_at_once_take_it_over_once(folder: Path) -> None:
    _count_of_before(folder / "a.duckdb.requests", 9)
    ready, seen = threading.Barrier(6), []

    def take_over() -> None:
        ready.wait()
        with closing(budget_of(_settings(folder / "a.duckdb"), lambda: NOW)):
            seen.append(True)

    threads = [threading.Thread(target=take_over) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 6
    with closing(budget_of(_settings(folder / "a.duckdb"), lambda: NOW)) as budget:
        assert budget.spent() == 9


def test_an_old_count_that_is_damaged_is_said_and_gives_no_free_requests(folder: Path, opened: Opened) -> None:
    (folder / "a.duckdb.requests").write_bytes(b"not a database, and long enough to be one" * 50)
    with pytest.raises(ConfigurationError, match=r"a\.duckdb\.requests cannot be used .* or delete the file"):
        opened("a.duckdb")


def test_only_this_user_can_read_the_count_and_its_folder(folder: Path, opened: Opened) -> None:
    _spend(opened("a.duckdb"), 1)
    place = folder.parent / "state"
    modes = {path.name.rpartition(".")[2]: stat.S_IMODE(path.stat().st_mode) for path in (place, *place.iterdir())}
    assert modes.pop("state") == 0o700
    assert set(modes.values()) == {0o600}
    assert "requests" in modes


def test_a_link_in_the_place_of_the_count_is_refused_and_what_it_points_to_is_left_alone(
    folder: Path, opened: Opened
) -> None:
    count = count_file(_settings(folder / "a.duckdb"))
    count.parent.mkdir()
    for target in (folder / "made.txt", folder / "file.txt"):
        count.symlink_to(target)
        with pytest.raises(ConfigurationError, match=r"cannot be used .*LEADS_STATE names another folder"):
            opened("a.duckdb")
        count.unlink()
        (folder / "file.txt").write_text("")
    assert not (folder / "made.txt").exists()
    assert (folder / "file.txt").read_text() == ""


def test_a_link_in_the_place_of_an_old_count_is_not_followed(folder: Path, opened: Opened) -> None:
    _count_of_before(folder / "elsewhere", 9)
    (folder / "a.duckdb.requests").symlink_to("elsewhere")
    assert opened("a.duckdb").spent() == 0
    with closing(sqlite3.connect(folder / "elsewhere")) as kept:
        assert kept.execute("SELECT requests FROM spent").fetchall() == [(9,)]


def test_without_the_setting_the_count_lies_in_the_users_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert Settings().state_folder == tmp_path / "leads-assets"


def test_a_user_without_a_home_is_told_to_set_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.delenv("HOME")

    def nobody(number: int) -> None:
        raise KeyError(number)

    monkeypatch.setattr("pwd.getpwuid", nobody)
    with pytest.raises(ConfigurationError, match="LEADS_STATE must name a folder"):
        _ = Settings().state_folder
