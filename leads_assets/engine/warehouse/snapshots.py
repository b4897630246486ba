"""What a lake remembers of each load: every commit is a snapshot, which says what was loaded and how far it is true."""

import msgspec

from leads_assets.engine.warehouse.runs import SyncRun
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.sql import literal
from leads_assets.engine.warehouse.staging_database import ALIAS


def name_commit(session: Session, run: SyncRun) -> None:
    """Write endpoint, verdict and run beside the commit to come, where the engine keeps snapshots."""
    if session.engine.has_snapshots:
        told = {"endpoint": run.endpoint, "verdict": run.verdict, "run_id": run.run_id, "number": run.number}
        about = ", ".join(map(literal, ("leads_assets", f"{run.endpoint} {run.verdict}")))
        extra = literal(msgspec.json.encode(told).decode())
        session.run("naming the snapshot", f"CALL {ALIAS}.set_commit_message({about}, extra_info => {extra})")


def committed_snapshot(session: Session) -> int | None:
    """The number of the snapshot that this session has committed last; None where the engine keeps none."""
    if not session.engine.has_snapshots:
        return None
    return int(session.one("looking up the snapshot", f"FROM {ALIAS}.last_committed_snapshot()")[0])
