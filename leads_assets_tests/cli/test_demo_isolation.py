"""The demo and the account never meet: not its address, not its file, whatever `.env` and the environment say."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi

PROGRAM = str(Path(sys.executable).with_name("leads-assets"))
PATIENCE_SECONDS = 120
ACCOUNT_LEADS = 17


@pytest.fixture
def account() -> Iterator[DemoApi]:
    """The user's own account, with a number of leads by which it can be told."""
    with DemoApi(Account(leads=ACCOUNT_LEADS), key="own-key") as api:
        yield api


def _environment(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LEADS_", "DAGSTER_"))}
    return {**environment, "DAGSTER_DISABLE_TELEMETRY": "1", "HOME": str(folder), **settings}


def _settings(api: DemoApi) -> dict[str, str]:
    own = {"LEADS_API_BASE_URL": api.base_url, "LEADS_API_KEY": api.key}
    return own | {"LEADS_WAREHOUSE": "own/leads.duckdb", "LEADS_SENSOR_SECONDS": "2", "LEADS_API_PAGE_SIZE": "90"}


def _write_dotenv(folder: Path, settings: Mapping[str, str]) -> None:
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))


@pytest.mark.parametrize("where", [".env", "environment"])
def test_the_demo_sends_nothing_to_the_account_and_writes_nothing_into_its_warehouse(
    tmp_path: Path, account: DemoApi, where: str
) -> None:
    settings = _settings(account)
    if where == ".env":
        _write_dotenv(tmp_path, settings)
    done = subprocess.run(
        [PROGRAM, "demo", "--leads", "30"],
        cwd=tmp_path,
        env=_environment(tmp_path, {} if where == ".env" else settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert account.count() == 0
    assert not (tmp_path / "own").exists()
    assert (tmp_path / "data" / "demo.duckdb").exists()


@contextmanager
def _dev(folder: Path, settings: Mapping[str, str]) -> Iterator[Path]:
    """`leads-assets dev` in a session of its own; yields the file with what it says."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    said = folder / "dev.log"
    with said.open("w") as log:
        process = subprocess.Popen(
            [PROGRAM, "dev", "--leads", "30", "--port", port],
            cwd=folder,
            env=_environment(folder, settings),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield said
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(15)
    except subprocess.TimeoutExpired:
        pass
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _until(is_true: Callable[[], bool], said: Path) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not is_true():
        assert time.monotonic() < ends, said.read_text()[-3000:]
        time.sleep(0.3)


def test_dev_with_an_account_in_env_file_keeps_to_the_account_and_its_own_warehouse(
    tmp_path: Path, account: DemoApi
) -> None:
    _write_dotenv(tmp_path, _settings(account))
    with _dev(tmp_path, {}) as said:
        _until(lambda: account.count("leads") > 0 and (tmp_path / "own" / "leads.duckdb").exists(), said)
        assert "demo API" not in said.read_text()
    assert not (tmp_path / "data").exists()


def test_dev_without_an_account_keeps_the_demo_out_of_the_warehouse_that_is_set(tmp_path: Path) -> None:
    _write_dotenv(tmp_path, {"LEADS_WAREHOUSE": "own/leads.duckdb", "LEADS_API_KEY": ""})
    with _dev(tmp_path, {"LEADS_API_PAGE_SIZE": "90"}) as said:
        _until((tmp_path / "data" / "demo.duckdb").exists, said)
        assert "No account is set: the demo API serves one at http://127.0.0.1:" in said.read_text()
    assert not (tmp_path / "own").exists()
