"""The views of any account: always there, in the order that people want, made anew only when something has changed."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from leads_assets.engine.declare import Column, ColumnType, Endpoint, Role
from leads_assets.engine.warehouse import kept, models, views
from leads_assets.engine.warehouse.errors import LoadFailed
from leads_assets.engine.warehouse.file import FileWarehouse
from leads_assets.engine.warehouse.models import Model
from leads_assets.engine.warehouse.schema import BOOKKEEPING
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.transaction import transaction
from leads_assets.engine.warehouse.views import Definitions, build_views

pytestmark = pytest.mark.socket

THINGS = Endpoint(
    name="things",
    path="/things",
    description="What there is.",
    columns=(
        Column("id", ColumnType.BIGINT, "The key."),
        Column("weight", ColumnType.DOUBLE, "How heavy it is."),
        Column("name", ColumnType.VARCHAR, "What it's called."),
    ),
)
ORDERS = Endpoint(
    name="orders",
    path="/orders",
    description="Who wants what.",
    columns=(Column("id", ColumnType.BIGINT, "The key."), Column("thing_id", ColumnType.BIGINT, "The thing.")),
    edition_gated=True,
)
LOG = Endpoint(
    name="log", path="/log", description="A log.", columns=(Column("id", ColumnType.BIGINT, "The key."),),
    role=Role.LOG,
)  # fmt: skip
PROOF = Model(
    name="proof",
    sql="SELECT model, NULL::TIMESTAMPTZ AS as_of, count(*)::VARCHAR AS verdict FROM ops.lineage GROUP BY model",
    description="One row a mart.",
    columns={"model": "The mart.", "as_of": "As of when.", "verdict": "What it rests on."},
)
HEAVY = Model(
    name="heavy",
    sql="SELECT t.id, t.name, $zone AS zone FROM live.things t LEFT JOIN every.orders o ON o.thing_id = t.id"
    " WHERE t.weight > 9",
    description="One row a heavy thing.",
    columns={"id": "The thing.", "name": "What it is called.", "zone": "The reports' time zone."},
    dated_by=("things",),
)
ABOVE = Model(
    name="above",
    sql="SELECT h.* EXCLUDE (as_of, verdict) FROM marts.heavy h",
    description="One row a heavy thing again.",
    dated_by=("things",),
)
KEPT = Model(
    name="weights",
    sql="SELECT t.id AS thing_id, t.weight * 2 AS doubled FROM every.things t SEMI JOIN wanted ON wanted.key = t.id",
    description="One row a thing.",
    columns={"thing_id": "The thing.", "doubled": "Twice its weight."},
    key="thing_id",
    source="every.things",
)
DEFINED = Definitions(
    endpoints={endpoint.name: endpoint for endpoint in (THINGS, ORDERS, LOG)},
    models=(ABOVE, HEAVY, PROOF, KEPT),
    zone="Europe/Paris",
    first=("id", "name"),
)


class Shelf:
    """A warehouse with a table `things`, and the views over it."""

    def __init__(self, folder: Path) -> None:
        self.warehouse = FileWarehouse(folder / "shelf.duckdb", lock_seconds=30)
        self.definitions = DEFINED
        books = ", ".join(f"{name} {kind}" for name, kind in BOOKKEEPING.items())
        with self.session() as session:
            session.run("test", "CREATE SCHEMA ops")
            session.run("test", f"CREATE TABLE things (id BIGINT, weight DOUBLE, name VARCHAR, {books})")
            session.run("test", "INSERT INTO things (id, weight, name) VALUES (1, 10, 'anvil'), (2, 1, 'feather')")
            session.run("test", "INSERT INTO things (id, weight, _deleted_at) VALUES (3, 99, '2026-01-01 00:00:00+00')")

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A transaction."""
        with self.warehouse.write("shelf") as session, transaction(session):
            yield session

    def build(self, **changed: Any) -> frozenset[str]:
        """Make the views, by other definitions if told so."""
        self.definitions = replace(self.definitions, **changed)
        with self.session() as session:
            return build_views(session, self.definitions)

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Anything."""
        with self.session() as session:
            return session.run("test", sql)

    def columns(self, relation: str) -> list[str]:
        """The columns of a relation, in order."""
        return [name for name, *_ in self.run(f"DESCRIBE {relation}")]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """A warehouse whose views are made."""
    shelf = Shelf(tmp_path)
    shelf.build()
    return shelf


def test_live_leaves_deleted_rows_and_bookkeeping_out_and_every_says_which_are_gone(shelf: Shelf) -> None:
    assert shelf.run("FROM live.things ORDER BY id") == [(1, "anvil", 10.0), (2, "feather", 1.0)]
    assert shelf.run("SELECT id, is_deleted FROM every.things ORDER BY id") == [(1, False), (2, False), (3, True)]


def test_the_columns_that_people_look_for_come_first(shelf: Shelf) -> None:
    assert shelf.columns("live.things") == ["id", "name", "weight"]
    assert shelf.columns("every.things") == ["id", "name", "weight", "is_deleted", *BOOKKEEPING]


def test_an_endpoint_that_was_never_read_is_an_empty_view_with_its_declared_columns(shelf: Shelf) -> None:
    assert shelf.run("FROM live.orders") == shelf.run("FROM every.orders") == []
    assert [row[:2] for row in shelf.run("DESCRIBE live.orders")] == [("id", "BIGINT"), ("thing_id", "BIGINT")]


def test_a_table_that_comes_later_takes_the_place_of_the_empty_view(shelf: Shelf) -> None:
    shelf.run("CREATE TABLE orders (id BIGINT, thing_id BIGINT, _deleted_at TIMESTAMPTZ)")
    assert shelf.build() == {"orders"}
    shelf.run("INSERT INTO orders VALUES (7, 1, NULL)")
    assert shelf.run("FROM live.orders") == [(7, 1)]
    assert shelf.run("SELECT _first_seen_at FROM every.orders") == [(None,)]


def test_a_column_that_a_load_adds_is_in_the_views_after_it(shelf: Shelf) -> None:
    shelf.run("ALTER TABLE things ADD COLUMN colour VARCHAR")
    assert shelf.build() == {"things"}
    assert shelf.columns("live.things") == ["id", "name", "weight", "colour"]


def test_a_declared_column_that_the_table_has_not_yet_is_null(shelf: Shelf) -> None:
    declared = replace(THINGS, columns=(*THINGS.columns, Column("colour", ColumnType.VARCHAR, "Its colour.")))
    shelf.build(endpoints={**DEFINED.endpoints, "things": declared})
    assert shelf.run("SELECT id, colour FROM live.things ORDER BY id") == [(1, None), (2, None)]


def test_a_column_that_an_older_version_made_has_the_declared_type(shelf: Shelf) -> None:
    shelf.run("ALTER TABLE things ALTER COLUMN weight SET DATA TYPE VARCHAR")
    assert shelf.build() == {"things"}
    assert shelf.run("SELECT weight FROM live.things ORDER BY id") == [(10.0,), (1.0,)]


def test_marts_read_each_other_in_whatever_order_they_are_declared(shelf: Shelf) -> None:
    assert shelf.run("SELECT id, name, zone FROM marts.above") == [(1, "anvil", "Europe/Paris")]


def test_each_row_of_a_mart_carries_its_proof(shelf: Shelf) -> None:
    assert shelf.columns("marts.heavy")[-2:] == ["as_of", "verdict"]
    assert shelf.run("SELECT verdict FROM marts.heavy") == [("2",)]


def test_the_lineage_goes_through_other_models_and_tells_what_each_list_is_for(shelf: Shelf) -> None:
    assert shelf.run("FROM ops.lineage ORDER BY ALL") == [
        ("above", "orders", False, False, False),
        ("above", "things", True, True, False),
        ("heavy", "orders", False, False, False),
        ("heavy", "things", True, True, False),
    ]


def test_a_second_build_writes_nothing(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    before = shelf.warehouse.path.read_bytes()
    executed: list[str] = []
    execute = Session.execute

    def note(session: Session, step: str, sql: str) -> duckdb.DuckDBPyConnection:
        executed.append(sql)
        return execute(session, step, sql)

    monkeypatch.setattr(Session, "execute", note)
    assert shelf.build() == frozenset()
    assert {sql.split()[0] for sql in executed} == {"BEGIN", "SELECT", "COMMIT"}
    assert shelf.warehouse.path.read_bytes() == before


@pytest.mark.parametrize(
    ("changed", "made"),
    [
        ({"zone": "UTC"}, {"kept", "marts"}),
        ({"models": (HEAVY, PROOF, KEPT)}, {"marts"}),
        ({"models": (ABOVE, replace(HEAVY, description="Other words."), PROOF, KEPT)}, {"marts"}),
        ({"models": (ABOVE, HEAVY, PROOF, replace(KEPT, sql=KEPT.sql.replace("* 2", "* 3")))}, {"kept", "marts"}),
        ({"first": ("weight",)}, {"things", "orders", "log"}),
        ({"endpoints": {**DEFINED.endpoints, "log": replace(LOG, description="Another.")}}, {"log"}),
        ({"endpoints": {"things": THINGS, "orders": ORDERS}}, {"marts"}),
    ],
    ids=["zone", "a model less", "a description", "a kept table", "the order", "an endpoint", "an endpoint less"],
)
def test_what_is_changed_is_made_anew_and_nothing_else(
    shelf: Shelf, changed: Mapping[str, Any], made: set[str]
) -> None:
    assert shelf.build(**changed) == made
    assert shelf.build() == frozenset()


@pytest.mark.parametrize(
    "drop",
    ["VIEW marts.heavy", "VIEW live.things", "TABLE kept.weights", "SCHEMA every CASCADE", "VIEW ops.lineage",
     "TABLE ops.views"],
)  # fmt: skip
def test_what_someone_dropped_comes_back(shelf: Shelf, drop: str) -> None:
    shelf.run(f"DROP {drop}")
    assert shelf.build()
    assert shelf.run("SELECT id FROM marts.above") == [(1,)]
    assert shelf.run("SELECT count(*) FROM kept.weights") == [(3,)]
    assert shelf.build() == frozenset()


def test_a_model_that_no_file_defines_any_more_is_dropped(shelf: Shelf) -> None:
    shelf.build(models=(HEAVY, PROOF))
    for relation in ("marts.above", "kept.weights"):
        with pytest.raises(LoadFailed):
            shelf.run(f"FROM {relation}")


def test_a_view_that_someone_else_put_among_the_marts_is_left_alone(shelf: Shelf) -> None:
    shelf.run("CREATE VIEW marts.mine AS SELECT 5 AS five")
    shelf.build(models=(HEAVY, PROOF, KEPT), zone="UTC")
    assert shelf.run("FROM marts.mine") == [(5,)]


def test_a_column_that_is_called_as_ours_hides_neither(shelf: Shelf) -> None:
    shelf.run("ALTER TABLE things ADD COLUMN Is_Deleted VARCHAR DEFAULT 'no'")
    shelf.build()
    assert shelf.run("SELECT Is_Deleted FROM live.things WHERE id = 1") == [("no",)]
    assert shelf.run('SELECT is_deleted, "is_deleted (sent)" FROM every.things WHERE id = 3') == [(True, "no")]


def test_every_table_view_and_column_is_described(shelf: Shelf) -> None:
    said = dict(
        shelf.run(
            "SELECT schema_name || '.' || view_name, comment FROM duckdb_views() WHERE NOT internal UNION ALL"
            " SELECT schema_name || '.' || table_name, comment FROM duckdb_tables()"
        )
    )
    assert said["main.things"] == said["live.things"] == "What there is."
    assert said["marts.heavy"] == "One row a heavy thing."
    assert [name for name, comment in said.items() if not comment and not name.startswith("ops.")] == []
    columns = shelf.run(
        "SELECT schema_name, table_name, column_name, comment FROM duckdb_columns()"
        " WHERE database_name = current_database() AND NOT internal AND schema_name <> 'ops'"
    )
    assert [column for *column, comment in columns if not comment] == []
    assert ("marts", "above", "name", "What it is called.") in columns
    assert ("main", "things", "name", "What it's called.") in columns


def test_an_engine_that_keeps_no_comments_gets_none(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.build(comments=False)
    assert shelf.run("SELECT comment FROM duckdb_views() WHERE view_name = 'heavy'") == [(None,)]


def test_views_comments_and_kept_tables_survive_compacting(shelf: Shelf) -> None:
    everything = (
        "FROM duckdb_columns() SELECT schema_name, table_name, column_name, comment WHERE NOT internal ORDER BY ALL"
    )
    before = shelf.run(everything)
    shelf.warehouse.compact()
    assert shelf.run(everything) == before
    assert shelf.build() == frozenset()
    assert shelf.run("SELECT id FROM marts.above") == [(1,)]


def test_views_answer_under_whatever_name_the_file_is_opened(shelf: Shelf, tmp_path: Path) -> None:
    copy = tmp_path / "other name.duckdb"
    copy.write_bytes(shelf.warehouse.path.read_bytes())
    with duckdb.connect(copy, read_only=True) as connection:
        assert connection.execute("SELECT id FROM marts.above").fetchall() == [(1,)]
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{copy}' AS mine (READ_ONLY)")
        assert connection.execute("SELECT id FROM mine.marts.above").fetchall() == [(1,)]


def test_a_failed_build_leaves_everything_as_it_was(shelf: Shelf) -> None:
    wrong = replace(HEAVY, sql="SELECT nothing FROM live.things")
    with pytest.raises(LoadFailed, match=r"while making marts\.heavy"):
        shelf.build(models=(ABOVE, wrong, PROOF, KEPT))
    assert shelf.run("SELECT id FROM marts.above") == [(1,)]


def test_what_makes_views_knows_no_word_of_the_account() -> None:
    words = re.compile(r"\b(leads?|deals?|customers?|follow_ups?|webhooks?|pipelines?)\b", re.IGNORECASE)
    for module in (models, kept, views):
        assert module.__file__
        assert not words.findall(Path(module.__file__).read_text("utf-8"))
