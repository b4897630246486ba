"""One account a warehouse: rows of two accounts in one table can never be told apart again."""

from leads_assets.warehouse import bookkeeping
from leads_assets.warehouse.connection import Session, Warehouse
from leads_assets.warehouse.errors import LoadFailed
from leads_assets.warehouse.sql import literal, quoted
from leads_assets.warehouse.tables import Table

WHAT_TO_DO = (
    "Set LEADS_API_BASE_URL and LEADS_API_KEY to the account of this warehouse, or LEADS_WAREHOUSE to another file; if"
    " this account is to take the other one's place here, run once with new_account: true"
    " (`leads-assets sync --new-account`): every list is read in full, and rows that it lacks are marked as deleted"
)
_FEWEST = 3
"""Rows that must have been created at other times: one or two may be a repair on the server."""

_NEWEST = f"{bookkeeping.RUNS} SELECT arg_max(account, number) FROM runs"


def bound_account(warehouse: Warehouse) -> str | None:
    """The account whose rows the warehouse holds, as `account_of` names it; None where none is remembered.

    That is so without a warehouse, once all tables were dropped, and in a warehouse that an older version has written.
    Raises a WarehouseError.
    """
    with warehouse.read("the account") as session:
        return _newest(session) if session is not None and bookkeeping.exists(session) else None


def _newest(session: Session) -> str | None:
    account: str | None = session.one("looking up the account", _NEWEST)[0]
    return account


def why_another(bound: str | None, account: str) -> str:
    """Why a read of `account` may not be loaded where the rows of `bound` are; empty if it may."""
    if not bound or not account or bound == account:
        return ""
    return f"the warehouse holds the rows of another account; nothing was read. {WHAT_TO_DO}"


def bind(session: Session, name: str, account: str, *, new_account: bool) -> bool:
    """Bind the warehouse to `account`, inside the caller's transaction; a warehouse that knows none adopts it.

    Returns whether the table `name` holds the rows of another account than that. Raises LoadFailed where the warehouse
    is bound to another account and not to be bound anew; a read may have begun before that one was committed.
    """
    if not account:
        return False
    if not new_account and why_another(_newest(session), account):
        raise LoadFailed(f"{name}: the warehouse holds the rows of another account; nothing was changed. {WHAT_TO_DO}")
    before = literal("" if new_account else account)
    session.run(
        "adopting the account",
        f"UPDATE ops.sync_runs SET account = {before} WHERE account IS NULL AND mode <> 'frame'",
    )
    rows = session.run(
        "looking up the account of the table",
        f"SELECT account FROM ops.sync_runs WHERE endpoint = {literal(name)} AND account IS NOT NULL"
        " ORDER BY number DESC LIMIT 1",
    )
    return bool(rows) and rows[0][0] != account


def refuse_strangers(session: Session, table: Table) -> None:
    """Refuse rows of the view `incoming` whose ids the table knows from another time of creation.

    Ids are a server's own: where most of the ids that both sides have were created at another time (by a second or
    more: servers change the precision of what they send), the list is that of another account. Raises LoadFailed.
    """
    if "created_at" not in table.columns:
        return
    comparable, strange = session.one(
        "comparing times of creation",
        "SELECT count(*), count(*) FILTER (abs(epoch(s.created_at) - epoch(t.created_at)) >= 1)"
        f" FROM incoming s JOIN {table.sql} t ON t.{quoted('id')} = s.{quoted('id')}"
        " WHERE s.created_at IS NOT NULL AND t.created_at IS NOT NULL",
    )
    if strange >= _FEWEST and strange * 2 > comparable:
        raise LoadFailed(
            f"{table.name}: {strange:,} of the {comparable:,} rows that are both here and on the server were created at"
            f" another time there: this is the list of another account; nothing was changed. {WHAT_TO_DO}"
        )
