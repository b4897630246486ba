"""`leads-assets compact`: the warehouse without the space that old versions of rows have left."""

import argparse

from leads_assets.account.connect import warehouse_of
from leads_assets.account.settings import Settings
from leads_assets.cli.printing import add_json_option, print_json, size
from leads_assets.engine.warehouse.compact import compact


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "compact",
        help="rewrite a warehouse that has grown",
        description="Write the warehouse anew without the space of replaced rows, and put it into the old one's place"
        " in one step. Nothing is lost; it needs as much free disk as the warehouse takes.",
    )
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compact, and print the size before and after."""
    warehouse = warehouse_of(Settings.from_environment())
    if not warehouse.path.exists():
        before = after = 0
        says = f"There is no warehouse at {warehouse.path}: nothing to do."
    else:
        before, after = compact(warehouse)
        says = f"{warehouse.path}: {size(before)} before, {size(after)} after."
    if arguments.json:
        print_json({"warehouse": warehouse.path, "before_bytes": before, "after_bytes": after})
    else:
        print(says)
    return 0
