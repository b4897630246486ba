"""What the page says, as data: the rows of each section, and as of when they are true."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from leads_assets.engine.warehouse.failures import failures_in
from leads_assets.engine.warehouse.session import Session
from leads_assets.report.sections import sections

Row = Mapping[str, Any]

_STEP = "reading the page's figures"
_WORST = ("unproven", "current", "proven")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """As of when the page speaks. Times are aware; None where there is none.

    `changes_as_of`: all changes up to then are in. `complete_as_of`: then the lists were known to be complete.
    `reason`: why it is unproven, "" where it is not.
    """

    verdict: str
    reason: str
    changes_as_of: datetime | None
    complete_as_of: datetime | None
    in_progress: str
    history_from: datetime | None
    today: date | None
    time_zone: str

    @property
    def is_proven(self) -> bool:
        """Whether the figures may be relied on: proven or current."""
        return self.verdict in ("proven", "current")

    @property
    def was_ever_complete(self) -> bool:
        """Whether there is anything worth showing."""
        return self.complete_as_of is not None


NEVER = Standing(
    verdict="never",
    reason="no sync has loaded leads yet",
    changes_as_of=None,
    complete_as_of=None,
    in_progress="",
    history_from=None,
    today=None,
    time_zone="UTC",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The page's content. `doubts`: of each section that is unproven the reason.

    `failures`: of each list that could not be read at the last try, why, and when that was.
    """

    standing: Standing
    failures: Mapping[str, tuple[str, datetime]] = field(default_factory=dict)
    rows: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    doubts: Mapping[str, str] = field(default_factory=dict)

    def numbers(self) -> Mapping[str, float]:
        """The headline's figures by name, for a plot over time: no title and no name."""
        named = {}
        for row in self.rows.get("headline", ()):
            unit = f" {row['currency']}" if row["currency"] else ""
            named[f"{row['what']}{unit}"] = float(row["value"] or 0)
        return named


def read_figures(session: Session | None) -> Figures:
    """Read them from a warehouse, None where there is none. Raises LoadFailed."""
    if session is None or not session.run(_STEP, "SELECT 1 FROM duckdb_views() WHERE schema_name = 'marts' LIMIT 1"):
        return Figures(standing=NEVER)
    (clock,) = _rows(session, "FROM marts.clock")
    failures = failures_in(session)
    if clock["read_at"] is None:
        return Figures(standing=NEVER, failures=failures)
    proofs = {row["model"]: row for row in _rows(session, "FROM marts.proof")}
    standing = _standing(clock, proofs)
    if not standing.was_ever_complete:
        return Figures(standing=standing, failures=failures)
    doubts = {}
    for name, section in sections().items():
        behind = [proofs[mart] for mart in section.marts if mart in proofs]
        if reasons := [row["reason"] or "" for row in behind if row["verdict"] == "unproven"]:
            doubts[name] = reasons[0]
    rows = {name: _rows(session, section.sql) for name, section in sections().items()}
    return Figures(standing=standing, rows=rows, doubts=doubts, failures=failures)


def _standing(clock: Row, proofs: Mapping[str, Row]) -> Standing:
    used = {mart for section in sections().values() for mart in section.marts} & proofs.keys()
    behind = [proofs[mart] for mart in sorted(used)]
    worst = min((str(row["verdict"]) for row in behind), key=_WORST.index)
    reasons = {part for row in behind if row["verdict"] == "unproven" for part in (row["reason"] or "").split("; ")}
    moments = [row["complete_as_of"] for row in behind]
    return Standing(
        verdict=worst,
        reason="; ".join(sorted(reasons)),
        changes_as_of=clock["as_of"],
        complete_as_of=None if clock["complete_as_of"] is None else min(filter(None, moments)),
        in_progress=clock["in_progress"] or "",
        history_from=clock["history_from"],
        today=clock["today"],
        time_zone=clock["time_zone"],
    )


def _rows(session: Session, sql: str) -> list[Row]:
    cursor = session.execute(_STEP, sql)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
