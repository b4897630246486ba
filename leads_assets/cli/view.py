"""A run as people see it while it goes on, on standard error."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from leads_assets.cli.render import make_console
from leads_assets.defs.execute import AssetResult, Ending
from leads_assets.engine.instants import DAY, format_instant
from leads_assets.engine.read.read import Progress as Walked


class RunView:
    """Bars on a terminal, lines elsewhere; `is_terse` leaves the lines out."""

    def __init__(self, bars: Progress, assets: int, *, is_terse: bool) -> None:
        self._bars = bars
        self._assets = assets
        self._is_terse = is_terse or not bars.disable
        self._over = 0
        self._whole = bars.add_task("starting", total=assets)
        self._part = bars.add_task("", total=None, visible=False)

    def announce(self, day: datetime) -> None:
        """Show which past day is brought in."""
        self._bars.update(self._whole, description=f"the account on {format_instant(day, DAY)}")

    def began(self, endpoint: str) -> None:
        """Show whose turn it is."""
        self._bars.update(self._part, visible=False)
        self._count(endpoint)

    def walked(self, endpoint: str, progress: Walked) -> None:
        """Show how far its walk is. Called from the thread that reads."""
        line = progress.line(endpoint)
        self._bars.update(self._part, visible=True, description=line, completed=progress.rows, total=progress.total)
        self._say(line)

    def ended(self, result: AssetResult) -> None:
        """Show what became of it."""
        self._over += 1
        self._count("...")
        if result.ending is not Ending.LOADED and result.reason:
            self._say(result.reason)
        else:
            self._say(f"{result.endpoint}: {result.verdict}")

    def _count(self, present: str) -> None:
        description = f"{self._over} of {self._assets} endpoints, now {present}"
        self._bars.update(self._whole, completed=self._over, description=description)

    def _say(self, line: str) -> None:
        if not self._is_terse:
            self._bars.console.print(line, soft_wrap=True)


@contextmanager
def viewing(assets: int, *, is_terse: bool = False) -> Iterator[RunView]:
    """The view of one run."""
    with _apart() as console:
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
            yield RunView(bars, assets, is_terse=is_terse)


@contextmanager
def _apart() -> Iterator[Console]:
    """Standard error by a descriptor of its own: Dagster puts what a run writes there into the run's log."""
    try:
        descriptor = os.dup(sys.stderr.fileno())
    except (OSError, ValueError):
        yield make_console()
        return
    with os.fdopen(descriptor, "w") as stream:
        yield make_console(stream)
