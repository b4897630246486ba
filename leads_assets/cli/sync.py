"""`leads-assets sync`: a run of the assets in this process, with a live view and a summary."""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leads_assets.account.connect import warehouse_of
from leads_assets.account.settings import NO_ACCOUNT, Settings, in_variables
from leads_assets.cli.arguments import add_json_option, add_strict_option
from leads_assets.cli.home import dagster_home, environment_with_dotenv
from leads_assets.cli.render import Block, Grid, number
from leads_assets.cli.verdicts import unproven
from leads_assets.engine.errors import ConfigurationError
from leads_assets.engine.warehouse.errors import WarehouseError
from leads_assets.engine.warehouse.read_copy import publish_if_due

if TYPE_CHECKING:
    from leads_assets.defs.execute import AssetResult, RunResult

_COLUMNS = {
    "live_rows": "rows",
    "inserted": "+",
    "updated": "~",
    "deleted": "-",
    "requests": "requests",
    "seconds": "seconds",
}
"""Key of a result -> heading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """A run that has ended; `home` is where Dagster keeps it, `copy` tells why the read copy is not right."""

    warehouse: str
    home: Path
    result: "RunResult"
    copy: str = ""
    is_strict: bool = False

    @property
    def status(self) -> int:
        """1 if the run failed, or the read copy; over something that is not proven too, where that was asked for."""
        return int(not self.result.success or bool(self.copy or self._unproven()))

    def content(self) -> object:
        """The run and one entry per asset."""
        return {
            "run_id": self.result.run_id,
            "status": self.status,
            "warehouse": self.warehouse,
            "dagster_home": self.home,
            "error": self.result.error,
            "read_copy": self.copy,
            "failures": {asset.endpoint: asset.reason for asset in self._ended("failed")},
            "warnings": {asset.endpoint: asset.reason for asset in self._ended("not read")},
            "endpoints": [_row(asset) for asset in self.result.assets],
        }

    def blocks(self) -> Iterable[Block]:
        """The table, what is not as it should be, and where the rows are."""
        headings = tuple(_COLUMNS.values())
        rows = [_row(asset) for asset in self.result.assets]
        lines = [(row["endpoint"], *(number(row.get(name)) for name in _COLUMNS), row["verdict"]) for row in rows]
        yield Grid(columns=("endpoint", *headings, "verdict"), rows=lines, right=headings)
        yield from explained(asset for asset in self.result.assets if asset.ending != "failed")
        for asset in self.result.assets:
            yield from asset.findings
        yield f"Into {self.warehouse}; run {self.result.run_id} in {self.home}."

    def errors(self) -> Iterable[str]:
        """The failures."""
        yield from explained(self._ended("failed"))
        if self.result.error:
            yield self.result.error
        if self.copy:
            yield self.copy
        if names := self._unproven():
            yield f"not proven: {', '.join(names)}"

    def _ended(self, ending: str) -> list["AssetResult"]:
        return [asset for asset in self.result.assets if asset.ending == ending]

    def _unproven(self) -> list[str]:
        return unproven(map(_row, self.result.assets)) if self.is_strict else []


def explained(assets: "Iterable[AssetResult]") -> Iterable[str]:
    """The reasons of those that have one, each once, with the endpoints that it is true of."""
    names: dict[str, list[str]] = {}
    for asset in assets:
        if asset.reason:
            reason = asset.reason.removeprefix(f"{asset.endpoint}: ")
            told = f"{asset.verdict}: {reason}" if asset.ending == "loaded" else reason
            names.setdefault(told, []).append(asset.endpoint)
    return [f"{found[0] if len(found) == 1 else f'{len(found)} endpoints'}: {told}" for told, found in names.items()]


def _row(asset: "AssetResult") -> dict[str, Any]:
    about = {"endpoint": asset.endpoint, "mode": asset.mode, "verdict": asset.verdict, "reason": asset.reason}
    return {**about, **asset.numbers, "seconds": asset.seconds, "findings": asset.findings}


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "sync",
        help="bring the warehouse up to date",
        description="Materialize the selected assets in this process, show how far it is, and sum it up. The run is"
        " kept in DAGSTER_HOME, or in .dagster_home of this folder, where `leads-assets dev` shows it.",
    )
    parser.add_argument("selection", nargs="*", help="names of endpoints, or Dagster's asset selection (default: all)")
    parser.add_argument("--full-refresh", action="store_true", help="read every list in full; the server's rows win")
    parser.add_argument("--allow-mass-delete", action="store_true", help="mark gone rows however many they are")
    parser.add_argument("--new-account", action="store_true", help="another account's rows take the place of these")
    add_strict_option(parser, "a table")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Synced:
    """Sync. Raises UsageError, ConfigurationError or WarehouseError before anything is read."""
    settings = Settings.from_environment()
    if not settings.has_account:
        raise ConfigurationError(NO_ACCOUNT)
    from leads_assets.cli.selection import selected  # noqa: PLC0415  heavy: `--help` does without Dagster
    from leads_assets.cli.view import viewing  # noqa: PLC0415
    from leads_assets.defs.build import build_definitions  # noqa: PLC0415
    from leads_assets.defs.execute import execute  # noqa: PLC0415

    names = selected(arguments.selection, build_definitions(settings))
    knobs = {name: getattr(arguments, name) for name in ("full_refresh", "allow_mass_delete", "new_account")}
    home = dagster_home(environment_with_dotenv())
    with viewing(len(names)) as view:
        result = execute(settings, home, names, {name: True for name, on in knobs.items() if on}, view)
    return Synced(
        warehouse=warehouse_of(settings).label,
        home=home,
        result=result,
        copy=_read_copy(settings),
        is_strict=arguments.strict,
    )


def _read_copy(settings: Settings) -> str:
    """Why the read copy is not what it should be after a run; empty if it is, or there is to be none."""
    if settings.snapshot is None:
        return ""
    warehouse = warehouse_of(settings)
    try:
        publish_if_due(warehouse, settings.snapshot)  # the run has tried, where its error ends no run
    except WarehouseError as error:
        return in_variables(error)
    return ""
