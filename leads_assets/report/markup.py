"""Values and tables as HTML. The reader's browser writes numbers and times its own way; without a script they stay so.

Every text is escaped here: what a person has typed into a CRM is never markup.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from leads_assets.report.sections import Column, Section

Row = Mapping[str, Any]
_NOTHING = '<span class="none">–</span>'
_LONGEST = 120
"""Characters of a text: titles may be of any length, and the page must stay small."""
_MOST_BESIDE = 5
"""Columns that a narrow screen can show beside each other; a row of more is shown below each other there."""
_RIGHT = frozenset({"number", "money", "percent", "days"})


def value(kind: str, found: object, *, currency: str | None = None, zone: str = "UTC") -> str:
    """A value of a kind. Numbers keep their exact value in the attribute `value`."""
    if found is None:
        return _NOTHING
    if kind == "text":
        return escape(shortened(str(found)))
    if isinstance(found, datetime):
        local = found.astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat(" ", "minutes")
        return f'<time datetime="{found.isoformat()}">{local}</time>'
    if isinstance(found, date):
        return f'<time datetime="{found.isoformat()}">{found.isoformat()}</time>'
    if not isinstance(found, int | float | Decimal):
        raise TypeError(f"a {type(found).__name__} is no {kind}")
    unit = f' data-currency="{escape(currency or "?")}"' if kind == "money" else ""
    return f'<data value="{found}" data-kind="{kind}"{unit}>{_said(kind, found, currency)}</data>'


def shortened(text: str) -> str:
    """The text, or as much of it as a page can carry of each of its rows."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _said(kind: str, found: float | Decimal, currency: str | None) -> str:
    if kind == "percent":
        return f"{found:.0%}"
    if kind == "money":
        return f"{found:,.0f} {escape(currency or '?')}"
    return f"{found:,.0f}"


def table(section: Section, rows: Sequence[Row], *, zone: str, of: Iterable[Column] | None = None) -> str:
    """The rows that are meant for people, as a table with a caption; wide ones can be scrolled by keyboard too.

    The roles are said, because a style that puts cells below each other takes them away.
    """
    columns = tuple(of or section.columns)
    shown = [row for row in rows if row.get("in_table", True)]
    stacks = len(columns) > _MOST_BESIDE
    role = " role=row" if stacks else ""
    head = "".join(f'<th scope="col"{_side(column)}>{escape(column.label)}</th>' for column in columns)
    body = "".join(f"<tr{role}>{_cells(row, columns, zone, stacks=stacks)}</tr>" for row in shown)
    name = escape(section.title)
    kind = " class=stack role=table" if stacks else ""
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{name}"><table{kind}><caption>{name}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cells(row: Row, columns: Sequence[Column], zone: str, *, stacks: bool) -> str:
    cells = []
    for place, column in enumerate(columns):
        said = value(column.kind, row[column.name], currency=row.get("currency"), zone=zone)
        if place == 0:
            cells.append(f'<th scope="row"{" role=rowheader" if stacks else ""}>{said}</th>')
        else:
            label = f' role=cell data-label="{escape(column.label)}"' if stacks else ""
            cells.append(f"<td{_side(column)}{label}>{said}</td>")
    return "".join(cells)


def _side(column: Column) -> str:
    return ' class="r"' if column.kind in _RIGHT else ""
