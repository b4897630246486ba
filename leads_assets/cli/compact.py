"""`leads-assets compact`: the warehouse without the space that old versions of rows have left."""

import argparse
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from leads_assets.account.connect import warehouse_of
from leads_assets.account.settings import Settings
from leads_assets.cli.arguments import add_json_option
from leads_assets.cli.render import Block, size


@dataclass(frozen=True, slots=True)
class Compacted:
    """The file's bytes before and after; zero where there is none."""

    warehouse: str
    before_bytes: int = 0
    after_bytes: int = 0
    status: int = 0

    def content(self) -> object:
        """Path and sizes."""
        return asdict(self)

    def blocks(self) -> Iterable[Block]:
        """One sentence."""
        if not self.before_bytes:
            return [f"There is no warehouse at {self.warehouse}: nothing to do."]
        return [f"{self.warehouse}: {size(self.before_bytes)} before, {size(self.after_bytes)} after."]

    def errors(self) -> Iterable[str]:
        """Nothing."""
        return ()


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "compact",
        help="rewrite a warehouse that has grown",
        description="Rewrite the warehouse without the space of replaced rows, and put it in the place of the old one"
        " in one step. Nothing is lost; it needs as much free disk as the warehouse takes.",
    )
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(_arguments: argparse.Namespace) -> Compacted:
    """Compact. Raises a WarehouseError or a ConfigurationError."""
    warehouse = warehouse_of(Settings.from_environment())
    if not warehouse.exists():
        return Compacted(warehouse.label)
    done = warehouse.compact()
    return Compacted(warehouse.label, done.before["bytes"], done.after["bytes"])
