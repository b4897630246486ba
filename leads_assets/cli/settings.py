"""The settings of the commands: those of the Dagster definitions, with their values filled in."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv import dotenv_values

from leads_assets.api.client import ApiClient

if TYPE_CHECKING:
    from leads_assets.resources import LeadsApiResource, SyncOptions, WarehouseResource


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run would get."""

    api: "LeadsApiResource"
    warehouse: "WarehouseResource"
    sync: "SyncOptions"


def environment_with_dotenv() -> dict[str, str]:
    """The environment as Dagster's own commands see it: the variables of `.env` in this folder win."""
    return os.environ | {name: value for name, value in dotenv_values(Path(".env")).items() if value is not None}


def resolved_settings() -> Settings:
    """The resources of a run. Raises ConfigurationError for a setting that makes no sense."""
    os.environ.update(environment_with_dotenv())
    from dagster import EnvVar  # noqa: PLC0415  heavy: `--help` does without Dagster

    from leads_assets import definitions  # noqa: PLC0415

    api = definitions.api_resource()
    # Dagster's own way to fill in the variables opens an instance, which takes a second.
    values = {name: value.get_value() for name, value in api if isinstance(value, EnvVar)}
    return Settings(api.model_copy(update=values), definitions.warehouse_resource(), definitions.sync_options())


@contextmanager
def calling(api: "LeadsApiResource") -> Iterator[ApiClient]:
    """The client of the resource, closed at the end. Raises ConfigurationError."""
    client = api.client()
    try:
        yield client
    finally:
        client.close()
        client.budget.close()


def asking_once(api: "LeadsApiResource") -> "LeadsApiResource":
    """The same API with one try a request, so that an examination costs what it says and ends soon."""
    return api.model_copy(update={"attempts": 1, "deadline_seconds": min(30.0, api.deadline_seconds)})
