"""SIGTERM and SIGINT end everything that a command has started, soon, and leave no row of the account behind."""

import os
import signal
import socket
import time
from pathlib import Path

import dagster as dg
import pytest

from leads_assets.demo.server.api import DemoApi
from leads_assets_tests.cli.processes import family_of, kill, living, started, until
from leads_assets_tests.conftest import OpenApi

pytestmark = pytest.mark.process

SIGNALS = [signal.SIGTERM, signal.SIGINT]
SOON_SECONDS = 5


def _settings(api: DemoApi) -> dict[str, str]:
    return {"LEADS_API_BASE_URL": api.base_url, "LEADS_API_KEY": api.key, "LEADS_WAREHOUSE": "leads.duckdb"}


def _all_end(pid: int, sent: signal.Signals, family: set[int]) -> None:
    os.kill(pid, sent)
    ends = time.monotonic() + SOON_SECONDS
    while (left := living(family)) and time.monotonic() < ends:
        time.sleep(0.05)
    kill(left)
    assert not left, f"{len(left)} of {len(family)} processes still ran"


def _spooled(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.spool/*") if path.is_dir()]


@pytest.mark.parametrize("sent", SIGNALS)
@pytest.mark.parametrize("fault", ["latency=100@leads", "latency=100@leads+1"], ids=["first page", "pages ahead"])
def test_a_sync_whose_server_does_not_answer_ends_and_its_run_too(
    tmp_path: Path, open_api: OpenApi, fault: str, sent: signal.Signals
) -> None:
    api = open_api(fault, leads=2_000)
    said = tmp_path / "said.log"
    with started(tmp_path, _settings(api), "sync", "leads") as process:
        until(lambda: api.count("leads") > fault.count("+") and bool(_spooled(tmp_path)), said)
        _all_end(process.pid, sent, family_of(process.pid))
        assert process.wait() == 128 + sent
    assert not _spooled(tmp_path)
    assert "Traceback" not in said.read_text()
    with dg.DagsterInstance.from_config(str(tmp_path / ".dagster_home")) as instance:
        (run,) = instance.get_runs()
    assert run.is_finished or list((tmp_path / ".dagster_home" / "commands").iterdir())


@pytest.mark.parametrize("sent", SIGNALS)
def test_a_preview_ends(tmp_path: Path, open_api: OpenApi, sent: signal.Signals) -> None:
    api = open_api("latency=100@leads+1", leads=2_000)
    with started(tmp_path, _settings(api), "plan", "leads", "--diff") as process:
        until(lambda: api.count("leads") > 1, tmp_path / "said.log")
        _all_end(process.pid, sent, family_of(process.pid))
        assert process.wait() == 128 + sent
    assert not _spooled(tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("sent", SIGNALS)
def test_dev_with_a_run_under_way_ends_with_all_its_processes(
    tmp_path: Path, open_api: OpenApi, sent: signal.Signals
) -> None:
    api = open_api("latency=100@leads+2", leads=2_000)
    settings = {**_settings(api), "LEADS_SENSOR_SECONDS": "2"}
    with started(tmp_path, settings, "dev", "--port", _free_port()) as process:
        until(lambda: api.count("leads") > 3 and bool(_spooled(tmp_path)), tmp_path / "said.log")
        family = family_of(process.pid)
        assert len(family) > 5
        _all_end(process.pid, sent, family)
        assert process.wait() == 128 + sent
    assert not _spooled(tmp_path)


@pytest.mark.parametrize("sent", SIGNALS)
@pytest.mark.parametrize("arguments", [("demo", "--leads", "60000"), ("torture",)], ids=["demo", "torture"])
def test_demo_and_torture_end_with_all_their_processes_and_files(
    tmp_path: Path, arguments: tuple[str, ...], sent: signal.Signals
) -> None:
    (tmp_path / "tmp").mkdir()
    said = tmp_path / "said.log"
    with started(tmp_path, {"TMPDIR": str(tmp_path / "tmp")}, *arguments) as process:
        if arguments[0] == "demo":
            until(lambda: bool(_spooled(tmp_path)), said)
        else:
            until(lambda: len(list((tmp_path / "tmp").rglob("*.duckdb"))) > 1, said)
        _all_end(process.pid, sent, family_of(process.pid))
        assert process.wait() == 128 + sent
    assert not _spooled(tmp_path)
    assert not list((tmp_path / "tmp").iterdir())


def _free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])
