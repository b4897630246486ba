"""Examines the warehouse without changing it."""

import os
from pathlib import Path
from typing import Any

from leads_assets.doctor.findings import Finding, State
from leads_assets.engine.http.address import account_of
from leads_assets.engine.instants import utc_now
from leads_assets.engine.warehouse import bookkeeping
from leads_assets.engine.warehouse.account import why_another
from leads_assets.engine.warehouse.errors import WarehouseBusy, WarehouseError
from leads_assets.engine.warehouse.failures import last_failures
from leads_assets.engine.warehouse.read_copy import why_due
from leads_assets.engine.warehouse.runs import bound_account, freshness, sync_states
from leads_assets.engine.warehouse.session import Session, Warehouse

_TOPIC = "warehouse"
NEVER_LOADED = "never loaded"
"""The verdict of a table that is not there."""


def inspect(warehouse: Warehouse) -> tuple[list[Finding], list[dict[str, Any]]]:
    """Findings about the file, and the rows of `ops.freshness` with `last_error`, why a read failed since.

    A list that was never loaded, and failed, has a row too.
    """
    if not warehouse.exists():
        return [_absent(warehouse)], []
    try:
        with warehouse.read("the warehouse") as session:
            if session is None:  # deleted in between
                return [_absent(warehouse)], []
            findings = [Finding(_TOPIC, State.OK, warehouse.about(session)), _format(session)]
        rows = _last_syncs(warehouse)
    except WarehouseBusy as busy:
        return [Finding(_TOPIC, State.BROKEN, str(busy), "A sync waits for it, then fails; nothing is lost.")], []
    except WarehouseError as error:
        hint = "It heals from an empty one: move the file away and sync; history and deleted rows are in it only."
        return [Finding(_TOPIC, State.BROKEN, str(error), hint)], []
    return [*findings, *_unwritable(warehouse)], rows


def _last_syncs(warehouse: Warehouse) -> list[dict[str, Any]]:
    errors = {name: error for name, (error, _) in last_failures(warehouse).items()}
    loaded = freshness(warehouse)
    never = {"verdict": NEVER_LOADED, "changes_as_of": None, "live_rows": None}
    names = errors.keys() - {row["endpoint"] for row in loaded}
    rows = [*loaded, *({"endpoint": name, **never} for name in sorted(names))]
    return [{**row, "last_error": errors.get(row["endpoint"])} for row in rows]


def whose(warehouse: Warehouse, base_url: str) -> list[Finding]:
    """Whether the rows are those of the account at that address; nothing where the file cannot tell."""
    try:
        bound = bound_account(sync_states(warehouse, utc_now()))
    except WarehouseError:
        return []
    if not why_another(bound, account_of(base_url)):
        return []
    hint = "Mend the settings; or `leads-assets sync --new-account`, and this account takes the other one's place here."
    return [Finding("account", State.BROKEN, "the warehouse holds the rows of another account", hint)]


def read_copy(warehouse: Warehouse, target: Path) -> list[Finding]:
    """What would keep a read copy from being written, or that a load is not in it; nothing if all is well."""
    topic = "read copy"
    folder = next(parent for parent in target.parents if parent.exists())
    if target.is_dir() or not folder.is_dir():
        says = f"it cannot be written: {target if target.is_dir() else folder} is in its place"
    elif not os.access(folder, os.W_OK):
        says = f"it cannot be written: {folder} is not to be written by this user"
    else:
        return _lag(warehouse, target, topic)
    return [Finding(topic, State.BROKEN, says, "Set LEADS_WAREHOUSE_SNAPSHOT to a file in a folder that can.")]


def _lag(warehouse: Warehouse, target: Path, topic: str) -> list[Finding]:
    try:
        reason = why_due(warehouse, target)
    except WarehouseError:  # said where the warehouse is looked at
        return []
    return [Finding(topic, State.WARNING, reason, "The next sync publishes it, or says why not.")] if reason else []


def _absent(warehouse: Warehouse) -> Finding:
    if not warehouse.not_writable():
        return Finding(_TOPIC, State.OK, f"there is none yet at {warehouse.label}; the first sync makes it")
    says = f"there is none at {warehouse.label}, and its folder cannot be written"
    return Finding(_TOPIC, State.BROKEN, says, "Set LEADS_WAREHOUSE to a file in a folder that can.")


def _format(session: Session) -> Finding:
    topic = "format"
    if not bookkeeping.exists(session):
        return Finding(topic, State.OK, "nothing was synced into it yet")
    version = session.one("reading the format version", "SELECT max(version) FROM ops.version")[0]
    if version > bookkeeping.VERSION:
        says = f"format {version}, written by a newer version of leads_assets; this one knows {bookkeeping.VERSION}"
        return Finding(topic, State.BROKEN, says, "Upgrade leads_assets; nothing is changed until then.")
    later = "" if version == bookkeeping.VERSION else f"; the next sync brings it to {bookkeeping.VERSION}"
    return Finding(topic, State.OK, f"format {version}{later}")


def _unwritable(warehouse: Warehouse) -> list[Finding]:
    if not (places := warehouse.not_writable()):
        return []
    hint = "Give this user the right to write the file and its folder (locks and the spool lie beside it)."
    return [Finding(_TOPIC, State.BROKEN, f"{places} cannot be written", hint)]
