"""The SQL files: what they may say, and that they say what each column means."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.engine.warehouse.models import Model, ModelError, lineages, parse_model, relations_read
from leads_assets.marts.catalogue import file_models, kept_models
from leads_assets_tests.harness.books import Books
from leads_assets_tests.harness.known import known_account

pytestmark = pytest.mark.socket

MODELS = file_models()
MARTS = [model for model in MODELS if not model.key]
CLOCKS = {
    "now", "today", "get_current_timestamp", "transaction_timestamp", "current_localtime", "current_localtimestamp",
    "current_date", "age", "random", "uuid", "gen_random_uuid", "get_current_time",
}  # fmt: skip
OTHER_ZONES = {"actions_due": {"p.zone"}}
LEDGERS = {"ops.sync_runs", "ops.freshness", "ops.changes", "ops.lineage"}
NAMES = [
    "actions_due", "clock", "data_quality", "funnel", "lead_fields", "lead_history", "lead_steps", "lead_tags", "leads",
    "outcomes", "owners", "pipeline_daily", "proof", "step_flow", "stuck_leads", "user_days",
]  # fmt: skip

each_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.relation)
each_mart = pytest.mark.parametrize("model", MARTS, ids=lambda model: model.name)


@pytest.fixture(scope="module")
def parser() -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB, for its parser."""
    with duckdb.connect() as connection:
        yield connection


def functions(parser: duckdb.DuckDBPyConnection, model: Model) -> list[dict[str, Any]]:
    """Every call of a function in a model, operators too, as DuckDB's parser sees it."""
    serialized = parser.execute("SELECT json_serialize_sql($1::VARCHAR)", [model.sql]).fetchall()[0][0]
    found: list[dict[str, Any]] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("class") == "FUNCTION":
                found.append(node)
            node = list(node.values())
        if isinstance(node, list):
            for part in node:
                walk(part)

    walk(json.loads(serialized)["statements"])
    return found


def test_the_models_are_those_that_were_designed() -> None:
    assert sorted(model.name for model in MARTS) == NAMES
    assert [model.name for model in kept_models()] == ["lead_events", "lead_history", "lead_steps", "lead_fields"]


@each_model
def test_no_model_asks_what_time_it_is(parser: duckdb.DuckDBPyConnection, model: Model) -> None:
    assert not {call["function_name"] for call in functions(parser, model)} & CLOCKS
    assert not re.search(r"\b(current_(date|time|timestamp)|localtime(stamp)?)\b", model.sql, re.IGNORECASE)


@each_model
def test_a_time_becomes_a_day_in_the_reports_zone_only(model: Model) -> None:
    zones = set(re.findall(r"AT TIME ZONE (\S+?)[ ),]", model.sql))
    assert zones - OTHER_ZONES.get(model.name, set()) <= {"$zone"}
    assert not re.findall(r"\w+_at(?:::DATE| AS DATE\))", model.sql)


@each_model
def test_times_are_subtracted_as_seconds(parser: duckdb.DuckDBPyConnection, model: Model) -> None:
    for call in functions(parser, model):
        if call["function_name"] == "epoch":
            assert '"function_name": "-"' not in json.dumps(call["children"])
        if call["function_name"] == "-" and len(call["children"]) == 2:
            ends = [child.get("column_names", [""])[-1] for child in call["children"]]
            assert not [name for name in ends if name.endswith("_at")]


@each_model
def test_models_read_views_and_the_ledger_never_tables(parser: duckdb.DuckDBPyConnection, model: Model) -> None:
    read = relations_read(parser, model.sql)
    assert {name for name in read if not name.startswith(("live.", "every.", "marts.", "kept."))} <= LEDGERS
    assert {name.partition(".")[2] for name in read if name.startswith(("live.", "every."))} <= ENDPOINTS.keys()


@each_mart
def test_no_mart_counts_deleted_rows(parser: duckdb.DuckDBPyConnection, model: Model) -> None:
    assert not relations_read(parser, model.sql) & {"every.leads", "every.follow_ups", "every.webhook_events"}


@each_mart
def test_wherever_there_is_an_amount_there_is_its_currency(model: Model) -> None:
    if any("amount" in column and "without" not in column for column in model.columns):
        assert "currency" in model.columns


@each_mart
def test_each_mart_says_whose_reads_date_it(model: Model) -> None:
    assert model.dated_by or model.name == "proof"
    assert set(model.dated_by) <= ENDPOINTS.keys()


@pytest.mark.parametrize("relation", [model.relation for model in MODELS])
def test_every_column_is_described_in_its_order(known: Books, relation: str) -> None:
    (model,) = (model for model in MODELS if model.relation == relation)
    columns = [name for name, *_ in known.rows(f"DESCRIBE {relation}")]
    if relation == "marts.leads":
        assert [name for name in columns if not name.startswith("field_")][:-2] == [*model.columns]
    else:
        assert [name for name in columns if name not in ("as_of", "verdict") or name in model.columns] == [
            *model.columns
        ]
    assert {"as_of", "verdict"} <= set(columns) or model.key


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """The known account."""
    return known_account(tmp_path_factory.mktemp("known"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("SELECT 1", "the first line must be a comment"),
        ("-- id: The thing.\nSELECT 1", "the first line must be a comment"),
        ("-- One row a thing.\n-- whatever\nSELECT 1", "must be `-- column: meaning`"),
        ("-- One row a thing.\n-- id: One.\n-- id: Two.\nSELECT 1", "once a column"),
        ("-- One row a thing.\n-- kept by: id\nSELECT 1", "must name a column and a relation"),
    ],
)
def test_a_file_without_its_head_is_refused(text: str, why: str) -> None:
    with pytest.raises(ModelError, match=re.escape(why)):
        parse_model("things", text)


def model(name: str, sql: str) -> Model:
    """A model without columns."""
    return Model(name=name, sql=sql, description="One row a thing.")


def test_models_are_made_after_those_that_they_read(parser: duckdb.DuckDBPyConnection) -> None:
    a = model("a", "WITH live AS (FROM marts.c) SELECT * FROM live JOIN (FROM marts.b) USING (id)")
    b, c = (
        model("b", "SELECT id FROM every.things"),
        model("c", "SELECT id FROM live.orders ANTI JOIN marts.b USING (id)"),
    )
    found = lineages(parser, [a, b, c])
    assert [*found] == ["marts.b", "marts.c", "marts.a"]
    assert found["marts.a"].endpoints == ("orders", "things")


@pytest.mark.parametrize(
    ("models", "why"),
    [
        ([model("a", "FROM marts.b")], "marts.a reads marts.b, which no file defines"),
        ([model("a", "FROM marts.b"), model("b", "FROM marts.a")], "models read each other"),
        ([model("a", "SELECT 1; SELECT 2")], "not one SELECT statement"),
        ([model("a", "DROP TABLE x")], "Only SELECT statements can be serialized"),
    ],
)
def test_models_that_cannot_be_made_are_refused(
    parser: duckdb.DuckDBPyConnection, models: list[Model], why: str
) -> None:
    with pytest.raises(ModelError, match=why):
        lineages(parser, models)


def test_a_model_is_one_file_and_one_statement(parser: duckdb.DuckDBPyConnection) -> None:
    folder = Path(__file__).parents[2] / "leads_assets" / "marts"
    assert len([*folder.rglob("*.sql")]) == len(MODELS)
    assert lineages(parser, MODELS_AND_FIELDS)


MODELS_AND_FIELDS = (*MODELS, model("lead_field_columns", "SELECT lead_id FROM marts.lead_fields"))
