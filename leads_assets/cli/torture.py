"""`leads-assets torture`: one fault after the other; does a sync under it end complete, or say that it did not?

Each case is an account, a clean sync, changes on the server so that a loss would show, a fault, and a sync under it;
where that one left doubts, or rows moved while it read, another one without the fault shows whether the table recovers.
"""

import argparse
import json
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from itertools import repeat
from multiprocessing import get_context

from rich.console import Console
from rich.table import Table

from leads_assets.torture.cases import CASES, Case, Verdict, WalkResult

_WIDTH = 160
_COLOURS = {Verdict.COMPLETE: "green", Verdict.SAID_SO: "yellow", Verdict.SILENT_LOSS: "bold red"}


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "torture",
        help="sync from a demo API that misbehaves in every known way",
        description=__doc__,
        epilog="Exit status 1 if any sync lost something and did not say so.",
    )
    parser.add_argument("--leads", type=_leads, default=250, help="leads of the account, 150 or more (default 250)")
    parser.add_argument("--json", action="store_true", help="print a JSON array instead of a table")
    parser.set_defaults(run=run)


def _leads(text: str) -> int:
    if int(text) < 150:
        raise argparse.ArgumentTypeError("with fewer than 150 leads there is no second page to spoil")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Run all cases; exit status 1 if one is a silent loss."""
    with Console(stderr=True).status(f"{len(CASES)} faults, one minute"):
        outcomes = _in_parallel(CASES, arguments.leads)
    if arguments.json:
        print(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))
    else:
        _show(outcomes)
    return int(any(Verdict.SILENT_LOSS in (outcome.verdict, outcome.after) for outcome in outcomes))


def _in_parallel(cases: Sequence[Case], leads: int) -> list[WalkResult]:
    """The outcomes in the order of the cases, each n-th one from a process of its own: Dagster needs a core."""
    processes = min(4, os.cpu_count() or 1)
    shares = [cases[start::processes] for start in range(processes)]
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        found = list(pool.map(_share, shares, repeat(leads)))
    return [found[place % processes][place // processes] for place in range(len(cases))]


def _share(cases: Sequence[Case], leads: int) -> list[WalkResult]:
    # Dagster takes a second to load, and no other command needs it in this process.
    from leads_assets.torture.trial import torture  # noqa: PLC0415

    return list(torture(cases, leads))


def _show(outcomes: Sequence[WalkResult]) -> None:
    table = Table("fault", "what happened", "requests", "server", "table", "verdict", "next sync")
    for column in table.columns[2:5]:
        column.justify = "right"
    for outcome in outcomes:
        happened = outcome.happened if not outcome.why else f"{outcome.happened} ({outcome.why})"
        table.add_row(
            outcome.fault,
            happened,
            f"{outcome.requests:,}",
            f"{outcome.server_rows:,}",
            f"{outcome.live_rows:,}",
            f"[{_COLOURS[outcome.verdict]}]{outcome.verdict}",
            f"[{_COLOURS[outcome.after]}]{outcome.after}" if outcome.after else "",
        )
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    console.print(table)
    counts = Counter(outcome.verdict for outcome in outcomes)
    console.print(", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict))
