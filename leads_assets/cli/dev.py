"""`leads-assets dev`: the Dagster UI with a home that lasts; against the demo API where no account is set."""

import argparse
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from leads_assets.cli.demo_account import demo_account

_HOME = Path(".dagster_home")
_CONFIG = Path("dagster.yaml")


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "dev",
        help="start the Dagster UI",
        description="Start `dagster dev` with a DAGSTER_HOME in this folder; without an account, on the demo API.",
    )
    parser.add_argument("--port", type=int, default=3000, help="port of the UI (default 3000)")
    parser.add_argument("--leads", type=int, default=250, help="leads of the demo account (default 250)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run until interrupted; the exit status is that of `dagster dev`."""
    home = Path(os.environ.get("DAGSTER_HOME") or _HOME).absolute()
    home.mkdir(parents=True, exist_ok=True)
    if not (home / _CONFIG).exists():
        shutil.copyfile(_CONFIG, home / _CONFIG)
    with ExitStack() as stack:
        environment = os.environ | {"DAGSTER_HOME": str(home)}
        if not os.environ.get("LEADS_API_BASE_URL"):
            environment |= stack.enter_context(demo_account(arguments.leads))
            environment.setdefault("LEADS_WAREHOUSE", str(Path("data/demo.duckdb").absolute()))
            print(f"No account is set: the demo API serves one at {environment['LEADS_API_BASE_URL']}", flush=True)
        command = [str(Path(sys.executable).with_name("dagster")), "dev", "-w", "workspace.yaml"]
        return subprocess.run([*command, "--port", str(arguments.port)], env=environment, check=False).returncode
