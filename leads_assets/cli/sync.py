"""`leads-assets sync`: `dagster asset materialize`, with a live view and a summary."""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from leads_assets.account.connect import warehouse_of
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.account.settings import Settings
from leads_assets.cli.printing import add_json_option, make_console, make_table, number, print_json, print_sentences
from leads_assets.cli.runlog import RunLog
from leads_assets.engine.warehouse.file import Warehouse
from leads_assets.engine.warehouse.runs import loads_of_run

_COLUMNS = {
    "live_rows": "rows",
    "inserted": "+",
    "updated": "~",
    "deleted": "-",
    "requests": "requests",
    "seconds": "seconds",
}
"""Key of a load -> heading."""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "sync",
        help="bring the warehouse up to date",
        description="Run `dagster asset materialize -m leads_assets.definitions --select SELECTION`, show how far it"
        " is, and sum it up. The exit status is that of the command.",
    )
    parser.add_argument("selection", nargs="?", default="*", help="Dagster's asset selection (default: '*', all)")
    parser.add_argument("--full-refresh", action="store_true", help="read every list in full; the server's rows win")
    parser.add_argument("--allow-mass-delete", action="store_true", help="mark gone rows however many they are")
    parser.add_argument("--new-account", action="store_true", help="another account's rows take the place of these")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command, then print what the ledger and the log say."""
    warehouse = warehouse_of(Settings.from_environment())
    told = make_console(stderr=True)
    log = RunLog()
    status = _watch(_command(arguments), log, _steps(arguments.selection), told)
    rows = _summary(warehouse, log)
    if status and not log.failures:
        told.print(f"leads-assets: the run failed: {log.last}", soft_wrap=True)
    if arguments.json:
        failures, warnings = log.failures, log.warnings
        content = {"run_id": log.run_id, "status": status, "failures": failures, "warnings": warnings}
        print_json({**content, "endpoints": rows})
    else:
        _print(rows, log)
    return status


def _command(arguments: argparse.Namespace) -> list[str]:
    turned = {name: True for name in ("full_refresh", "allow_mass_delete", "new_account") if getattr(arguments, name)}
    dagster = str(Path(sys.executable).with_name("dagster"))
    command = [dagster, "asset", "materialize", "-m", "leads_assets.definitions", "--select", arguments.selection]
    if turned:
        command += ["--config-json", json.dumps({"resources": {"sync": {"config": turned}}})]
    return command


def _steps(selection: str) -> int | None:
    """How many steps to expect, where that is plain."""
    if selection.strip() == "*":
        return len(ENDPOINTS)
    names = {name.strip() for name in selection.split(",")}
    return len(names) if names <= ENDPOINTS.keys() else None


def _watch(command: list[str], log: RunLog, steps: int | None, console: Console) -> int:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars,
    ):
        assert process.stdout is not None
        try:
            _follow(process.stdout, log, bars, steps)
        except KeyboardInterrupt:
            process.terminate()
            process.communicate()  # no run is left behind that goes on writing
            raise
    return process.returncode


def _follow(lines: Iterable[str], log: RunLog, bars: Progress, steps: int | None) -> None:
    whole, part = bars.add_task("starting", total=steps), bars.add_task("", total=None, visible=False)
    for line in lines:
        told = log.take(line)
        if told and bars.disable:
            bars.console.print(told, soft_wrap=True)
        ended = len(log.done) + len(log.failures)
        of = f" of {steps}" if steps else ""
        bars.update(whole, completed=ended, description=f"{ended}{of} endpoints, now {log.running or '...'}")
        walked = log.walked
        bars.update(
            part,
            visible=walked is not None,
            description=walked.line if walked else "",
            completed=walked.rows if walked else 0,
            total=walked.total if walked else None,
        )


def _summary(warehouse: Warehouse, log: RunLog) -> list[dict[str, Any]]:
    loaded = {row["endpoint"]: row for row in loads_of_run(warehouse, log.run_id)} if log.run_id else {}
    rows = list(loaded.values())
    for step in [*log.failures, *(step for step in log.done if step not in loaded)]:
        if step not in loaded:
            verdict = "failed" if step in log.failures else "not read"
            reason = log.failures.get(step) or log.warnings.get(step) or ""
            rows.append({"endpoint": step, "verdict": verdict, "reason": reason})
    return rows


def _print(rows: list[dict[str, Any]], log: RunLog) -> None:
    console = make_console()
    if rows:
        headings = _COLUMNS.values()
        table = make_table("endpoint", *headings, "verdict", right=headings)
        for row in rows:
            table.add_row(row["endpoint"], *(number(row.get(name)) for name in _COLUMNS), row["verdict"])
        console.print(table)
    failed = log.failures
    explained = [row for row in rows if row["reason"] and row["endpoint"] not in failed]
    print_sentences(console, [_explanation(row) for row in explained])
    print_sentences(make_console(stderr=True), [f"leads-assets: {sentence}" for sentence in failed.values()])


def _explanation(row: dict[str, Any]) -> str:
    name, reason = row["endpoint"], row["reason"]
    return str(reason) if reason.startswith(f"{name}: ") else f"{name}: {row['verdict']}: {reason}"
