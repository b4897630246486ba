"""Ours and the others side by side, in turns, against the same server, with every result checked.

The demo API is a process of its own, so its work is nobody's CPU time. Where a case has several rounds, the programs
take turns in each of them, and the table shows medians; the ratio is the median of the rounds' ratios.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import machine
from bench import Bench, Case, bench, turns
from programs import OURS, Cost, materialize, measure, sync_ours
from tables import figure, table

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.server.faults import parse_fault

LEADS, MILLION, CHANGED = 100_000, 1_000_000, 300
SMALL_ROUNDS, IMPORT_ROUNDS = 3, 5
LATENCY = "latency=0.05"
DEFAULT_LOADER = "dlt, default"
OTHERS = ("naive pandas", "dlt, parquet")
SHORT = ("sync", "default-loader", "changed", "small", "import")
CASES = ("sync", "latency", "default-loader", "changed", "small", "import", "million")
NOT_MEASURED = """\
Not measured: a real network (loopback, so no TLS, no jitter and no loss; bodies are not compressed), the server's own
work, a cold disk, other work on the machine, the Dagster daemon and UI, dlt's child tables (their rows are loaded, and
not compared), and dlt with an incremental cursor. Peak memory is that of the largest process of a program."""


def syncs(it: Bench, programs: Sequence[str], rounds: int, note: str, *, again: bool = True) -> list[Case]:
    """First sync, then the same again over what it left."""
    cases = [Case(f"First sync of {it.leads:,} leads and 13 small lists, {note}")]
    if again:
        cases.append(Case(f"The same again: nothing changed, all lists read in full, {note}"))
    for number in range(rounds):
        folder = it.new_folder()
        for case in cases:
            print(f"{case.title} (round {number + 1})", file=sys.stderr)
            for program in turns(programs, number):
                case.add(program, it.run(program, folder / f"{program}.duckdb"))
    for case in cases:
        case.samples = {program: case.samples[program] for program in programs}
    return cases


def incremental(it: Bench, rounds: int) -> Case:
    """Ours with its defaults, after some leads have changed; the others have no such run, they read all again."""
    case = Case(f"{CHANGED:,} of {it.leads:,} leads changed, ours with its defaults")
    path = it.new_folder() / f"{OURS}.duckdb"
    it.run(OURS, path)
    for _ in range(rounds):
        it.change(CHANGED)
        case.add(OURS, it.run(OURS, path, sync_ours))
    return case


EMPTY = """
import dagster as dg

def make(name):
    @dg.asset(name=name)
    def empty():
        pass
    return empty

defs = dg.Definitions(assets=[make(f"empty_{number}") for number in range(14)], executor=dg.in_process_executor)
"""


def small_lists(it: Bench) -> str:
    """The thirteen lists beside a run of fourteen assets that do nothing."""
    folder = it.new_folder()
    code = folder / "empty.py"
    code.write_text(EMPTY)
    select = ",".join(name for name in ENDPOINTS if name != "leads")
    ours: list[Cost] = []
    empty: list[Cost] = []
    for number in range(SMALL_ROUNDS):
        path = folder / f"small-{number}.duckdb"
        ours.append(sync_ours(it.account, path, select=select))
        empty.append(materialize(["-f", str(code)], "*", {}))
    wrong = it.truth.check_small(path)
    return _beside(f"The 13 small lists ({wrong})", "ours, 13 lists", ours, "14 empty assets", empty)


def imports() -> str:
    """Loading our definitions beside loading Dagster alone."""
    ours: list[Cost] = []
    alone: list[Cost] = []
    for _ in range(IMPORT_ROUNDS):
        ours.append(measure([sys.executable, "-c", "import leads_assets.definitions"]))
        alone.append(measure([sys.executable, "-c", "import dagster"]))
    return _beside("Import", "import leads_assets.definitions", ours, "import dagster", alone)


def _beside(title: str, name: str, ours: Sequence[Cost], other: str, others: Sequence[Cost]) -> str:
    rows = [
        [label, *(figure([getattr(cost, what) for cost in costs], digits) for what, digits in _SHOWN), extra]
        for label, costs, extra in (
            (name, ours, f"{median(o.cpu - e.cpu for o, e in zip(ours, others, strict=True)):+.2f} s CPU"),
            (other, others, ""),
        )
    ]
    return f"### {title}, {len(ours)} runs each in turns\n\n" + table(
        ("program", "CPU s", "wall s", "peak MB", "more than the other"), rows
    )


_SHOWN = (("cpu", 2), ("wall", 2), ("peak", 0))


def default_loader(leads: int) -> list[Case]:
    """dlt as it is without any setting: only once, and only a first sync, because it takes long."""
    with bench(leads) as it:
        return [syncs(it, (OURS, DEFAULT_LOADER), 1, "0 ms", again=False)[0]]


def million() -> list[Case]:
    """Ours with ten times as many leads."""
    with bench(MILLION) as it:
        return [syncs(it, (OURS,), 1, "0 ms", again=False)[0]]


def slow_server(it: Bench) -> list[Case]:
    """The first sync where each answer takes its time."""
    it.account.control.faults([parse_fault(LATENCY)])
    try:
        return [syncs(it, (OURS, *OTHERS), 1, "50 ms a request", again=False)[0]]
    finally:
        it.account.control.faults([])


def run_cases(arguments: argparse.Namespace) -> list[str]:
    """The tables of the chosen cases."""
    chosen: Sequence[str] = arguments.only
    sections: list[str] = []
    if set(chosen) & {"sync", "latency", "changed", "small"}:
        with bench(arguments.leads) as it:
            if "sync" in chosen:
                sections += [case.table() for case in syncs(it, (OURS, *OTHERS), arguments.rounds, "0 ms")]
            if "changed" in chosen:
                sections.append(incremental(it, arguments.rounds).table())
            if "small" in chosen:
                sections.append(small_lists(it))
            if "latency" in chosen:
                sections += [case.table() for case in slow_server(it)]
    if "import" in chosen:
        sections.append(imports())
    if "default-loader" in chosen:
        leads = arguments.leads if arguments.full else arguments.leads // 10
        sections += [case.table() for case in default_loader(leads)]
    if "million" in chosen:
        sections += [case.table() for case in million()]
    return sections


def main() -> int:
    """Run the cases; the exit status is 1 where a program failed or a result was wrong."""
    arguments = read_arguments()
    before = machine.load()
    sections = run_cases(arguments)
    about = [*machine.facts(), f"load average (1, 5, 15 minutes) before: {before}; after: {machine.load()}"]
    text = "\n\n".join([*sections, "\n".join(f"- {line}" for line in about), NOT_MEASURED])
    print(text)
    if arguments.markdown:
        arguments.markdown.write_text(f"{text}\n")
    return int("WRONG" in text or "FAILED" in text)


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Compare ours with other programs, against the demo API.")
    parser.add_argument("--full", action="store_true", help="all cases, and dlt's default loader at full size")
    parser.add_argument("--leads", type=int, default=LEADS, help=f"leads of the account (default {LEADS:,})")
    parser.add_argument("--rounds", type=int, default=2, help="rounds of the cases at 0 ms (default 2)")
    parser.add_argument("--only", metavar="CASES", help=f"these cases, with commas: {', '.join(CASES)}")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the tables to this file")
    arguments = parser.parse_args()
    arguments.only = arguments.only.split(",") if arguments.only else list(CASES if arguments.full else SHORT)
    unknown = set(arguments.only) - set(CASES)
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
