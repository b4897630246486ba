"""`leads-assets demo-api`: which moment the account is shown at, and how days pass in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets.demo.server.client import DemoControl
from leads_assets_tests.cli.processes import started, until
from leads_assets_tests.harness.commands import Command

pytestmark = pytest.mark.process

NOW = datetime(2026, 3, 31, 18, tzinfo=UTC)
KEY = "demo-key"


@contextmanager
def _served(folder: Path, *arguments: str) -> Iterator[DemoControl]:
    said = folder / "said.log"
    with started(folder, {}, "demo-api", *arguments):
        until(lambda: "http" in said.read_text(), said)
        yield DemoControl(said.read_text().strip(), KEY)


def test_a_served_account_ends_at_the_moment_that_was_asked_for_and_its_past_can_be_shown(tmp_path: Path) -> None:
    with _served(tmp_path, "--leads", "60", "--now", NOW.isoformat(), "--days=-7") as control:
        assert list(control.rows("leads")) == list(Account(leads=60, now=NOW, days=-7).rows("leads"))
        assert control.advance(7) == NOW
        assert list(control.rows("leads")) == list(Account(leads=60, now=NOW).rows("leads"))
        (new,) = control.mutate("leads", "insert", count=1)
        stamp = next(row["updated_at"] for row in control.rows("leads") if row["id"] == new)
        assert timedelta(0) < datetime.fromisoformat(stamp) - NOW < timedelta(minutes=5)


def test_a_served_account_ends_now_unless_something_else_is_said(tmp_path: Path) -> None:
    with _served(tmp_path, "--leads", "20") as control:
        shown = datetime.fromisoformat(control.state()["now"])
    assert abs(datetime.now(UTC) - shown) < timedelta(minutes=5)


def test_the_command_lets_days_pass_in_an_account_that_is_served_elsewhere(command: Command) -> None:
    with DemoApi(Account(leads=20, now=NOW), key="k") as api:
        told = command("demo-api", "--advance", api.base_url, "--key", "k")
        assert (told.status, told.out) == (0, "It is 2026-04-01 18:00 UTC in the demo account.\n")
        assert command("demo-api", "--advance", api.base_url, "--key", "k", "--days", "9").status == 0
        assert api.account.now == NOW + timedelta(days=10)
        refused = command("demo-api", "--advance", api.base_url, "--key", "k", "--days", "-2")
        assert (refused.status, api.account.now) == (2, NOW + timedelta(days=10))
        url = api.base_url
    gone = command("demo-api", "--advance", url)
    assert gone.status == 2
    assert len(gone.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--now", "1999-01-01"), "lives from 2022 to 2045, not in 1999"),
        (("--days", "1e9"), "more than the calendar has"),
    ],
)
def test_a_moment_without_an_account_is_one_sentence(
    command: Command, arguments: tuple[str, ...], sentence: str
) -> None:
    told = command("demo-api", *arguments)
    assert told.status == 2
    assert sentence in told.err
    assert len(told.err.splitlines()) == 1


def test_what_is_no_time_is_a_usage_error(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        command("demo-api", "--now", "yesterday")
    assert left.value.code == 2
    assert "'yesterday' is not a time such as 2026-03-31" in capsys.readouterr().err
