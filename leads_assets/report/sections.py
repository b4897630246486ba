"""The sections of the page: an SQL file each, and beside it the chart's Vega-Lite template where it has one.

A file begins with what is said of it, then names the columns that people see, with their kinds:

    -- title: Stuck, by amount
    -- note: What is counted, in a sentence.
    -- marts: the marts behind it, whose verdict is the section's
    -- empty: Why it is empty, when it is.
    -- owner (text): Owner
    SELECT ...

Columns that are not named are for the chart alone. A column `pipeline` in a section with a chart makes a chart each; of
a section with a column `in_table` only the rows where it holds come into the table.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

KINDS = ("text", "number", "money", "percent", "days", "date", "time")
ORDER = ("headline", "changed", "pipeline", "funnel", "waiting", "win_rate", "due", "stuck", "mend")
_SAID = re.compile(r"-- (title|note|marts|empty): (.+)")
_COLUMN = re.compile(r"-- (\w+) \((\w+)\): (.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column that people see. `kind` is one of `KINDS`; money has its currency in the column `currency`."""

    name: str
    kind: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What a file declares. `chart`: its Vega-Lite template, None where it is a table alone."""

    name: str
    title: str
    note: str
    marts: Sequence[str]
    empty: str
    columns: Sequence[Column]
    sql: str
    chart: Mapping[str, Any] | None


def parse_section(name: str, text: str, chart: str | None) -> Section:
    """The section of a file. Raises ValueError for one that is not as described."""
    said: dict[str, str] = {}
    columns = []
    for line in text.splitlines():
        if found := _SAID.fullmatch(line):
            said[found[1]] = found[2]
        elif found := _COLUMN.fullmatch(line):
            columns.append(Column(name=found[1], kind=found[2], label=found[3]))
    if missing := {"title", "note", "marts", "empty"} - said.keys():
        raise ValueError(f"{name}.sql does not say its {', '.join(sorted(missing))}")
    if unknown := {column.kind for column in columns} - {*KINDS}:
        raise ValueError(f"{name}.sql has columns of no known kind: {', '.join(sorted(unknown))}")
    return Section(
        name=name,
        title=said["title"],
        note=said["note"],
        marts=tuple(said["marts"].split(", ")),
        empty=said["empty"],
        columns=tuple(columns),
        sql=text,
        chart=None if chart is None else json.loads(chart),
    )


@cache
def sections() -> Mapping[str, Section]:
    """All sections by name, in the order of the page."""
    folder = files("leads_assets.report") / "sections"
    found = {}
    for name in ORDER:
        template = folder / f"{name}.json"
        chart = template.read_text("utf-8") if template.is_file() else None
        found[name] = parse_section(name, (folder / f"{name}.sql").read_text("utf-8"), chart)
    return found
