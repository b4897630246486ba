"""`leads-assets init`: a folder of one's own in which everything runs, without a checkout of this project."""

import argparse
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from leads_assets.account.settings import DOTENV, Settings, variables
from leads_assets.cli import doctor
from leads_assets.cli.arguments import add_json_option
from leads_assets.cli.home import dagster_home, environment_with_dotenv
from leads_assets.cli.render import Block
from leads_assets.engine.errors import ConfigurationError
from leads_assets.engine.warehouse.new_files import create_private

_DEFINITIONS = "definitions.py"
_FIRST_DEFINITIONS = '''\
"""The assets of the account, and yours beside them.

To see them: `DAGSTER_HOME=$PWD/.dagster_home dagster dev -f definitions.py`.
"""

import dagster as dg
from dagster_duckdb import DuckDBResource

from leads_assets import Settings, build_definitions


@dg.asset(deps=[dg.AssetKey(["marts", "stuck_leads"])], description="An asset of yours: it reads what the syncs keep.")
def stuck_by_owner(duckdb: DuckDBResource) -> dg.MaterializeResult:
    with duckdb.get_connection() as connection:
        rows = connection.sql("SELECT owner, count(*) FROM marts.stuck_leads GROUP BY ALL").fetchall()
    return dg.MaterializeResult(metadata={"owners": len(rows), "leads": sum(count for _, count in rows)})


defs = dg.Definitions.merge(
    build_definitions(Settings.from_environment()),
    dg.Definitions(assets=[stuck_by_owner]),
)
'''
_NEEDED = ("LEADS_API_BASE_URL", "LEADS_API_KEY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What was written, what stood there and was left alone, and the doctor's findings where an account is set.

    `home`: Dagster's, with its configuration.
    """

    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    home: Path
    examined: doctor.Examined | None

    @property
    def status(self) -> int:
        """The doctor's."""
        return self.examined.status if self.examined else 0

    def content(self) -> object:
        """All of it."""
        found = self.examined.content() if self.examined else None
        return {"status": self.status, "written": self.written, "kept": self.kept, "home": self.home, "doctor": found}

    def blocks(self) -> Iterable[Block]:
        """What there is now, and what to do next."""
        for path in self.written:
            yield f"written: {path}"
        for path in self.kept:
            yield f"left as it is: {path}"
        yield f"Dagster's home: {self.home}"
        if self.examined:
            yield from self.examined.blocks()
        else:
            yield f"Put the address and the key into {DOTENV}, then run `leads-assets doctor`."

    def errors(self) -> Iterable[str]:
        """The doctor's."""
        return self.examined.errors() if self.examined else ()


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "init",
        help="make the files of a project of your own",
        description=f"Write {DOTENV} (for you alone), Dagster's home with its configuration, and {_DEFINITIONS} with an"
        " asset of yours, into the current folder; then look whether all is well, as `doctor` does. A file that is"
        " there is left alone.",
    )
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Begun:
    """Write the files. Raises ConfigurationError where the folder cannot be written."""
    folder = Path.cwd()
    has_account = Settings.from_environment().has_account
    files = {
        folder / DOTENV: environment_file(has_account=has_account),
        folder / _DEFINITIONS: _FIRST_DEFINITIONS,
    }
    written = [path for path, text in files.items() if _written(path, text)]
    return Begun(
        written=tuple(written),
        kept=tuple(path for path in files if path not in written),
        home=dagster_home(environment_with_dotenv()),
        examined=doctor.run(argparse.Namespace(strict=False, json=arguments.json)) if has_account else None,
    )


def environment_file(*, has_account: bool = False) -> str:
    """A `.env` with every variable: the two that are needed, and the others as comments with their defaults.

    Where the environment has an account, all are comments: an empty line would win over it.
    """
    fields = variables()
    lines = ["# The settings of leads_assets; what stands here wins over the environment.", ""]
    lines += [f"# {fields[name].description}\n{'# ' if has_account else ''}{name}=" for name in _NEEDED]
    defaults: Mapping[str, object] = {name: field.default for name, field in fields.items() if name not in _NEEDED}
    for name, default in defaults.items():
        value = f"{default:g}" if isinstance(default, int | float) else str(default or "")
        lines.append(f"\n# {fields[name].description}\n# {name}={value}")
    return "\n".join(lines) + "\n"


def _written(path: Path, text: str) -> bool:
    """Write a new file for this user alone; False where one is there already."""
    try:
        descriptor = create_private(path)
    except FileExistsError:
        return False
    except OSError as error:
        raise ConfigurationError(f"the file {path} cannot be written ({error.strerror})") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return True
