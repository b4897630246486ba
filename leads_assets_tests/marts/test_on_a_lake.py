"""The marts and the page on a lake: every answer is the one that a DuckDB file gives."""

from pathlib import Path

import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.engine.warehouse.address import open_warehouse
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.sql import literal, quoted
from leads_assets.engine.warehouse.transaction import transaction
from leads_assets.marts.catalogue import file_models
from leads_assets.marts.history import build_views, refresh_history
from leads_assets.report.write import write_page
from leads_assets_tests.harness.books import PARIS, Books
from leads_assets_tests.harness.known import known_account

pytestmark = [pytest.mark.socket, pytest.mark.marts]


def copy_tables(session: Session, file: Path) -> None:
    """Bring the known account's tables into a lake, without its views."""
    session.run("attaching", f"ATTACH {literal(str(file))} AS known (READ_ONLY)")
    tables = session.run(
        "listing",
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'known'"
        " AND schema_name IN ('main', 'ops') AND table_name <> 'views'",
    )
    for schema, table in tables:
        name = f"{schema}.{quoted(table)}"
        session.run("removing", f"DROP {'VIEW' if table == 'freshness' else 'TABLE'} IF EXISTS warehouse.{name}")
        session.run("copying", f"CREATE TABLE warehouse.{name} AS FROM known.{name}")


def answers(session: Session, mart: str, database: str) -> list[str]:
    """All rows of a mart, in an order of their own."""
    session.run("choosing", f"USE {database}")
    return sorted(map(repr, session.run(f"asking {mart}", f"FROM {mart}")))


def test_all_marts_give_the_known_answers_on_a_lake(tmp_path: Path) -> None:
    known: Books = known_account(tmp_path)
    lake = open_warehouse(f"ducklake:{tmp_path}/leads.ducklake")
    with lake.write("the test") as session:
        copy_tables(session, known.warehouse.path)
        with transaction(session):
            made = build_views(session, ENDPOINTS, PARIS)
        assert {"marts", "kept"} <= made
        with transaction(session):
            assert build_views(session, ENDPOINTS, PARIS) == frozenset()
            refresh_history(session, "leads", [101, 102, 103], PARIS)
        marts = [model.relation for model in file_models()]
        different = [mart for mart in marts if answers(session, mart, "warehouse") != answers(session, mart, "known")]
    assert len(marts) > 17
    assert different == []
    page = tmp_path / "page.html"
    ours = write_page(lake, page)
    theirs = write_page(known.warehouse, tmp_path / "other.html")
    assert ours.numbers() == theirs.numbers()
    assert ours.standing.verdict == theirs.standing.verdict
