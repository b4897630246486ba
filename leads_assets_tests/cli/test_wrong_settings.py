"""A wrong setting: every command and Dagster itself refuse it, before the first request."""

from pathlib import Path

import pytest

from leads_assets_tests.cli.test_command_line import run
from leads_assets_tests.harness.commands import Command, OpenAccount

pytestmark = pytest.mark.process


@pytest.mark.parametrize(
    "arguments",
    [("sync",), ("status",), ("plan",), ("plan", "--diff"), ("doctor",), ("compact",), ("dev",)],
    ids=" ".join,
)
def test_every_command_refuses_a_wrong_value_before_the_first_request(
    command: Command, open_account: OpenAccount, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    api = open_account()
    monkeypatch.setenv("LEADS_API_PAGE_SIZE", "0")
    monkeypatch.setenv("LEADS_SCHEMA", "foo")
    told = command(*arguments)
    assert told.status == 1
    said = told.out + told.err
    assert "LEADS_API_PAGE_SIZE must be a whole number from 1 to 10,000" in said
    assert "LEADS_SCHEMA must be `evolve` or `freeze`" in said
    assert api.count() == 0


@pytest.mark.parametrize("action", [("definitions", "validate"), ("asset", "materialize", "--select", "*")])
def test_dagster_refuses_a_wrong_value_before_the_first_request(
    tmp_path: Path, open_account: OpenAccount, action: tuple[str, ...]
) -> None:
    api = open_account()
    settings = {"LEADS_API_BASE_URL": api.base_url, "LEADS_API_KEY": "canary-key ", "LEADS_API_PAGE_SIZE": "0"}
    done = run(tmp_path, settings, "dagster", *action, "-m", "leads_assets.definitions")
    said = done.stdout + done.stderr
    assert done.returncode == 1
    sentence = "LEADS_API_KEY must hold neither blanks nor line breaks, and only ASCII characters; LEADS_API_PAGE_SIZE"
    assert f"{sentence} must be a whole number from 1 to 10,000" in said
    assert "canary" not in said
    assert api.count() == 0
