"""The demo and the account never meet: not its address, not its file, whatever `.env` and the environment say."""

import json
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets_tests.cli.processes import BIN, environment, family_of, kill, started, until

pytestmark = [pytest.mark.process, pytest.mark.long]

ACCOUNT_LEADS = 17
CHECKS = [(name, check) for name in ENDPOINTS for check in ("complete", "valid")]
EXECUTIONS = "".join(
    f'{name}_{check}: assetCheckExecutions(assetKey: {{path: ["{name}"]}}, checkName: "{check}", limit: 9)'
    " { runId status }"
    for name, check in CHECKS
)
SHOWN = f"""{{
  runsOrError {{ ... on Runs {{ results {{ runId status }} }} }}
  assetNodes {{ assetKey {{ path }} assetMaterializations(limit: 9) {{ runId }} }}
  {EXECUTIONS}
}}"""
"""The sensor may have asked for another run since."""


@pytest.fixture
def account() -> Iterator[DemoApi]:
    """The user's own account, with a number of leads by which it can be told."""
    with DemoApi(Account(leads=ACCOUNT_LEADS), key="own-key") as api:
        yield api


def _settings(api: DemoApi) -> dict[str, str]:
    own = {"LEADS_API_BASE_URL": api.base_url, "LEADS_API_KEY": api.key}
    return own | {"LEADS_WAREHOUSE": "own/leads.duckdb", "LEADS_SENSOR_SECONDS": "2", "LEADS_API_PAGE_SIZE": "90"}


def _write_dotenv(folder: Path, settings: Mapping[str, str]) -> None:
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))


def _demo(folder: Path, settings: Mapping[str, str]) -> dict[str, Any]:
    command = [str(BIN / "leads-assets"), "demo", "--leads", "30", "--json"]
    done = subprocess.run(
        command, cwd=folder, env=environment(folder, settings), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("where", [".env", "environment"])
def test_the_demo_sends_nothing_to_the_account_and_writes_nothing_into_its_warehouse_or_history(
    tmp_path: Path, account: DemoApi, where: str
) -> None:
    settings = _settings(account)
    if where == ".env":
        _write_dotenv(tmp_path, settings)
    told = _demo(tmp_path, {} if where == ".env" else settings)
    assert told["rows"]["leads"] == 30
    assert account.count() == 0
    assert not (tmp_path / "own").exists()
    assert not (tmp_path / "state").exists()
    assert (tmp_path / "data" / "demo.duckdb").exists()
    with dg.DagsterInstance.from_config(str(tmp_path / ".dagster_home")) as instance:
        assert instance.get_runs_count() == 0


@pytest.mark.parametrize("wrong", [{"LEADS_API_PAGE_SIZE": "0", "LEADS_SCHEMA": "foo"}], ids=str)
def test_a_wrong_setting_of_the_user_does_not_keep_the_demo_from_running(tmp_path: Path, wrong: dict[str, str]) -> None:
    _write_dotenv(tmp_path, wrong)
    assert _demo(tmp_path, wrong)["rows"]["leads"] == 30


@contextmanager
def _dev(folder: Path, settings: Mapping[str, str]) -> Iterator[int]:
    """`leads-assets dev`; yields its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    with started(folder, settings, "dev", "--leads", "30", "--port", str(port)) as process:
        try:
            yield port
        finally:
            kill(family_of(process.pid))


def test_dev_with_an_account_in_env_file_keeps_to_the_account_and_its_own_warehouse(
    tmp_path: Path, account: DemoApi
) -> None:
    said = tmp_path / "said.log"
    _write_dotenv(tmp_path, _settings(account))
    with _dev(tmp_path, {}):
        until(lambda: account.count("leads") > 0 and (tmp_path / "own" / "leads.duckdb").exists(), said)
        assert "demo API" not in said.read_text()
        assert f"The warehouse is {tmp_path / 'own' / 'leads.duckdb'}" in said.read_text()
    assert not (tmp_path / "data").exists()


def test_dev_without_an_account_keeps_the_demo_out_of_the_warehouse_that_is_set(tmp_path: Path) -> None:
    said = tmp_path / "said.log"
    _write_dotenv(tmp_path, {"LEADS_WAREHOUSE": "own/leads.duckdb", "LEADS_API_KEY": ""})
    with _dev(tmp_path, {"LEADS_API_PAGE_SIZE": "90"}):
        until((tmp_path / "data" / "demo.duckdb").exists, said)
        assert "No account is set: the demo API serves one at http://127.0.0.1:" in said.read_text()
    assert not (tmp_path / "own").exists()


def _graphql(port: int, query: str) -> dict[str, Any]:
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/graphql", body, {"Content-Type": "application/json"})
    with suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(request, timeout=60) as answer:
        told: dict[str, Any] = json.load(answer)["data"]
        return told
    return {"assetNodes": []}


def test_the_page_after_a_demo_shows_its_run_its_materializations_and_its_checks(tmp_path: Path) -> None:
    run_id = _demo(tmp_path, {})["run_id"]
    with _dev(tmp_path, {}) as port:
        shown: dict[str, Any] = {}

        def is_up() -> bool:
            shown.update(_graphql(port, SHOWN))
            shown["lists"] = [node for node in shown["assetNodes"] if node["assetKey"]["path"][0] in ENDPOINTS]
            return len(shown["lists"]) == len(ENDPOINTS)

        until(is_up, tmp_path / "said.log")
    assert {"runId": run_id, "status": "SUCCESS"} in shown["runsOrError"]["results"]
    for node in shown["lists"]:
        assert {"runId": run_id} in node["assetMaterializations"]
    for name, check in CHECKS:
        assert {"runId": run_id, "status": "SUCCEEDED"} in shown[f"{name}_{check}"]
