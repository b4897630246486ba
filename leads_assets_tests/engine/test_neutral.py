"""The engine knows no account: none of its words stands in it, and its messages name settings, not variables."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from leads_assets import engine
from leads_assets.account.changes import EVENTS
from leads_assets.account.dialect import DIALECT, ORDERING
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.account.settings import Settings, in_variables, variables

pytestmark = pytest.mark.unit

MODULES = sorted(Path(engine.__file__).parent.rglob("*.py"))
SETTING = re.compile(r"setting `(\w+)`")

OWN_NAME = re.compile(r"leads[-_]assets")
PLAIN_ENGLISH = {"steps", "categories", "fields", "users", "teams", "activities"}
"""Names of lists that the engine may use as what they are: ordinary words."""
OF_ANY_API = {
    *("id", "order", "direction", "asc", "desc", "limit", "offset", "total", "type", "Retry-After", "true"),
    *("created_at", "missing_parameter"),
}
"""What this account's dialect and declarations share with the defaults of any other, or with the engine's own words."""
NOUNS = {"lead", "leads", "follow_up", "prospect", "webhook", "pipeline", "spreadsheet", "client_folder", "LEADS"}


def words_of_the_account() -> set[str]:
    """Each name, path, parameter and header by which this account is declared, and its nouns."""
    lists = ENDPOINTS.values()
    found = {*ENDPOINTS, *(endpoint.path for endpoint in lists), *EVENTS.announces, *variables(), *NOUNS}
    for endpoint in lists:
        found |= {endpoint.cursor_field or "", endpoint.created_field or "", endpoint.change_filter or ""}
        found |= {*endpoint.params, *endpoint.params.values()}
        found |= {endpoint.fan_out.parameter, endpoint.fan_out.column} if endpoint.fan_out else set()
    found |= {DIALECT.key_header, DIALECT.total_header, DIALECT.missing_parameter, DIALECT.connection_path}
    found |= {DIALECT.limit, DIALECT.offset, DIALECT.total_key, DIALECT.error_type, *DIALECT.wait_headers}
    found |= {ORDERING.order, ORDERING.direction, ORDERING.by_id, ORDERING.by_change}
    return found - {""} - PLAIN_ENGLISH - OF_ANY_API - {f"/{name}" for name in PLAIN_ENGLISH}


def split(text: str) -> str:
    """The words of an identifier, a path or a sentence, in small letters, between blanks."""
    return f" {' '.join(re.findall(r'[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+', text)).lower()} "


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Each identifier and each string literal of a module, docstrings included, with its line."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield line, node.value
        for name in ("id", "attr", "name", "arg", "asname", "module"):
            text = getattr(node, name, None)
            if isinstance(text, str):
                yield line, text


def strangers(source: str) -> set[tuple[int, str]]:
    """Line and word of each word of the account."""
    banned = {word: split(word) for word in words_of_the_account()}
    return {
        (line, word)
        for line, text in texts(ast.parse(source))
        for word, words in banned.items()
        if words in split(OWN_NAME.sub("", text))
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_word_of_the_account_stands_in_the_engine(path: Path) -> None:
    assert not strangers(path.read_text())


@pytest.mark.parametrize(
    "source",
    [
        "class LeadsError: ...",
        "def on_lead(): ...",
        "import x as follow_ups",
        "f(webhook_events=1)",
        "HEADER = 'X-API-KEY'",
        "row.updated_at",
        "say(f'{n} in LEADS_WAREHOUSE')",
        "get('/ping')",
        "SORT = 'last_update'",
        "TOTAL = 'X-TOTAL-COUNT'",
        '"""Reads the leads."""',
    ],
)
def test_a_word_of_the_account_is_found_wherever_it_stands(source: str) -> None:
    assert strangers(source)


@pytest.mark.parametrize("source", ["import leads_assets.engine", "misleading = follow + up", "say('steps', 'limit')"])
def test_the_package_s_name_and_plain_english_are_no_words_of_the_account(source: str) -> None:
    assert not strangers(source)


def test_each_setting_that_the_engine_names_is_one_that_a_user_can_set() -> None:
    named = {
        name for path in MODULES for _, text in texts(ast.parse(path.read_text())) for name in SETTING.findall(text)
    }
    assert {"base_url", "api_key", "daily_requests", "whole_lists", "warehouse", "lock_seconds"} <= named
    assert named <= Settings.model_fields.keys()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("set the setting `lock_seconds` higher", "set LEADS_WAREHOUSE_LOCK_SECONDS higher"),
        ("used up (setting `daily_requests`)", "used up (LEADS_API_DAILY_REQUESTS)"),
        ("the setting `of_somebody` else", "the setting `of_somebody` else"),
        ("the setting `base_url` and the setting `api_key`", "LEADS_API_BASE_URL and LEADS_API_KEY"),
    ],
)
def test_a_user_reads_the_variable_in_the_place_of_the_setting(said: str, told: str) -> None:
    assert in_variables(said) == told
