"""What the marts cost: CPU seconds per question, whole mart and load, at several sizes of an invented account."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import machine
from invented import invent
from tables import table

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.engine.warehouse.file import FileWarehouse
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.transaction import transaction
from leads_assets.marts.catalogue import file_models
from leads_assets.marts.history import build_views, refresh_history
from leads_assets.marts.invariants import INVARIANTS
from leads_assets.report.figures import read_figures
from leads_assets.report.page import render

SIZES = (1_000, 10_000, 100_000)
CHANGED = 300
ZONE = "Europe/Paris"
QUESTIONS = {
    "one lead": "FROM marts.leads WHERE lead_id = 500",
    "its history": "FROM marts.lead_history WHERE lead_id = 500",
    "one owner's figures": "FROM marts.owners WHERE owner_id = 7",
    "one owner's open leads": "FROM marts.leads WHERE owner_id = 7 AND is_open",
    "today's pipeline": "FROM marts.pipeline_daily WHERE is_today",
}
"""Each of these within 0.2 s at 100,000 leads."""
LIMITS = {**dict.fromkeys(QUESTIONS, 0.2), "a load of 300 changed leads": 0.3, "the page's data": 4.0}
MART_LIMIT = 1.5


def cpu(work: Callable[[], object], times: int = 3) -> float:
    """The least CPU seconds that the work took."""
    seconds = []
    for _ in range(times):
        before = time.process_time()
        work()
        seconds.append(time.process_time() - before)
    return min(seconds)


def loading(session: Session) -> dict[str, float]:
    """What a load pays: the first build, one where nothing changed, and one that changed some leads."""

    def build() -> None:
        build_views(session, ENDPOINTS, ZONE)

    def refresh() -> None:
        with transaction(session):
            refresh_history(session, "leads", "SELECT id FROM main.leads ORDER BY hash(id) LIMIT 300", ZONE)

    return {
        "views and history, first build": cpu(build, times=1),
        "a load that changed nothing": cpu(build),
        f"a load of {CHANGED} changed leads": cpu(refresh),
    }


def asking(session: Session) -> dict[str, float]:
    """What readers pay, with one thread: several add to the CPU what they save in time."""
    connection = session.connection
    connection.execute("SET threads = 1")

    def whole(name: str) -> Callable[[], object]:
        return lambda: connection.execute(f"CREATE OR REPLACE TEMP TABLE kept_here AS FROM marts.{name}")

    def asked(*sqls: str) -> Callable[[], object]:
        return lambda: [connection.execute(sql).fetchall() for sql in sqls]

    found = {name: cpu(asked(sql)) for name, sql in QUESTIONS.items()}
    found |= {model.name: cpu(whole(model.name)) for model in file_models() if not model.key}
    found["the page's data"] = cpu(lambda: read_figures(session))
    figures = read_figures(session)
    found["the page's file"] = cpu(lambda: render(figures))
    print(f"the page: {len(render(figures).encode()):,} bytes")
    found["all invariants"] = cpu(asked(*(invariant.broken for invariant in INVARIANTS)), times=1)
    return found


def measure(leads: int) -> dict[str, float]:
    """All figures of one size. Raises SystemExit where an invariant does not hold."""
    with TemporaryDirectory() as folder:
        warehouse = FileWarehouse(Path(folder) / "invented.duckdb")
        with warehouse.write("benchmark") as session:
            invent(session.connection, leads)
            found = loading(session)
        with warehouse.read("benchmark") as session:
            if session is None:
                raise SystemExit("the warehouse is gone")
            connection = session.connection
            broken = [claim.name for claim in INVARIANTS if connection.execute(claim.broken).fetchall()]
            if broken:
                raise SystemExit(f"{leads:,} leads: {', '.join(broken)} broken")
            counted = "SELECT (SELECT count(*) FROM ops.changes), (SELECT count(*) FROM kept.lead_history)"
            changes, versions = connection.execute(counted).fetchall()[0]
            print(f"{leads:,} leads, {changes:,} changes, {versions:,} versions")
            return found | asking(session)


def main() -> int:
    """Measure each size; the exit status is 1 where a limit is passed at the largest."""
    parser = argparse.ArgumentParser(description="Measure the marts on invented accounts, CPU seconds.")
    parser.add_argument("--most", type=int, default=SIZES[-1], help="no more leads than this (default 100,000)")
    most = parser.parse_args().most
    found = {size: measure(size) for size in SIZES if size <= most}
    largest = found[max(found)]
    marts = {model.name for model in file_models()}
    limits = {name: LIMITS.get(name, MART_LIMIT if name in marts else None) for name in largest}
    rows = [
        [name, *(f"{figures[name]:.3f}" for figures in found.values()), "" if limit is None else f"{limit:.1f}"]
        for name, limit in limits.items()
    ]
    print(table(("CPU s", *(f"{size:,} leads" for size in found), "limit"), rows))
    print(f"- {machine.facts()[0]}\n- load average (1, 5, 15 minutes): {machine.load()}")
    late = [name for name, limit in limits.items() if limit is not None and largest[name] > limit]
    if late:
        print(f"over the limit: {', '.join(late)}")
    return int(bool(late))


if __name__ == "__main__":
    sys.exit(main())
