"""The programs side by side: how each is started, and what a run of it costs."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from environments import HERE, environment
from truth import Account

OURS = "ours"
DAGSTER = str(Path(sys.executable).with_name("dagster"))
# Settings of whoever runs this must not reach a program that is measured.
_PLAIN = {name: value for name, value in os.environ.items() if not name.startswith(("LEADS_", "DAGSTER_", "DLT_"))}
_OUTPUT_LINES = 40


Sync = Callable[[Account, Path], "Cost"]


class Failed(Exception):
    """A program ended with an error; the text is the end of its output."""


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU and wall seconds of a whole process with its children, and the largest process's peak memory in MB."""

    cpu: float
    wall: float
    peak: float


def measure(command: Sequence[str], settings: Mapping[str, str] | None = None) -> Cost:
    """Run a command in an empty folder of its own, and return what it cost. Raises Failed."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "cost.json"
        launched = [sys.executable, "-I", "-S", str(HERE / "launch.py"), str(result), *command]
        done = subprocess.run(
            launched,
            cwd=folder,
            env=_PLAIN | (settings or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Failed("\n".join(done.stdout.splitlines()[-_OUTPUT_LINES:]))
        cost = json.loads(result.read_text())
    return Cost(cpu=cost["cpu"], wall=cost["wall"], peak=cost["peak_kib"] / 1024)


def materialize(definitions: Sequence[str], select: str, settings: Mapping[str, str], *options: str) -> Cost:
    """Run `dagster asset materialize`: without DAGSTER_HOME, so with a home that is made for it and thrown away."""
    command = [DAGSTER, "asset", "materialize", *definitions, "--select", select, *options]
    return measure(command, {"DAGSTER_DISABLE_TELEMETRY": "1", **settings})


def sync_ours(account: Account, path: Path, *options: str, select: str = "*") -> Cost:
    """Our project, as its README says; `options` are those of the command."""
    environ = {
        "LEADS_API_BASE_URL": account.base_url,
        "LEADS_API_KEY": account.key,
        "LEADS_API_DAILY_REQUESTS": "0",
        "LEADS_WAREHOUSE": str(path),
        "LEADS_STATE": f"{path}.state",
    }
    return materialize(["-m", "leads_assets.definitions"], select, environ, *options)


def _sync_ours_in_full(account: Account, path: Path) -> Cost:
    """All lists from the first to the last row, also where only changes would be asked for."""
    config = {"resources": {"sync": {"config": {"reconcile_hours": 0.0}}}}
    return sync_ours(account, path, "--config-json", json.dumps(config))


def _rival(environment_name: str, script: str, *options: str) -> Sync:
    def sync(account: Account, path: Path) -> Cost:
        address = ["--base-url", account.base_url, "--key", account.key, "--db", str(path)]
        return measure([environment(environment_name), str(HERE / "rivals" / script), *address, *options])

    return sync


PROGRAMS: Mapping[str, Sync] = {
    OURS: _sync_ours_in_full,
    "naive pandas": _rival("naive", "naive_pandas.py"),
    "dlt, parquet": _rival("dlt", "dlt_sync.py", "--loader", "parquet"),
    "dlt, default": _rival("dlt", "dlt_sync.py", "--loader", "default"),
}
"""Each syncs all fourteen lists into the DuckDB file at a path, in full. Raises Failed."""
