"""A report becomes a table for people or JSON for programs; nothing else in the commands writes to standard output."""

import io
import json
import re
import shutil
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from leads_assets.account.settings import in_variables
from leads_assets.engine.instants import READABLE, format_instant

_WIDE = 240
"""Columns where the output is no terminal: a line that wraps cannot be searched."""


_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What moves the cursor, sets colours, rings, or turns the direction of writing round; tabs and line ends may stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table. The columns in `right` hold numbers, those in `wrap` sentences; `colours`: text of a cell -> style."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Collection[str] = ()
    wrap: Collection[str] = ()
    colours: Mapping[str, str] | None = None


Block = Grid | str
"""A table or a sentence."""


class Report(Protocol):
    """What a command has found or done."""

    @property
    def status(self) -> int:
        """The exit status."""

    def content(self) -> object:
        """Everything, for `--json`."""

    def blocks(self) -> Iterable[Block]:
        """The same for people, on standard output."""

    def errors(self) -> Iterable[str]:
        """Sentences for standard error."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The report of a command that has shown all it had to show while it ran."""

    status: int = 0

    def content(self) -> object:
        """The exit status."""
        return {"status": self.status}

    def blocks(self) -> Iterable[Block]:
        """Nothing."""
        return ()

    def errors(self) -> Iterable[str]:
        """Nothing."""
        return ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The report of a command that could not do its work, in one sentence."""

    error: str
    status: int = 1

    def content(self) -> object:
        """The sentence too, so that a program need not read standard error."""
        return {"error": self.error, "status": self.status}

    def blocks(self) -> Iterable[Block]:
        """Nothing."""
        return ()

    def errors(self) -> Iterable[str]:
        """The sentence."""
        return (self.error,)


def render(report: Report, *, as_json: bool) -> None:
    """Print the report. Raises BrokenPipeError where nobody reads standard output any more."""
    if as_json:
        text = json.dumps(report.content(), indent=2, ensure_ascii=False, default=_plain)
        text = _CONTROLS.sub(_as_json, in_variables(text)) + "\n"
    else:
        text = "".join(map(_text, report.blocks()))
    sys.stdout.write(text)
    sys.stdout.flush()
    console = make_console()
    for sentence in report.errors():
        console.print(f"leads-assets: {in_variables(sentence)}", soft_wrap=True)


def printable(text: str) -> str:
    """The text without characters that a terminal would obey: each as its escape."""
    return _CONTROLS.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return f"\\x{ord(found[0]):02x}"


def _as_json(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


class _PrintableConsole(Console):
    def print(self, *objects: Any, **options: Any) -> None:
        super().print(*(printable(item) if isinstance(item, str) else item for item in objects), **options)


def make_console(stream: TextIO | None = None) -> Console:
    """Standard error, or the stream; takes texts as they are: brackets and numbers in them mean nothing.

    Characters that a terminal would obey come out as their escapes.
    """
    stream = stream or sys.stderr
    width = None if stream.isatty() else _WIDE
    return _PrintableConsole(file=stream, width=width, markup=False, highlight=False, emoji=False)


def _text(block: Block) -> str:
    is_terminal = sys.stdout.isatty()
    console = Console(
        file=io.StringIO(),
        width=shutil.get_terminal_size().columns if is_terminal else _WIDE,
        force_terminal=is_terminal,
        markup=False,
        highlight=False,
        emoji=False,
    )
    with console.capture() as captured:
        if isinstance(block, str):
            console.print(in_variables(printable(block)), soft_wrap=True)
        else:
            console.print(_table(block))
    return captured.get()


def _table(grid: Grid) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in grid.columns:
        table.add_column(column, justify="right" if column in grid.right else "left", no_wrap=column not in grid.wrap)
    for row in grid.rows:
        table.add_row(*(Text(in_variables(printable(cell)), (grid.colours or {}).get(cell, "")) for cell in row))
    return table


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return format_instant(value)
    return str(value)


def number(value: Any) -> str:
    """A count with thousands separators; empty for None."""
    return "" if value is None else f"{value:,}"


def moment(value: datetime | None) -> str:
    """A time in UTC, to the minute; empty for None."""
    return "" if value is None else format_instant(value, READABLE)


def age(value: timedelta) -> str:
    """A span of time in its largest fitting unit."""
    minutes = max(0, int(value.total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 72 * 60 else f"{minutes // 1440} days"


def size(value: float) -> str:
    """A number of bytes."""
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:,.0f} {unit}" if unit == "bytes" else f"{value:,.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} GB"
