"""The charts: Vega-Lite templates with their rows."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from leads_assets.report.figures import Row
from leads_assets.report.markup import shortened
from leads_assets.report.sections import Section

_FONT = "system-ui, sans-serif"
_CONFIG = {
    "background": None,
    "view": {"stroke": None},
    "font": _FONT,
    "text": {"color": "var(--ink)", "fontSize": 12, "font": _FONT},
    "axis": {
        "labelColor": "var(--ink)",
        "titleColor": "var(--muted)",
        "titleFontWeight": "normal",
        "gridColor": "var(--line)",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "labelFontSize": 12,
        "labelPadding": 7,
        "titleFontSize": 12,
    },
}

_AUTOSIZE = {"type": "fit-x", "contains": "padding"}
_LEFT_OUT = frozenset({"pipeline", "in_table"})


def charts(section: Section, rows: Sequence[Row]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each chart of a section as (what it is of, its specification): one, or one a pipeline; none without rows."""
    if section.chart is None or not rows:
        return
    parts: dict[str, list[Row]] = {}
    for row in rows:
        parts.setdefault(str(row.get("pipeline") or ""), []).append(row)
    for part, some in parts.items():
        values = [_datum(row) for row in some]
        data = {**section.chart.get("data", {}), "values": values}
        height = _height(section.chart, some)
        yield (
            part,
            {
                **section.chart,
                "height": height,
                "width": "container",
                "autosize": _AUTOSIZE,
                "data": data,
                "config": _CONFIG,
            },
        )


def _height(chart: Mapping[str, Any], rows: Sequence[Row]) -> float:
    """Pixels: as the template says, or so many a row of its axis."""
    height = chart["height"]
    if isinstance(height, int):
        return height
    axis = chart["encoding"]["y"]["field"]
    return float(height["step"] * len({row[axis] for row in rows}))


def embedded(content: object) -> str:
    """JSON that may stand in a script element of a page, whatever its texts are."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _datum(row: Row) -> dict[str, object]:
    return {name: _plain(value) for name, value in row.items() if value is not None and name not in _LEFT_OUT}


def _plain(value: object) -> object:
    if isinstance(value, str):
        return shortened(value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value
