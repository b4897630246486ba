"""Arguments: options that several commands share, and values within bounds."""

import argparse
import difflib
import re
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta

PORTS = (0, 65_535)
LEADS = (0, 10_000_000)
_UNITS = {"s": 1, "min": 60, "m": 60, "h": 3_600, "d": 86_400}


class UsageError(Exception):
    """The command cannot be understood; exit status 2."""


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def add_strict_option(parser: argparse.ArgumentParser, what: str) -> None:
    """Add `--strict`."""
    parser.add_argument("--strict", action="store_true", help=f"exit with 1 where {what} is not proven")


def add_leads_option(parser: argparse.ArgumentParser) -> None:
    """Add `--leads`, the size of the demo account."""
    parser.add_argument("--leads", type=whole(*LEADS), default=250, help="leads of the demo account (default 250)")


def whole(lowest: int, highest: int) -> Callable[[str], int]:
    """The type of an argument: a whole number within bounds."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = lowest - 1
        if not lowest <= value <= highest:
            raise argparse.ArgumentTypeError(f"must be a whole number from {lowest:,} to {highest:,}")
        return value

    return parse


def span(text: str) -> timedelta:
    """The type of an argument: a length of time such as 90min, 26h or 2d."""
    found = re.fullmatch(r"(\d{1,6})\s*(s|min|m|h|d)", text)
    if found is None:
        raise argparse.ArgumentTypeError("must be a length of time such as 90min, 26h or 2d")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def checked_names(names: Sequence[str], known: Collection[str]) -> list[str]:
    """The names, or all that are known where none is given. Raises UsageError for others."""
    if unknown := [name for name in names if name not in known]:
        raise UsageError(
            f"no such endpoint: {', '.join(unknown)}{_meant(unknown, known)}; there are {', '.join(known)}"
        )
    return list(dict.fromkeys(names)) or list(known)


def _meant(unknown: Sequence[str], known: Collection[str]) -> str:
    close = [name for text in unknown for name in difflib.get_close_matches(text, known, 1)]
    return f" (did you mean {' or '.join(close)}?)" if close else ""
