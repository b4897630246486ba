"""The page: one HTML file that asks nobody for anything."""

from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from importlib.resources import files

from leads_assets.report.charts import charts, embedded
from leads_assets.report.drawing import drawing_script
from leads_assets.report.figures import Figures, Row, Standing
from leads_assets.report.markup import shortened, table, value
from leads_assets.report.sections import Column, Section, sections

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'; img-src data:"
"""The browser itself refuses every request. Vega makes functions of its expressions, hence `unsafe-eval`."""
_PIPELINE = Column(name="pipeline", kind="text", label="Pipeline")
_WORDS = {
    "proven": ("✓", "Proven"),
    "current": ("✓", "Current"),
    "unproven": ("!", "Unproven"),
    "never": ("!", "Nothing to show yet"),
}
_MOST_CARDS = 4


def render(figures: Figures) -> str:
    """The whole page."""
    standing = figures.standing
    is_shown = standing.was_ever_complete
    body = "".join(_sections(figures)) if is_shown else _nothing(standing)
    script = drawing_script() if is_shown else None
    title = f"Sales, {standing.today}" if standing.today else "Sales"
    state = "sure" if standing.is_proven else "doubtful"
    return (
        f'<!DOCTYPE html>\n<html lang="en" class="{state}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="robots" content="noindex">\n<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)} – {_WORDS[standing.verdict][1].lower()}</title>\n"
        f"<style>{_file('page.css')}</style>\n</head>\n"
        f'<body>\n<a class="skip" href="#content">Skip to the figures</a>\n{_head(figures)}\n'
        f'<main id="content">{body}</main>\n'
        f"{_scripts(figures, script) if is_shown else ''}</body>\n</html>\n"
    )


def _head(figures: Figures) -> str:
    standing = figures.standing
    sign, word = _WORDS[standing.verdict]
    zone = standing.time_zone
    told = []
    if standing.changes_as_of:
        told.append(f"changes up to {value('time', standing.changes_as_of, zone=zone)}")
    if standing.complete_as_of:
        told.append(f"complete as of {value('time', standing.complete_as_of, zone=zone)}")
    if standing.history_from:
        told.append(f"history since {value('date', standing.history_from.date())}")
    if standing.today:
        told.append(f"days and times of {escape(zone)}")
    why = f'<p class="why">{escape(standing.reason)}</p>' if standing.reason and standing.was_ever_complete else ""
    going = f"<p>{escape(standing.in_progress)}</p>" if standing.in_progress else ""
    day = f"<h1>Sales, {value('date', standing.today)}</h1>" if standing.today else "<h1>Sales</h1>"
    return (
        f'<header data-zone="{escape(zone)}">{day}<p class="verdict"><span aria-hidden="true">{sign}</span> '
        f"<strong>{word}</strong>{' · ' if told else ''}{' · '.join(told)}</p>{why}{going}{_failures(figures)}</header>"
    )


def _failures(figures: Figures) -> str:
    """What could not be read since the figures' time: they are older there than they could be."""
    zone = figures.standing.time_zone
    told = [
        f"<li>Not read on {value('time', failed_at, zone=zone)}: {escape(shortened(error))}</li>"
        for _, (error, failed_at) in sorted(figures.failures.items())
    ]
    return f'<ul class="failed">{"".join(told)}</ul>' if told else ""


def _nothing(standing: Standing) -> str:
    """What stands where the figures would, and what to do."""
    never = standing.verdict == "never"
    why = standing.reason if never else f"no read was ever complete: {standing.reason}"
    names = " · ".join(escape(section.title) for name, section in sections().items() if name != "headline")
    return (
        f'<div class="nothing"><p>There are no figures, for {escape(why)}{"." if never else ""}</p><p>'
        f"<code>leads-assets sync</code> reads the account, <code>leads-assets {'doctor' if never else 'status'}</code>"
        f" tells what stands in its way; then <code>leads-assets report --open</code> shows here: {names}.</p></div>"
    )


