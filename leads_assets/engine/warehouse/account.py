"""One account a warehouse: rows of two accounts in one table can never be told apart again."""

from collections.abc import Mapping

from leads_assets.engine.records.state import SyncState
from leads_assets.engine.warehouse import runs
from leads_assets.engine.warehouse.errors import LoadFailed
from leads_assets.engine.warehouse.schema import FIRST_SEEN, Table
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.sql import literal, quoted

WHAT_TO_DO = (
    "Set the setting `base_url` and the setting `api_key` to the account of this warehouse, or the setting `warehouse`"
    " to another file; if this account is to take the other one's place here, run once with new_account: true"
    " (`leads-assets sync --new-account`): every list is read in full, and rows that it lacks are marked as deleted"
)
_FEWEST = 3
"""Rows that must have been created at other times: one or two may be a repair on the server."""


def why_another(bound: str | None, account: str) -> str:
    """Why a read of `account` may not be loaded where the rows of `bound` are; empty if it may."""
    if not bound or not account or bound == account:
        return ""
    return f"the warehouse holds the rows of another account; nothing was changed. {WHAT_TO_DO}"


def bind(session: Session, name: str, account: str, known: Mapping[str, SyncState], *, new_account: bool) -> bool:
    """Bind the warehouse to `account`, inside the caller's transaction; a warehouse that knows none adopts it.

    Returns whether the table `name` holds the rows of another account than that. Raises LoadFailed where the warehouse
    is bound to another account and not to be bound anew; a read may have begun before that one was committed.
    """
    if not account:
        return False
    refusal = "" if new_account else why_another(runs.bound_account(known), account)
    if refusal:
        raise LoadFailed(f"{name}: {refusal}")
    nameless = "" if new_account else account
    if any(state.account is None for state in known.values()):
        runs.adopt_account(session, nameless)
    before = known.get(name)
    return before is not None and (nameless if before.account is None else before.account) != account


def make_room(session: Session, table: Table, *, taken_over: int | None) -> None:
    """Remove the rows of another account whose ids are in the view `incoming`, inside the caller's transaction.

    Ids are a server's own: under the same id the two accounts have two things, and what is known of the one is no
    history of the other. `taken_over`: number of the load by which the account took the table over, None where this
    load does: then every row is another account's, else those that were first seen before it.
    """
    theirs = "true"
    if taken_over is not None:
        name = literal(str(table.name))
        ours = f"SELECT loaded_at FROM ops.sync_runs WHERE endpoint = {name} AND number >= {taken_over}"
        theirs = f"coalesce({FIRST_SEEN} NOT IN ({ours}), true)"
    session.run(
        "removing rows of another account",
        f"DELETE FROM {table.sql} WHERE {quoted('id')} IN (SELECT {quoted('id')} FROM incoming) AND {theirs}",
    )


def refuse_strangers(session: Session, table: Table, created: str | None) -> None:
    """Refuse rows of the view `incoming` whose ids the table knows from another time of creation (column `created`).

    Ids are a server's own: where most of the ids that both sides have were created at another time (by a second or
    more: servers change the precision of what they send), the list is that of another account. Raises LoadFailed.
    """
    if created is None:
        return
    ours, theirs = f"t.{quoted(created)}", f"s.{quoted(created)}"
    comparable, strange = session.one(
        "comparing times of creation",
        f"SELECT count(*), count(*) FILTER (abs(epoch({theirs}) - epoch({ours})) >= 1)"
        f" FROM incoming s JOIN {table.sql} t ON t.{quoted('id')} = s.{quoted('id')}"
        f" WHERE {theirs} IS NOT NULL AND {ours} IS NOT NULL",
    )
    if strange >= _FEWEST and strange * 2 > comparable:
        raise LoadFailed(
            f"{table.name}: {strange:,} of the {comparable:,} rows that are both here and on the server were created at"
            f" another time there: this is the list of another account; nothing was changed. {WHAT_TO_DO}"
        )
