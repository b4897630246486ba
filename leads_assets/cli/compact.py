"""`leads-assets compact`: the warehouse without the space that old versions of rows have left."""

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from leads_assets.account.connect import warehouse_of
from leads_assets.account.settings import Settings
from leads_assets.cli.arguments import add_json_option
from leads_assets.cli.render import Block, size


@dataclass(frozen=True, slots=True)
class Compacted:
    """Its figures before and after, `bytes` among them; none where there is no warehouse."""

    warehouse: str
    before: Mapping[str, int] = field(default_factory=dict)
    after: Mapping[str, int] = field(default_factory=dict)
    status: int = 0

    def content(self) -> object:
        """Address and figures."""
        sizes = {"before_bytes": self.before.get("bytes", 0), "after_bytes": self.after.get("bytes", 0)}
        return {"warehouse": self.warehouse, **sizes, "before": self.before, "after": self.after, "status": self.status}

    def blocks(self) -> Iterable[Block]:
        """One sentence."""
        if not self.before:
            return [f"There is no warehouse at {self.warehouse}: nothing to do."]
        return [f"{self.warehouse}: {_told(self.before)} before, {_told(self.after)} after."]

    def errors(self) -> Iterable[str]:
        """Nothing."""
        return ()


def _told(figures: Mapping[str, int]) -> str:
    others = [f"{figures[name]:,} {name}" for name in ("files", "snapshots") if name in figures]
    return " in ".join([size(figures["bytes"]), " and ".join(others)]) if others else size(figures["bytes"])


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "compact",
        help="rewrite a warehouse that has grown",
        description="Rewrite the file without the space of replaced rows, and put it in the place of the old one"
        " in one step. Nothing is lost; it needs as much free disk as the file takes. Of a lake, rewrite and merge"
        " files, and remove what no snapshot of the last LEADS_LAKE_KEEP_DAYS days needs.",
    )
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(_arguments: argparse.Namespace) -> Compacted:
    """Compact. Raises a WarehouseError or a ConfigurationError."""
    warehouse = warehouse_of(Settings.from_environment())
    if not warehouse.exists():
        return Compacted(warehouse.label)
    done = warehouse.compact()
    return Compacted(warehouse.label, done.before, done.after)
