"""How the commands print: a plain table for people, JSON for programs."""

import argparse
import json
import sys
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

_WIDE = 240
"""Columns where the output is no terminal: a line that wraps cannot be searched."""


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def make_console(*, stderr: bool = False) -> Console:
    """A console that takes texts as they are: brackets and numbers in them mean nothing."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _WIDE
    return Console(stderr=stderr, width=width, markup=False, highlight=False, emoji=False)


def make_table(*columns: str, right: Collection[str] = (), wrap: Collection[str] = ()) -> Table:
    """A table without frames; the columns in `right` hold numbers, those in `wrap` sentences."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", no_wrap=column not in wrap)
    return table


def print_sentences(console: Console, sentences: Iterable[str]) -> None:
    """One line each, however long; the terminal wraps them."""
    for sentence in sentences:
        console.print(sentence, soft_wrap=True)


def print_json(content: object) -> None:
    """Print as JSON; times as ISO-8601 in UTC."""
    print(json.dumps(content, indent=2, ensure_ascii=False, default=_plain))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)


def number(value: Any) -> str:
    """A count with its thousands apart; nothing for None."""
    return "" if value is None else f"{value:,}"


def moment(value: datetime | None) -> str:
    """A time in UTC, to the minute; nothing for None."""
    return "" if value is None else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


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
