"""Dagster's home: the one that the UI uses, so that it shows what a command did."""

import os
import shutil
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from dotenv import dotenv_values

from leads_assets.account.settings import DOTENV
from leads_assets.engine.errors import ConfigurationError

PACKAGE = resources.files("leads_assets") / "defs"
_HOME = Path(".dagster_home")
_CONFIG = "dagster.yaml"
_DEMO = "demo"


def environment_with_dotenv() -> dict[str, str]:
    """The environment as Dagster's own commands see it: the variables of `.env` in the current folder win."""
    return os.environ | {name: value for name, value in dotenv_values(DOTENV).items() if value is not None}


def dagster_home(environment: Mapping[str, str]) -> Path:
    """DAGSTER_HOME, else a folder in the current one; made, with our configuration where it has none.

    Raises ConfigurationError where that cannot be.
    """
    return _made(Path(environment.get("DAGSTER_HOME") or _HOME).absolute())


def demo_home(environment: Mapping[str, str]) -> Path:
    """The home of the demo's runs: the same, but apart from the runs of an account where one is set."""
    home = dagster_home(environment)
    has_account = environment.get("LEADS_API_BASE_URL") or environment.get("LEADS_API_KEY")
    return _made(home / _DEMO) if has_account else home


def _made(home: Path) -> Path:
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not (home / _CONFIG).exists():
            with resources.as_file(PACKAGE / _CONFIG) as config:
                shutil.copyfile(config, home / _CONFIG)
    except OSError as error:
        raise ConfigurationError(
            f"the folder {home} for Dagster's history cannot be written ({error.strerror}); set DAGSTER_HOME to another"
        ) from None
    return home
