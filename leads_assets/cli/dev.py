"""`leads-assets dev`: the Dagster UI with a home that lasts; against the demo API where no account is set."""

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from importlib import resources
from pathlib import Path

from leads_assets.account.connect import warehouse_of
from leads_assets.account.settings import Settings
from leads_assets.cli.arguments import PORTS, UsageError, add_leads_option, whole
from leads_assets.cli.home import PACKAGE, dagster_home, environment_with_dotenv
from leads_assets.cli.interruption import at_last
from leads_assets.cli.render import Ended, printable
from leads_assets.demo.process import demo_account, demo_environment
from leads_assets.engine.warehouse.errors import WarehouseError

_HOST = "127.0.0.1"
_ASK, _KILL = (signal.SIGTERM, 2.0), (signal.SIGKILL, 1.0)
"""How Dagster's processes are ended, and the seconds that they have for it: in order, with their runs, or at once."""
_LOOK_SECONDS = 0.05


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "dev",
        help="start the Dagster UI",
        description="Start `dagster dev` with DAGSTER_HOME, or .dagster_home of this folder; without an account, on the"
        " demo API.",
    )
    parser.add_argument("--port", type=whole(1, PORTS[1]), default=3000, help="port of the UI (default 3000)")
    add_leads_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Ended:
    """Run until interrupted; the exit status is that of `dagster dev`. Raises UsageError or ConfigurationError."""
    settings = Settings.from_environment()
    environment = environment_with_dotenv()
    _check_port(arguments.port)
    home = dagster_home(environment)
    with ExitStack() as stack:
        folder = Path.cwd()
        if not (settings.base_url or settings.api_key.get_secret_value()):
            settings = stack.enter_context(demo_account(arguments.leads))
            environment = demo_environment(settings)
            # Dagster takes the variables of a `.env` in its folder, and the demo must see none of them.
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            print(f"No account is set: the demo API serves one at {settings.base_url}", flush=True)
        print(printable(f"The warehouse is {settings.warehouse}, Dagster's home {home}."), flush=True)
        workspace = stack.enter_context(resources.as_file(PACKAGE / "workspace.yaml"))
        command = [str(Path(sys.executable).with_name("dagster")), "dev", "-w", str(workspace), "-h", _HOST]
        environment |= {"DAGSTER_HOME": str(home)}
        return Ended(_run([*command, "--port", str(arguments.port)], folder, environment, settings))


def _check_port(port: int) -> None:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise UsageError(f"port {port} cannot be used ({error.strerror}); choose another --port") from None


def _run(command: Sequence[str], folder: Path, environment: Mapping[str, str], settings: Settings) -> int:
    # A group of its own: Dagster leaves its code server and daemon behind when only its first process is ended.
    process = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True)

    def end(*ways: tuple[signal.Signals, float]) -> None:
        for number, seconds in ways:
            if _is_over(process, number, seconds):
                break
        _tidy(settings)

    with at_last(lambda: end(_KILL)):
        try:
            return process.wait()
        finally:
            end(_ASK, _KILL)


def _is_over(process: "subprocess.Popen[bytes]", number: signal.Signals, seconds: float) -> bool:
    """Send the signal to the group, and wait for all of it to end."""
    ends = time.monotonic() + seconds
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
        while time.monotonic() < ends:
            process.poll()
            os.killpg(process.pid, 0)
            time.sleep(_LOOK_SECONDS)
        return False
    return True


def _tidy(settings: Settings) -> None:
    """Remove what killed runs have left in the spool."""
    warehouse = warehouse_of(settings)
    if warehouse.spool_root.exists():
        with suppress(WarehouseError), warehouse.spool():
            pass
