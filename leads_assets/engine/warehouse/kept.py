"""Kept models: tables that stand for a SELECT, brought up to date by deleting and inserting the rows of some keys.

A kept model reads the keys that are to be made from the temporary table `wanted` (column `key`). It joins them where it
reads its sources: a filter from outside would not get below its windows, and some keys would cost as much as all.
All of it happens inside the caller's transaction, so that a kept table is never behind the tables it is made of.
"""

from collections.abc import Iterable, Sequence

from leads_assets.engine.warehouse.models import KEPT, Model
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.sql import quoted


def rebuild(session: Session, models: Iterable[Model], zone: str) -> None:
    """Make the kept tables anew from all rows; `models` in an order in which none reads a later one."""
    for model in models:
        _want(session, f"SELECT id AS key FROM {model.source}")
        session.run(f"making {model.relation}", f"CREATE OR REPLACE TABLE {_table(model)} AS {model.bound(zone)}")
    _forget(session)


def refresh(session: Session, models: Sequence[Model], zone: str, keys: str) -> None:
    """Make the rows of some keys anew; `models` in an order in which none reads a later one.

    `keys` is a SELECT of one column of ids, or what gives them: `VALUES (1), (2)`.
    """
    _want(session, f"SELECT DISTINCT key FROM ({keys}) k(key) WHERE key IS NOT NULL")
    if session.one("counting keys", "SELECT count(*) FROM wanted")[0]:
        for model in models:
            session.run(
                f"clearing {model.relation}",
                f"DELETE FROM {_table(model)} WHERE {quoted(model.key)} IN (SELECT key FROM wanted)",
            )
            session.run(f"filling {model.relation}", f"INSERT INTO {_table(model)} BY NAME {model.bound(zone)}")
    _forget(session)


def _want(session: Session, keys: str) -> None:
    session.run("listing keys", f"CREATE OR REPLACE TEMP TABLE wanted AS {keys}")


def _forget(session: Session) -> None:
    session.run("forgetting keys", "DROP TABLE IF EXISTS wanted")


def _table(model: Model) -> str:
    return f"{KEPT}.{quoted(model.name)}"
