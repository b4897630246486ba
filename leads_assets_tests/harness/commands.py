"""The command `leads-assets` in this process, in an environment of its own."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from leads_assets.cli import main
from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi


@dataclass(frozen=True)
class CommandResult:
    """What a command has said, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its standard output as JSON."""
        return json.loads(self.out)


Command = Callable[..., CommandResult]
OpenAccount = Callable[..., DemoApi]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command in a folder of its own, in an environment without settings but those of the test."""
    for name in [name for name in os.environ if name.startswith(("LEADS_", "DAGSTER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEADS_WAREHOUSE", str(tmp_path / "leads.duckdb"))
    monkeypatch.setenv("LEADS_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("DAGSTER_DISABLE_TELEMETRY", "1")

    def run(*arguments: str) -> CommandResult:
        capsys.readouterr()
        status = main(arguments)
        said = capsys.readouterr()
        return CommandResult(status, said.out, said.err)

    return run


@pytest.fixture
def open_account(command: Command, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAccount]:
    """Starts a demo API, and makes it the account of the commands."""
    with ExitStack() as stack:

        def start(leads: int = 120, **options: Any) -> DemoApi:
            api = stack.enter_context(DemoApi(Account(leads=leads), **options))
            monkeypatch.setenv("LEADS_API_BASE_URL", api.base_url)
            monkeypatch.setenv("LEADS_API_KEY", api.key)
            return api

        yield start
