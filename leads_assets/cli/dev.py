"""`leads-assets dev`: the Dagster UI with a home that lasts; against the demo API where no account is set."""

import argparse
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from importlib import resources
from pathlib import Path

from leads_assets.account.settings import Settings
from leads_assets.cli.settings import environment_with_dotenv
from leads_assets.demo.process import demo_account, demo_environment

_HOME = Path(".dagster_home")
_CONFIG = "dagster.yaml"
_PACKAGE = resources.files("leads_assets") / "defs"


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
    settings = Settings.from_environment()
    environment = environment_with_dotenv()
    home = Path(environment.get("DAGSTER_HOME") or _HOME).absolute()
    home.mkdir(parents=True, exist_ok=True)
    if not (home / _CONFIG).exists():
        with resources.as_file(_PACKAGE / _CONFIG) as config:
            shutil.copyfile(config, home / _CONFIG)
    with ExitStack() as stack:
        folder = Path.cwd()
        if not (settings.base_url or settings.api_key.get_secret_value()):
            account = stack.enter_context(demo_account(arguments.leads))
            environment = demo_environment(account, Path("data/demo.duckdb").absolute())
            # Dagster takes the variables of a `.env` in its folder, and the demo must see none of them.
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            print(f"No account is set: the demo API serves one at {account['LEADS_API_BASE_URL']}", flush=True)
        workspace = stack.enter_context(resources.as_file(_PACKAGE / "workspace.yaml"))
        command = [str(Path(sys.executable).with_name("dagster")), "dev", "-w", str(workspace)]
        return subprocess.run(
            [*command, "--port", str(arguments.port)],
            cwd=folder,
            env=environment | {"DAGSTER_HOME": str(home)},
            check=False,
        ).returncode
