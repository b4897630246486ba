"""`leads-assets status`: how fresh and how true each table is."""

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from leads_assets.account.connect import warehouse_of
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.account.settings import Settings
from leads_assets.cli.arguments import add_json_option, add_strict_option, checked_names, span
from leads_assets.cli.render import Block, Grid, age, moment, number
from leads_assets.cli.verdicts import unproven
from leads_assets.engine.instants import utc_now
from leads_assets.engine.records.names import shown_counts
from leads_assets.engine.warehouse.failures import last_failures
from leads_assets.engine.warehouse.read_copy import why_due
from leads_assets.engine.warehouse.runs import Notes, freshness, last_notes


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One row per endpoint as in `ops.freshness`, with `last_error`; and what the caller wants to hear of.

    `copy`: why the read copy is not what it should be, empty if it is, or there is to be none.
    """

    warehouse: str
    exists: bool
    rows: tuple[Mapping[str, Any], ...]
    notes: Mapping[str, Notes]
    now: datetime
    copy: str = ""
    is_strict: bool = False
    max_age: timedelta | None = None

    @property
    def status(self) -> int:
        """1 over something that is not proven, where that was asked for; and over something that is too old."""
        return int(bool(self._complaints()))

    def content(self) -> object:
        """The rows."""
        notes = {
            name: {"misfits": shown_counts(note.misfits), "new_columns": note.columns}
            for name, note in self.notes.items()
        }
        rows = [{**row, **notes.get(row["endpoint"], {})} for row in self.rows]
        return {
            "warehouse": self.warehouse,
            "exists": self.exists,
            "read_copy": self.copy,
            "status": self.status,
            "endpoints": rows,
        }

    def blocks(self) -> Iterable[Block]:
        """The table, then what is not as it should be."""
        if not self.exists:
            yield f"There is no warehouse yet at {self.warehouse}: run `leads-assets sync`."
            return
        columns = ("endpoint", "live rows", "changes as of", "age", "complete as of", "verdict")
        yield Grid(columns=columns, rows=[self._line(row) for row in self.rows], right=("live rows", "age"))
        for row in self.rows:
            if row.get("reason"):
                yield f"{row['endpoint']}: {row['verdict']}: {row['reason']}"
            if row.get("in_progress"):
                yield row["in_progress"]
            if row["last_error"]:
                yield f"failed since: {row['last_error']}"
            yield from (self.notes[row["endpoint"]].sentences() if row["endpoint"] in self.notes else ())
        if self.copy:
            yield f"{self.copy}: the next sync publishes it, or says why it cannot"

    def errors(self) -> Iterable[str]:
        """Why the exit status is 1."""
        return self._complaints()

    def _line(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        as_of, complete = row.get("changes_as_of"), row.get("complete_as_of")
        ago = age(self.now - as_of) if as_of else ""
        return (row["endpoint"], number(row.get("live_rows")), moment(as_of), ago, moment(complete), row["verdict"])

    def _complaints(self) -> list[str]:
        found = []
        if self.is_strict and (names := unproven(self.rows)):
            found.append(f"not proven: {', '.join(names)}")
        if self.is_strict and self.copy:
            found.append(self.copy)
        if self.max_age is not None and (names := [row["endpoint"] for row in self.rows if self._is_old(row)]):
            found.append(f"older than {age(self.max_age)}, or never proven: {', '.join(names)}")
        return found

    def _is_old(self, row: Mapping[str, Any]) -> bool:
        as_of = row.get("changes_as_of")
        return self.max_age is not None and (as_of is None or self.now - as_of > self.max_age)


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "status",
        help="show how fresh and how true each table is",
        description="Show rows, age, verdict and last error of each table, from the warehouse alone.",
    )
    parser.add_argument("endpoint", nargs="*", metavar="ENDPOINT", help="endpoints to look at (default: all)")
    add_strict_option(parser, "a table")
    parser.add_argument(
        "--max-age", type=span, metavar="AGE", help="exit with 1 where the proven data of a table is older (26h, 2d)"
    )
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Status:
    """Read the view `ops.freshness`, endpoints that were never loaded included. Raises a WarehouseError."""
    settings = Settings.from_environment()
    warehouse = warehouse_of(settings)
    found = {row["endpoint"]: row for row in freshness(warehouse)}
    names = checked_names(arguments.endpoint, [*ENDPOINTS, *(name for name in found if name not in ENDPOINTS)])
    failures = last_failures(warehouse)
    rows = tuple(
        found.get(name, {"endpoint": name, "verdict": "never loaded"}) | {"last_error": failures.get(name, (None,))[0]}
        for name in names
    )
    return Status(
        warehouse=warehouse.label,
        exists=warehouse.exists(),
        rows=rows,
        notes={name: notes for name, notes in last_notes(warehouse).items() if name in names},
        now=utc_now(),
        copy=why_due(warehouse, settings.snapshot) if settings.snapshot else "",
        is_strict=arguments.strict,
        max_age=arguments.max_age,
    )
