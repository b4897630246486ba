"""The demo API as a process of its own, for the commands that need an account."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

DEMO_KEY = "demo-key"


@contextmanager
def demo_account(leads: int, faults: Sequence[str] = ()) -> Iterator[dict[str, str]]:
    """Start `leads-assets demo-api` on a free port; yields the settings that point to it, and stops it at the end."""
    command = [sys.executable, "-m", "leads_assets", "demo-api", "--leads", str(leads), "--key", DEMO_KEY]
    for fault in faults:
        command += ["--fault", fault]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError(f"the demo API did not start (exit status {process.wait()})")
        yield {"LEADS_API_BASE_URL": url, "LEADS_API_KEY": DEMO_KEY}
    finally:
        process.terminate()
        process.wait()


def demo_environment(account: Mapping[str, str], warehouse: Path) -> dict[str, str]:
    """The environment of a process that must know the demo's account and nothing of the user's settings."""
    foreign = {name: value for name, value in os.environ.items() if not name.startswith("LEADS_")}
    return {**foreign, **account, "LEADS_WAREHOUSE": str(warehouse), "LEADS_API_DAILY_REQUESTS": "0"}