def _sections(figures: Figures) -> Iterator[str]:
    for name, section in sections().items():
        rows = figures.rows[name]
        doubt = figures.doubts.get(name)
        # Where all are in doubt, the head has said why.
        is_said = doubt is not None and len(figures.doubts) < len(figures.rows)
        said = f'<p class="doubt">Unproven: {escape(doubt or "")}</p>' if is_said else ""
        inside = _cards(rows) if name == "headline" else _inside(section, rows, figures.standing.time_zone)
        if not rows:
            inside = f'<p class="empty">{escape(section.empty)}{_history(figures.standing, section)}</p>'
        grey = " unproven" if doubt is not None else ""
        yield (
            f'<section class="{name}{grey}" aria-labelledby="{name}"><h2 id="{name}">{escape(section.title)}</h2>'
            f'<p class="note">{escape(section.note)}</p>{said}{inside}</section>\n'
        )


def _history(standing: Standing, section: Section) -> str:
    if standing.history_from and {"lead_history", "pipeline_daily"} & {*section.marts}:
        return f" The history begins with the first sync, on {standing.history_from.date()}."
    return ""


def _inside(section: Section, rows: Sequence[Row], zone: str) -> str:
    drawn = list(charts(section, rows))
    if not drawn:
        return table(section, rows, zone=zone)
    figures = "".join(
        f"<figure><figcaption>{escape(part)}</figcaption>"
        f'<div class="chart" id="chart-{section.name}-{place}" role="img" aria-label="{escape(section.title)}'
        f'{", " if part else ""}{escape(part)}; the table below has its figures"></div></figure>'
        for place, (part, _) in enumerate(drawn)
    )
    columns = (_PIPELINE, *section.columns) if drawn[0][0] else section.columns
    return (
        f'<div class="charts">{figures}</div><details><summary>Figures as a table</summary>'
        f"{table(section, rows, zone=zone, of=columns)}</details>"
    )


def _cards(rows: Sequence[Row]) -> str:
    money = [row for row in rows if row["what"] == "open"]
    lists = (money[:_MOST_CARDS], [row for row in rows if row["what"] != "open"])
    cards = "".join(f'<ul class="cards">{"".join(map(_card, some))}</ul>' for some in lists if some)
    more = len(money) - _MOST_CARDS
    said = f'<p class="note">{more} more currencies: FROM marts.pipeline_daily.</p>' if more > 0 else ""
    return f"{cards}{said}"


def _card(row: Row) -> str:
    kind = "money" if row["what"] == "open" else "number"
    notes = [escape(row["what"])]
    if row["weighted"] is not None:
        notes.append(f"{value('money', row['weighted'], currency=row['currency'])} weighted")
    if row["aside"]:
        what = "without amount" if row["what"] == "open" else "of nobody"
        notes.append(f"{value('number', row['aside'])} {what}")
    return (
        f'<li><span class="figure">{value(kind, row["value"] or 0, currency=row["currency"])}</span>'
        f"<span>{', '.join(notes)}</span>{_change(row, kind)}</li>"
    )


def _change(row: Row, kind: str) -> str:
    if row["before"] is None:
        return ""
    then = "last month by this day" if row["what"] == "won this month" else "a week ago"
    difference = (row["value"] or 0) - row["before"]
    sign = "▲" if difference > 0 else "▼" if difference < 0 else "="
    said = {"▲": "more than", "▼": "less than", "=": "as"}[sign]
    much = "" if difference == 0 else value(kind, abs(difference), currency=row["currency"])
    return f'<span class="change"><span aria-hidden="true">{sign}</span> {much} {said} {then}</span>'


def _scripts(figures: Figures, script: str | None) -> str:
    if script is None:
        return (
            '<p class="note">The charts need the extra `report`: pip install "leads-assets[report]". Their figures'
            f" are in the tables.</p><script>{_file('page.js')}</script>\n"
        )
    specs = {
        f"chart-{name}-{place}": spec
        for name, section in sections().items()
        for place, (_, spec) in enumerate(charts(section, figures.rows[name]))
    }
    return (
        f'<script type="application/json" id="specs">{embedded(specs)}</script>\n'
        f'<script type="module">{script}\n{_file("page.js")}</script>\n'
    )


@cache
def _file(name: str) -> str:
    return (files("leads_assets.report") / name).read_text("utf-8")
