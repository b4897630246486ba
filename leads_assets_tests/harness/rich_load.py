"""A load that does everything a load can do, and ways to let it fail."""

import multiprocessing
import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import duckdb
import pytest

from leads_assets.engine.declare import Column, ColumnType
from leads_assets.engine.records.extract import Extract
from leads_assets.engine.warehouse.session import Session
from leads_assets_tests.harness.desk import THINGS, WarehouseHarness

# The child begins as a copy of a process that has imported everything and has no threads yet.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["leads_assets_tests.harness.desk", "leads_assets_tests.harness.project"])

CANARY = "canary@example.com"

BEFORE: list[dict[str, Any]] = [
    {"id": n, "whole": n, "text": CANARY, "nested": {"a": n}, "old": n, "updated_at": "2026-01-02T00:00:00Z"}
    for n in range(60)
]


def wider() -> tuple[Column, ...]:
    """The declaration that follows the one before: a column renamed, one of another type, a new one."""
    renamed = {
        "flag": Column("truth", ColumnType.BOOLEAN, "Truth.", key="flag", formerly=("flag",)),
        "whole": Column("whole", ColumnType.DOUBLE, "Number.", tracked=True),
    }
    return (
        *(renamed.get(column.name, column) for column in THINGS.columns),
        Column("latest", ColumnType.TEXTS, "New."),
    )


def rich_extract(desk: WarehouseHarness) -> Extract:
    """An extract that makes a load do everything it can do, on top of `BEFORE`."""
    records: list[Any] = [dict(record) for record in BEFORE[:50]]  # ten are gone
    records[1] |= {"whole": 1000, "updated_at": "2026-01-03T00:00:00Z"}  # changed, with history
    records[2] |= {"nested": {"b": 1, "a": 2}}
    records[3] |= {"updated_at": "2026-01-01T00:00:00Z", "whole": 5}  # outdated
    records[4] |= {"old": "no number"}  # a misfit of an evolved column
    records[5] |= {"money": "12.345678"}  # a misfit of a declared one
    records += [{"id": 100 + n, "new field": n} for n in range(20)]
    records += [{"id": 100, "whole": 1}]  # twice
    return replace(desk.extract(records), endpoint=replace(THINGS, columns=wider()))


class Stop(Exception):
    """Something that no code of the project expects."""


def fail_at(monkeypatch: pytest.MonkeyPatch, number: int, fault: Callable[[], BaseException], *, after: bool) -> None:
    """Let the statement of that number fail, before or after it was executed."""
    execute = Session.execute
    count = 0

    def failing(session: Session, step: str, sql: str) -> duckdb.DuckDBPyConnection:
        nonlocal count
        count += 1
        if count == number and not after:
            raise fault()
        result = execute(session, step, sql)
        if count == number:
            raise fault()
        return result

    monkeypatch.setattr(Session, "execute", failing)


def count_statements(desk: WarehouseHarness, extract: Extract) -> int:
    """How many statements the load of an extract executes, tried on a copy."""
    trial = WarehouseHarness(desk.folder / "trial")
    trial.folder.mkdir()
    shutil.copy(desk.warehouse.path, trial.warehouse.path)
    with pytest.MonkeyPatch.context() as patch:
        statements = trial.statements(patch)
        trial.load(extract)
    return len(statements)
