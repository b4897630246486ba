"""`leads-assets`: the subcommands and how they are chosen."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from leads_assets.cli import compact, demo, demo_api, dev, doctor, export, init, plan, report, status, sync, torture
from leads_assets.cli.arguments import UsageError
from leads_assets.cli.interruption import Interrupted, at_any_signal
from leads_assets.cli.render import Refused, Report, render
from leads_assets.engine.errors import ApiError
from leads_assets.engine.warehouse.errors import WarehouseError

_COMMANDS = (init, demo, demo_api, dev, sync, status, plan, report, export, doctor, compact, torture)
_CLOSED_PIPE = 141
"""As a shell would report a program that wrote into a closed pipe."""
_STATUS = (
    "exit status: 0 all is well; 1 something failed, is broken, or (with --strict, --max-age) not proven or too old;"
    " 2 the command was not understood; 130, 143 ended by SIGINT, SIGTERM"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns its exit status. A foreseen error is one sentence on standard error and status 1."""
    arguments = _parser().parse_args(argv)
    with at_any_signal() as interruption:
        try:
            report = _report(arguments)
            # DuckDB looks for signals too, and says in an error of its own that it was interrupted.
            if interruption.signal is not None:
                interruption.leave()
            return _shown(report, as_json=getattr(arguments, "json", False))
        except Interrupted:
            interruption.leave()
        except RuntimeError:
            if interruption.signal is None:
                raise
            interruption.leave()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="leads-assets", description="A true copy of a CRM account in DuckDB.", epilog=_STATUS
    )
    parser.add_argument("--version", action="version", version=f"leads-assets {version('leads-assets')}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for module in _COMMANDS:
        module.register(commands)
    return parser


def _report(arguments: argparse.Namespace) -> Report:
    try:
        report: Report = arguments.run(arguments)
    except UsageError as error:
        return Refused(str(error), status=2)
    except (ApiError, WarehouseError) as error:
        return Refused(str(error))
    return report


def _shown(report: Report, *, as_json: bool) -> int:
    try:
        render(report, as_json=as_json)
    except BrokenPipeError:
        # Whoever read it has seen enough; at the end Python would try to write the rest once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _CLOSED_PIPE
    return report.status
