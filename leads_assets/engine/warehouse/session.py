"""Statements whose failures name the step."""

from typing import Any

import duckdb

from leads_assets.engine.warehouse.errors import failed


class Session:
    """An open connection whose failures name the step, never a value.

    Values are written into the SQL (`literal`, `moment`): given beside it, DuckDB 1.5 imports pandas to look at them.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, what: str) -> None:
        self.connection = connection
        self._what = what

    def execute(self, step: str, sql: str) -> duckdb.DuckDBPyConnection:
        """Execute one statement and leave its result on the connection. Raises LoadFailed, which names `step`."""
        try:
            return self.connection.execute(sql)
        except duckdb.Error as error:
            raise failed(self._what, step, error) from None

    def run(self, step: str, sql: str) -> list[tuple[Any, ...]]:
        """Execute one statement and return its rows. Raises LoadFailed, which names `step`."""
        result = self.execute(step, sql)
        try:
            return result.fetchall()
        except duckdb.Error as error:
            raise failed(self._what, step, error) from None

    def one(self, step: str, sql: str) -> tuple[Any, ...]:
        """The only row of a statement."""
        return self.run(step, sql)[0]
