"""What the figures were measured on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

from environments import pinned


def processor() -> str:
    """The processor as the kernel names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown"


def memory() -> str:
    """The machine's memory."""
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def load() -> str:
    """The load averages of the last 1, 5 and 15 minutes."""
    return " ".join(f"{average:.2f}" for average in os.getloadavg())


def facts() -> list[str]:
    """Machine and versions, a line each."""
    ours = ", ".join(f"{name} {version(name)}" for name in ("dagster", "duckdb", "msgspec", "requests", "urllib3"))
    return [
        f"{os.cpu_count()} cores ({processor()}), {memory()}, {platform.system()}, Python {platform.python_version()}",
        f"ours: {ours}",
        f"dlt: {pinned('dlt', 'dlt', 'duckdb', 'pyarrow', 'requests')}",
        f"naive: {pinned('naive', 'duckdb', 'pandas', 'requests')}",
    ]
