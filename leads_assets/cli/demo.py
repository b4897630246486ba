"""`leads-assets demo`: all endpoints from the bundled demo API into DuckDB."""

import argparse
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leads_assets.account.connect import warehouse_of
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.cli.arguments import add_json_option, add_leads_option
from leads_assets.cli.home import demo_home, environment_with_dotenv
from leads_assets.cli.render import Block, Grid, number
from leads_assets.cli.sync import explained
from leads_assets.demo.account.account import Account
from leads_assets.demo.process import DEMO_WAREHOUSE, served
from leads_assets.engine.instants import utc_now

if TYPE_CHECKING:
    from leads_assets.defs.execute import RunResult

_QUERY = (
    "SELECT pipeline, step, open_leads, amount, currency, verdict FROM marts.pipeline_daily"
    " WHERE is_today AND open_leads > 0 ORDER BY pipeline, position, currency"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstrated:
    """The run, and where it went."""

    warehouse: Path
    page: Path
    home: Path
    result: "RunResult"
    seconds: float
    is_new: bool

    @property
    def status(self) -> int:
        """1 if the run failed."""
        return int(not self.result.success)

    def content(self) -> object:
        """What a program needs to go on with it."""
        rows = {asset.endpoint: asset.numbers.get("live_rows") for asset in self.result.assets}
        paths = {"warehouse": self.warehouse, "page": self.page, "dagster_home": self.home}
        return {"status": self.status, **paths, "run_id": self.result.run_id, "rows": rows}

    def blocks(self) -> Iterable[Block]:
        """The table, and a query to try."""
        found = {asset.endpoint: asset for asset in self.result.assets}
        lines = [
            (name, number(found[name].numbers.get("live_rows")), found[name].verdict, f"{found[name].seconds:.2f}")
            for name in ENDPOINTS
            if name in found
        ]
        yield Grid(columns=("endpoint", "rows", "verdict", "seconds"), rows=lines, right=("rows", "seconds"))
        if self.status == 0:
            yield f"{len(found)} tables in {self.warehouse} after {self.seconds:.0f} s. Ask it something:"
            path = _short(self.warehouse)
            yield f"  open {_short(self.page)} in a browser (`leads-assets report --open`), or"
            yield f"  .venv/bin/python -c \"import duckdb; duckdb.connect('{path}').sql('{_QUERY}').show()\""

    def errors(self) -> Iterable[str]:
        """The failures."""
        failed = [asset for asset in self.result.assets if asset.ending == "failed"]
        yield from explained(failed)
        if failed and not self.is_new:
            yield f"{self.warehouse} may hold another account than this demo's: remove it, or choose --warehouse"
        if self.result.error:
            yield self.result.error


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "demo",
        help="materialize all endpoints from the bundled demo API",
        description="Start the demo API, bring in its last twelve weeks where the file is new, materialize all assets"
        " from it, and show the result. It knows neither .env nor the LEADS_* variables. `leads-assets dev` shows the"
        " run.",
    )
    add_leads_option(parser)
    parser.add_argument("--warehouse", type=Path, default=DEMO_WAREHOUSE, help="the DuckDB file to fill")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Demonstrated:
    """Run the demo. Raises ConfigurationError if its results cannot be written."""
    from leads_assets.cli.demo_past import DAYS_AGO, bring_in  # noqa: PLC0415  heavy: `--help` does without DuckDB
    from leads_assets.cli.view import viewing  # noqa: PLC0415  heavy: `--help` does without Dagster
    from leads_assets.defs.execute import execute  # noqa: PLC0415
    from leads_assets.report.write import write_page  # noqa: PLC0415

    began = time.monotonic()
    home = demo_home(environment_with_dotenv())
    is_new = not arguments.warehouse.exists()
    account = Account(leads=arguments.leads, now=utc_now(), days=-DAYS_AGO[0] if is_new else 0)
    with served(account, arguments.warehouse) as settings:
        with viewing(len(ENDPOINTS), is_terse=True) as view:
            if is_new:
                bring_in(account, settings, view.announce)
            result = execute(settings, home, tuple(ENDPOINTS), {}, view)
        page = warehouse_of(settings).page
        write_page(warehouse_of(settings), page)
        seconds = time.monotonic() - began
        return Demonstrated(
            warehouse=arguments.warehouse.resolve(),
            page=page,
            home=home,
            result=result,
            seconds=seconds,
            is_new=is_new,
        )


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
