"""`leads-assets`: the subcommands and how they are chosen."""

import argparse
import sys
from collections.abc import Sequence

from leads_assets.cli import compact, demo, demo_api, dev, doctor, plan, status, sync, torture
from leads_assets.engine.errors import LeadsApiError
from leads_assets.engine.warehouse.errors import WarehouseError

_COMMANDS = (demo, demo_api, dev, sync, status, plan, doctor, compact, torture)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns its exit status. A foreseen error is one sentence on standard error and status 1."""
    parser = argparse.ArgumentParser(prog="leads-assets", description="A true copy of a CRM account in DuckDB.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for module in _COMMANDS:
        module.register(commands)
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except (LeadsApiError, WarehouseError) as error:
        print(f"leads-assets: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
