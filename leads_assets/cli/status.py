"""`leads-assets status`: how fresh and how true each table is."""

import argparse
from datetime import UTC, datetime
from typing import Any

from leads_assets.account.connect import warehouse_of
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.account.settings import Settings
from leads_assets.cli.printing import (
    add_json_option,
    age,
    make_console,
    make_table,
    moment,
    number,
    print_json,
    print_sentences,
)
from leads_assets.engine.warehouse.failures import last_failures
from leads_assets.engine.warehouse.runs import freshness


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "status",
        help="show how fresh and how true each table is",
        description="Show rows, age, verdict and last error of each table, from the warehouse alone.",
    )
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the view `ops.freshness`, endpoints that were never loaded included."""
    warehouse = warehouse_of(Settings.from_environment())
    found = {row["endpoint"]: row for row in freshness(warehouse)}
    names = [*ENDPOINTS, *(name for name in found if name not in ENDPOINTS)]
    failures = last_failures(warehouse)
    rows = [
        found.get(name, {"endpoint": name, "verdict": "never loaded"}) | {"last_error": failures.get(name, (None,))[0]}
        for name in names
    ]
    if arguments.json:
        print_json({"warehouse": warehouse.path, "exists": warehouse.path.exists(), "endpoints": rows})
    elif not warehouse.path.exists():
        print(f"There is no warehouse yet at {warehouse.path}: run `leads-assets sync`.")
    else:
        _print(rows)
    return 0


def _print(rows: list[dict[str, Any]]) -> None:
    now = datetime.now(UTC)
    table = make_table("endpoint", "live rows", "data as of", "age", "verdict", right=("live rows", "age"))
    for row in rows:
        as_of = row.get("data_as_of")
        ago = age(now - as_of) if as_of else ""
        table.add_row(row["endpoint"], number(row.get("live_rows")), moment(as_of), ago, row["verdict"])
    console = make_console()
    console.print(table)
    reasons = [f"{row['endpoint']}: {row['verdict']}: {row['reason']}" for row in rows if row.get("reason")]
    print_sentences(console, [*reasons, *(f"failed since: {row['last_error']}" for row in rows if row["last_error"])])
