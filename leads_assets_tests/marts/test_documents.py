"""The pages about the schema are those that the declarations make, and the questions are answered as they stand."""

import importlib
import re
from pathlib import Path

import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.cli.documents import main, pages
from leads_assets.marts.catalogue import file_models
from leads_assets_tests.harness.books import Books
from leads_assets_tests.harness.known import known_account

pytestmark = [pytest.mark.socket, pytest.mark.marts]

DOCS = Path(__file__).parents[2] / "docs"
QUERIES = (DOCS / "queries.md").read_text("utf-8")
QUESTIONS = re.findall(r"^\*\*([^*\n]+)\*\*[^\n]*\n```sql\n([^`]+)```", QUERIES, re.MULTILINE)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """The known account."""
    return known_account(tmp_path_factory.mktemp("known"))


def test_there_are_ten_questions() -> None:
    assert len(QUESTIONS) == 10


@pytest.mark.parametrize(("question", "sql"), QUESTIONS, ids=[question for question, _ in QUESTIONS])
def test_a_question_is_answered_in_one_to_four_lines(known: Books, question: str, sql: str) -> None:
    assert 1 <= len(sql.splitlines()) <= 4
    known.rows(sql)


@pytest.mark.parametrize("name", ["schema.md", "sources.yml"])
def test_a_page_is_what_the_declarations_make(name: str) -> None:
    assert (DOCS / name).read_text("utf-8") == pages()[name]


def test_the_program_writes_the_pages(tmp_path: Path) -> None:
    main(str(tmp_path))
    assert {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()} == pages()


def test_the_diagram_has_each_list_and_each_reference() -> None:
    diagram = pages()["schema.md"].partition("```mermaid")[2].partition("```")[0]
    for endpoint in ENDPOINTS.values():
        assert f"    {endpoint.name} {{\n        BIGINT id PK" in diagram
        for column in endpoint.references:
            assert f"    {endpoint.name} }}o--o| {column.references} : {column.name}\n" in diagram


def test_the_sources_are_yaml_and_name_every_view(known: Books) -> None:
    yaml = importlib.import_module("yaml")
    told = {
        (source["name"], table["name"])
        for source in yaml.safe_load(pages()["sources.yml"])["sources"]
        for table in source["tables"]
    }
    marts = {("marts", model.name) for model in file_models() if not model.key}
    assert told == {("live", name) for name in ENDPOINTS} | marts
    assert all(known.rows(f"DESCRIBE {schema}.{name}") for schema, name in told)
