"""`leads-assets demo`: all endpoints from the bundled demo API into DuckDB, through the real command line."""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.process import demo_account, demo_environment
from leads_assets.engine.warehouse.file import Warehouse

_QUERY = "SELECT step, count(*) AS leads, sum(amount) AS amount FROM leads WHERE _deleted_at IS NULL GROUP BY step"


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "demo",
        help="materialize all endpoints from the bundled demo API",
        description="Start the demo API, run `dagster asset materialize --select '*'` against it, and show the result.",
    )
    parser.add_argument("--leads", type=int, default=250, help="number of leads (default 250)")
    parser.add_argument("--warehouse", type=Path, default=Path("data/demo.duckdb"), help="the DuckDB file to fill")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; the exit status is that of `dagster asset materialize`."""
    path: Path = arguments.warehouse.absolute()
    began = time.monotonic()
    with demo_account(arguments.leads) as settings, tempfile.TemporaryDirectory() as home:
        environment = demo_environment(settings, path) | {"DAGSTER_HOME": home, "DAGSTER_DISABLE_TELEMETRY": "1"}
        command = [str(Path(sys.executable).with_name("dagster")), "asset", "materialize"]
        command += ["-m", "leads_assets.definitions", "--select", "*"]
        # Not in this folder: Dagster takes the variables of its `.env`, and so the user's account.
        done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stderr)
        return done.returncode
    _show(path, time.monotonic() - began)
    return 0


def _show(path: Path, seconds: float) -> None:
    with Warehouse(path).read("the demo") as session:
        if session is None:
            raise RuntimeError("the run succeeded without a warehouse")
        rows = session.run(
            "reading the ledger",
            "SELECT endpoint, live_rows, verdict, round(epoch(loaded_at - began_at), 2)"
            " FROM ops.sync_runs QUALIFY row_number() OVER (PARTITION BY endpoint ORDER BY loaded_at DESC) = 1",
        )
    found = {endpoint: rest for endpoint, *rest in rows}
    table = Table("endpoint", "rows", "verdict", "seconds")
    table.columns[1].justify = table.columns[3].justify = "right"
    for endpoint in ENDPOINTS:
        live, verdict, took = found[endpoint]
        table.add_row(endpoint, f"{live:,}", verdict, f"{took:.2f}")
    console = Console()
    console.print(table)
    console.print(f"{len(found)} tables in {path} after {seconds:.0f} s. Ask it something:", soft_wrap=True)
    console.print(
        f"  .venv/bin/python -c \"import duckdb; duckdb.connect('{_short(path)}').sql('{_QUERY}').show()\"",
        soft_wrap=True,
    )


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
