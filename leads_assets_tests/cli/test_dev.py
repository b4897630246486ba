"""A real `dagster dev`: the fourteen assets are there, and a run launched as the page launches it succeeds.

`dagster dev -w workspace.yaml` is what the daemon's test starts.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets_tests.harness.project import Project, expected

pytestmark = pytest.mark.process

REPOSITORY = Path(__file__).parents[2]
LAUNCH = """
mutation ($params: ExecutionParams!) {
  launchPipelineExecution(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
ASSETS = "{ assetNodes { assetKey { path } groupName kinds description owners { ... on TeamAssetOwner { team } } } }"
STATUS = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
PATIENCE_SECONDS = 120


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _graphql(port: int, query: str, **variables: Any) -> Any:
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["data"]


def _until(found: Any) -> Any:
    ends = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends:
        try:
            if (value := found()) is not None:
                return value
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.3)
    raise AssertionError(f"nothing came within {PATIENCE_SECONDS} s")


@contextmanager
def _dagster_dev(home: Path, settings: dict[str, str]) -> Iterator[int]:
    port = _free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LEADS_", "DAGSTER_"))}
    environment |= {"DAGSTER_HOME": str(home), "DAGSTER_DISABLE_TELEMETRY": "1", "HOME": str(home), **settings}
    command = [str(Path(sys.executable).with_name("dagster")), "dev", "--port", str(port)]
    shutil.copy(REPOSITORY / "pyproject.toml", home)  # and not the `.env` that may lie beside it
    with (home / "dev.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=home, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            _until(lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=5).status)
            yield port
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.mark.long
def test_the_page_shows_the_fourteen_lists_and_the_report_and_materializes_the_lists(tmp_path: Path) -> None:
    account = Account(leads=120)
    with DemoApi(account) as api:
        settings = {
            "LEADS_API_BASE_URL": api.base_url,
            "LEADS_API_KEY": api.key,
            "LEADS_WAREHOUSE": str(tmp_path / "leads.duckdb"),
            "LEADS_SENSOR_SECONDS": "86400",
        }
        with _dagster_dev(tmp_path, settings) as port:
            nodes = _until(lambda: _graphql(port, ASSETS)["assetNodes"] or None)
            groups = {node["assetKey"]["path"][0]: node["groupName"] for node in nodes}
            assert groups == {
                **dict.fromkeys(ENDPOINTS, "crm"),
                **{"crm_api": "api", "live": "live", "marts": "marts", "report": "marts"},
            }
            assert all(node["description"] for node in nodes)
            params = {
                "selector": {
                    "repositoryLocationName": "leads_assets",
                    "repositoryName": "__repository__",
                    "jobName": "__ASSET_JOB",
                    "assetSelection": [{"path": [name]} for name in ENDPOINTS],
                },
                "mode": "default",
                "runConfigData": {},
            }
            launched = _graphql(port, LAUNCH, params=params)["launchPipelineExecution"]
            assert launched["__typename"] == "LaunchRunSuccess", launched
            run_id = launched["run"]["runId"]

            def ended() -> str | None:
                status = str(_graphql(port, STATUS, id=run_id)["runOrError"]["status"])
                return status if status in ("SUCCESS", "FAILURE", "CANCELED") else None

            assert _until(ended) == "SUCCESS"
    assert Project(tmp_path, "").records(ENDPOINTS["leads"]) == expected(ENDPOINTS["leads"], account.rows("leads"))
