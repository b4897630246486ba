"""`leads-assets report`: the morning page, from what is in the warehouse now."""

import argparse
import webbrowser
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from leads_assets.account.connect import warehouse_of
from leads_assets.account.settings import Settings
from leads_assets.cli.arguments import add_json_option
from leads_assets.cli.render import Block
from leads_assets.demo.process import account_or_demo
from leads_assets.engine.instants import READABLE, format_instant
from leads_assets.report.figures import Figures
from leads_assets.report.write import write_page


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWritten:
    """The page, and what it says of itself."""

    page: Path
    figures: Figures

    @property
    def status(self) -> int:
        """Always 0: also a page that says that nothing is proven is what was asked for."""
        return 0

    def content(self) -> object:
        """Where it is, and its figures."""
        standing = self.figures.standing
        told = {"verdict": standing.verdict, "reason": standing.reason}
        moments = {"changes_as_of": standing.changes_as_of, "complete_as_of": standing.complete_as_of}
        return {"status": self.status, "page": self.page, **told, **moments, "figures": dict(self.figures.numbers())}

    def blocks(self) -> Iterable[Block]:
        """Where it is, and how far it may be trusted."""
        standing = self.figures.standing
        since = f" as of {format_instant(standing.changes_as_of, READABLE)}" if standing.changes_as_of else ""
        why = f": {standing.reason}" if standing.reason else ""
        yield f"{self.page}: {'nothing to show' if standing.verdict == 'never' else standing.verdict}{since}{why}"

    def errors(self) -> Iterable[str]:
        """None."""
        return ()


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "report",
        help="write the morning page",
        description="Write the page of the warehouse, one HTML file beside it that only you can read: what is open,"
        " what has changed, who waits, what is due. Without an account, the demo's. The charts need the extra"
        " `report`.",
    )
    parser.add_argument("--open", action="store_true", help="show it in the browser")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> PageWritten:
    """Write it. Raises ConfigurationError or WarehouseError."""
    warehouse = warehouse_of(account_or_demo(Settings.from_environment()))
    page = warehouse.page.absolute()
    figures = write_page(warehouse, page)
    if arguments.open:
        webbrowser.open(page.as_uri())
    return PageWritten(page=page, figures=figures)
