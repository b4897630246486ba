"""`leads-assets export`: lists and marts as files for whoever has no DuckDB."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from leads_assets.account.connect import warehouse_of
from leads_assets.account.settings import Settings
from leads_assets.cli.arguments import UsageError, add_json_option, checked_names
from leads_assets.cli.render import Block, Grid, number
from leads_assets.demo.process import account_or_demo
from leads_assets.engine.warehouse.export import FORMATS, export, exportable

_FRESHNESS = "ops.freshness"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """The folder, and the rows of each relation that was written; none where there is no warehouse yet."""

    warehouse: str
    folder: Path
    kind: str
    rows: Mapping[str, int] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """1 where there was nothing to write."""
        return int(not self.rows)

    def content(self) -> object:
        """Files and rows."""
        files = [{"file": self._file(name), "rows": count} for name, count in self.rows.items()]
        return {"status": self.status, "warehouse": self.warehouse, "files": files}

    def blocks(self) -> Iterable[Block]:
        """A line a file."""
        if self.rows:
            lines = [(self._file(name), number(count)) for name, count in self.rows.items()]
            yield Grid(columns=("file", "rows"), rows=lines, right=("rows",))

    def errors(self) -> Iterable[str]:
        """Why there is none."""
        if not self.rows:
            yield f"there is nothing to export from {self.warehouse}: run `leads-assets sync`"

    def _file(self, name: str) -> str:
        return str(self.folder / f"{name}.{self.kind}")


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "export",
        help="write lists and marts as Parquet or CSV",
        description="Write lists (without what is gone) and marts to files that only you can read, all from one state,"
        f" beside {_FRESHNESS}, which says as of when each list is and what that rests on. Without an account, the"
        " demo's.",
    )
    parser.add_argument("name", nargs="*", metavar="NAME", help="leads, marts.funnel, … (default: all)")
    parser.add_argument("--format", choices=FORMATS, default="parquet", help="default parquet")
    parser.add_argument("--to", type=Path, default=Path("export"), metavar="FOLDER", help="default ./export")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Exported:
    """Write the files. Raises UsageError for a name that there is not, ConfigurationError or a WarehouseError."""
    warehouse, folder = warehouse_of(account_or_demo(Settings.from_environment())), arguments.to.absolute()
    nothing = Exported(warehouse=warehouse.label, folder=folder, kind=arguments.format)
    with warehouse.read("export") as session:
        known = [] if session is None else exportable(session)
        if session is None or not known:
            return nothing
        names = [*_relations(arguments.name, known), _FRESHNESS]
        rows = export(session, names, folder, arguments.format)
    return Exported(warehouse=warehouse.label, folder=folder, kind=arguments.format, rows=rows)


def _relations(names: Sequence[str], known: Sequence[str]) -> list[str]:
    """Full names; one without a schema is a list where there is such a list, else a mart."""
    full = [
        next((f"{schema}.{name}" for schema in ("live", "marts") if f"{schema}.{name}" in known), name)
        for name in names
    ]
    try:
        return checked_names(full, known)
    except UsageError as error:
        raise UsageError(str(error).replace("endpoint", "list or mart")) from None
