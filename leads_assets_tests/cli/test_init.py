"""`leads-assets init`: a folder in which everything runs, and nothing in it is ever overwritten."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from dotenv import dotenv_values

from leads_assets.account.settings import Settings, variables
from leads_assets.cli.init import environment_file
from leads_assets_tests.harness.commands import Command, OpenAccount, command, open_account

__all__ = ["command", "open_account"]
pytestmark = [pytest.mark.process, pytest.mark.marts]


def test_the_files_are_written_for_the_user_alone_and_the_next_step_is_told(command: Command, tmp_path: Path) -> None:
    told = command("init")
    assert (told.status, told.err) == (0, "")
    assert "then run `leads-assets doctor`" in told.out
    for name in (".env", "definitions.py"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert (tmp_path / ".dagster_home" / "dagster.yaml").exists()
    assert not Settings.from_environment().has_account


def test_the_env_file_names_every_variable_and_sets_none_that_has_a_default(command: Command, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(environment_file())
    assert dotenv_values(tmp_path / ".env") == {"LEADS_API_BASE_URL": "", "LEADS_API_KEY": ""}
    for name in variables():
        assert f"{name}=" in environment_file()
    uncommented = [line[2:] for line in environment_file().splitlines() if line[2:].partition("=")[0] in variables()]
    (tmp_path / ".env").write_text("\n".join(uncommented))
    assert Settings.from_environment() == Settings(), "the defaults that it shows are the defaults"


def test_a_file_that_is_there_is_left_alone(command: Command, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LEADS_TIME_ZONE=Europe/Paris\n")
    told = command("init", "--json").json
    assert told["kept"] == [str(tmp_path / ".env")]
    assert (tmp_path / ".env").read_text() == "LEADS_TIME_ZONE=Europe/Paris\n"
    assert command("init", "--json").json["written"] == []


@pytest.mark.long
def test_with_an_account_the_doctor_looks_and_the_first_definitions_run(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    open_account(leads=20)
    told = command("init", "--json").json
    assert told["doctor"]["ok"] is True
    assert command("sync").status == 0
    dagster = [str(Path(sys.executable).with_name("dagster")), "asset", "materialize", "-f", "definitions.py"]
    ran = subprocess.run(
        [*dagster, "--select", "stuck_by_owner"],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert "RUN_SUCCESS" in ran.stderr
