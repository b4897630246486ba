"""All or nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from leads_assets.engine.warehouse.session import Session


@contextmanager
def transaction(session: Session) -> Iterator[None]:
    """Commit what happens inside, or roll it back."""
    session.run("beginning the transaction", "BEGIN")
    try:
        yield
        session.before_commit()
        session.run("committing", "COMMIT")
    except BaseException:
        _roll_back(session)
        raise


def _roll_back(session: Session) -> None:
    try:
        session.connection.execute("ROLLBACK")
    except duckdb.Error:
        # After a fatal error (a full disk) the connection is invalid: closing it leaves the last committed state.
        return
