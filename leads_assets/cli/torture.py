"""`leads-assets torture`: one fault after the other; does a sync under it end complete, or say that it did not?

Each case is an account, a clean sync, changes on the server so that a loss would show, a fault, and a sync under it;
where that one left doubts, or rows moved while it read, another one without the fault shows whether the table recovers.
"""

import argparse
import logging
import os
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from rich.console import Console

from leads_assets.cli.arguments import LEADS, add_json_option, whole
from leads_assets.cli.interruption import at_last
from leads_assets.cli.render import Block, Grid
from leads_assets.torture.cases import CASES, Case, TrialResult, TrialVerdict

_FEWEST = 150
"""With fewer leads there is no second page to spoil."""
_COLOURS = {TrialVerdict.COMPLETE: "green", TrialVerdict.SAID_SO: "yellow", TrialVerdict.SILENT_LOSS: "bold red"}


@dataclass(frozen=True, slots=True)
class Tortured:
    """What became of each case."""

    outcomes: tuple[TrialResult, ...]

    @property
    def status(self) -> int:
        """1 if one is a silent loss."""
        return int(any(TrialVerdict.SILENT_LOSS in (outcome.verdict, outcome.after) for outcome in self.outcomes))

    def content(self) -> object:
        """One entry per case."""
        return [asdict(outcome) for outcome in self.outcomes]

    def blocks(self) -> Iterable[Block]:
        """The table, then how many of each verdict there are."""
        numbers = ("requests", "server", "table")
        lines = [
            (
                outcome.fault,
                outcome.happened if not outcome.why else f"{outcome.happened} ({outcome.why})",
                f"{outcome.requests:,}",
                f"{outcome.server_rows:,}",
                f"{outcome.live_rows:,}",
                str(outcome.verdict),
                str(outcome.after or ""),
            )
            for outcome in self.outcomes
        ]
        yield Grid(
            columns=("fault", "what happened", *numbers, "verdict", "next sync"),
            rows=lines,
            right=numbers,
            wrap=("fault", "what happened"),
            colours={str(verdict): colour for verdict, colour in _COLOURS.items()},
        )
        counts = Counter(outcome.verdict for outcome in self.outcomes)
        yield ", ".join(f"{counts[verdict]} {verdict}" for verdict in TrialVerdict)

    def errors(self) -> Iterable[str]:
        """Nothing."""
        return ()


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "torture",
        help="sync from a demo API that misbehaves in every known way",
        description=__doc__,
        epilog="Exit status 1 if any sync lost something and did not say so.",
    )
    parser.add_argument(
        "--leads",
        type=whole(_FEWEST, LEADS[1]),
        default=250,
        help=f"leads of the account, {_FEWEST} or more (default 250)",
    )
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Tortured:
    """Run all cases."""
    with Console(stderr=True).status(f"{len(CASES)} faults, one minute"):
        return Tortured(tuple(_in_parallel(CASES, arguments.leads)))


def _in_parallel(cases: Sequence[Case], leads: int) -> list[TrialResult]:
    """The outcomes in the order of the cases, each n-th one from a process of its own: Dagster needs a core."""
    processes = min(4, os.cpu_count() or 1)
    with tempfile.TemporaryDirectory() as place:
        shares: list[_Share] = []
        try:
            with at_last(lambda: _end(shares, place)):
                for start in range(processes):
                    shares.append(_Share(cases[start::processes], leads, place))
                found = [share.outcomes() for share in shares]
        finally:
            _end(shares, place)
    return [found[number % processes][number // processes] for number in range(len(cases))]


class _Share:
    """Some of the cases in a process of their own."""

    def __init__(self, cases: Sequence[Case], leads: int, place: str) -> None:
        context = get_context("spawn")
        self._answer, sender = context.Pipe(duplex=False)
        self.process = context.Process(target=_work, args=(cases, leads, place, sender))
        self.process.start()
        sender.close()

    def outcomes(self) -> list[TrialResult]:
        """Wait for them. Raises EOFError where the process ended without any."""
        found: list[TrialResult] = self._answer.recv()
        return found


def _work(cases: Sequence[Case], leads: int, place: str, sender: "Connection[Any, Any]") -> None:
    # Dagster takes a second to load, and no other command needs it in this process.
    from leads_assets.torture.trial import torture  # noqa: PLC0415

    logging.disable()  # what a case is told of a wrong clock is no news here
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the first process ends the others
    sender.send(list(torture(cases, leads, place)))


def _end(shares: Sequence[_Share], place: str) -> None:
    for share in shares:
        share.process.kill()
    for share in shares:
        share.process.join()
    shutil.rmtree(place, ignore_errors=True)
