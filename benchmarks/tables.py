"""Markdown tables."""

from collections.abc import Sequence
from statistics import median

SPREAD = 0.05
"""Below this share of the median the spread of several runs is not shown."""


def figure(values: Sequence[float], digits: int = 1) -> str:
    """The median, and the smallest and largest of several runs where they differ noticeably."""
    middle = median(values)
    text = f"{middle:,.{digits}f}"
    low, high = min(values), max(values)
    return f"{text} ({low:,.{digits}f} to {high:,.{digits}f})" if high - low > SPREAD * middle else text


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with aligned columns; every column but the first and the last is to the right."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(header))]
    right = range(1, len(header) - 1)

    def row(cells: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join(padded)} |"

    rule = "|".join(
        "-" * (width + 1) + ":" if place in right else "-" * (width + 2) for place, width in enumerate(widths)
    )
    return "\n".join([row(header), f"|{rule}|", *map(row, rows)])
