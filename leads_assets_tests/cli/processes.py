"""Commands as real processes, and whatever they start."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

BIN = Path(sys.executable).parent
PATIENCE_SECONDS = 120


def environment(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """The environment without anything of the project, and with these settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("LEADS_", "DAGSTER_"))}
    state = {"LEADS_STATE": str(folder / "state")}
    return {**own, "DAGSTER_DISABLE_TELEMETRY": "1", "HOME": str(folder), **state, **settings}


def until(is_true: Callable[[], bool], said: Path) -> None:
    """Wait for something, or show the end of the log."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while not is_true():
        assert time.monotonic() < ends, said.read_text()[-3000:]
        time.sleep(0.1)


@contextmanager
def started(folder: Path, settings: Mapping[str, str], *arguments: str) -> "Iterator[subprocess.Popen[bytes]]":
    """`leads-assets` with these arguments, its output in `said.log`; ended by force where it still lives at the end."""
    with (folder / "said.log").open("w") as log:
        process = subprocess.Popen(
            [BIN / "leads-assets", *arguments],
            cwd=folder,
            env=environment(folder, settings),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                kill(family_of(process.pid))
            process.wait()


def family_of(pid: int) -> set[int]:
    """The process and everything that it has started, directly or not."""
    parents = {child: parent for child, parent, _ in _all()}
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def living(pids: set[int]) -> set[int]:
    """Those that still run; what is dead and was not waited for does not count."""
    return {pid for pid, _, state in _all() if pid in pids and state not in "ZX"}


def kill(pids: set[int]) -> None:
    """End them by force."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _all() -> Iterator[tuple[int, int, str]]:
    """(pid, parent, state) of every process of the machine."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError):
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            yield int(path.parent.name), int(parent), state
