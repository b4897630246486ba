"""The environment that the commands hand on to the processes that they start."""

import os

from dotenv import dotenv_values

from leads_assets.account.settings import DOTENV


def environment_with_dotenv() -> dict[str, str]:
    """The environment as Dagster's own commands see it: the variables of `.env` in this folder win."""
    return os.environ | {name: value for name, value in dotenv_values(DOTENV).items() if value is not None}
