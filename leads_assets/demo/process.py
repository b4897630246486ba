"""The bundled demo API as the account of a command, in the command's own process: it cannot outlive it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from leads_assets.account.settings import Settings
from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi

DEMO_KEY = "demo-key"
DEMO_WAREHOUSE = Path("data/demo.duckdb")


def account_or_demo(settings: Settings) -> Settings:
    """The same, or with the demo's warehouse where no account is set: for commands that read what is there."""
    return settings if settings.has_account else settings.model_copy(update={"warehouse": DEMO_WAREHOUSE})


@contextmanager
def demo_account(leads: int, warehouse: Path = DEMO_WAREHOUSE) -> Iterator[Settings]:
    """Serve a demo account that ends now; yields the settings that point to it, and to nothing else."""
    with served(Account(leads=leads, now=datetime.now(UTC)), warehouse) as settings:
        yield settings


@contextmanager
def served(account: Account, warehouse: Path) -> Iterator[Settings]:
    """Serve it on a free port of loopback; yields the settings that point to it, to this file, and to nothing else."""
    with DemoApi(account, key=DEMO_KEY) as api:
        places = {"warehouse": warehouse, "state": Path(f"{warehouse}.state")}
        yield Settings.model_validate({"base_url": api.base_url, "api_key": DEMO_KEY, "daily_requests": 0, **places})


def demo_environment(settings: Settings) -> dict[str, str]:
    """The environment of a process that must know the demo's account and nothing of the user's settings."""
    foreign = {name: value for name, value in os.environ.items() if not name.startswith("LEADS_")}
    return {
        **foreign,
        "LEADS_API_BASE_URL": settings.base_url,
        "LEADS_API_KEY": settings.api_key.get_secret_value(),
        "LEADS_API_DAILY_REQUESTS": str(settings.daily_requests),
        "LEADS_WAREHOUSE": str(settings.warehouse),
        "LEADS_STATE": str(settings.state_folder),
    }
