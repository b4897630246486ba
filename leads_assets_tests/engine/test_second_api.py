"""The engine reads an API that it never met: one dialect and two endpoints, and no change elsewhere."""

import ast
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

import leads_assets
from leads_assets_tests.harness.shop import TOKEN, Shop, open_shop

pytestmark = pytest.mark.socket

PAGE = Path(leads_assets.__file__).parents[1] / "docs" / "second-api.md"
WORDS = {"per_page", "skip", "sort_by", "sort_way", "touched_from"}


def _script() -> str:
    (script,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return str(script)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    with open_shop() as shop:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("SHOP_URL", shop.base_url)
        monkeypatch.setenv("SHOP_TOKEN", TOKEN)
        yield shop


def _run(capsys: pytest.CaptureFixture[str]) -> list[str]:
    exec(compile(_script(), str(PAGE), "exec"), {"__name__": "shop"})
    return capsys.readouterr().out.splitlines()


def _rows(sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect("shop.duckdb", read_only=True) as connection:
        return connection.execute(sql).fetchall()


def _change(shop: Shop, *numbers: int) -> None:
    for number in numbers:
        shop.books[number] |= {"price": "9.99", "touchedOn": "2026-02-03T04:05:06Z"}


def test_both_lists_are_in_duckdb_as_the_server_has_them_and_proven(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(capsys) == ["shelves: full, proven , 7 rows", "books: full, proven , 237 rows"]
    assert _rows("SELECT id, room FROM shelves ORDER BY id") == [(n, f"Room {n}") for n in range(1, 8)]
    assert _rows("SELECT id, title, price FROM books ORDER BY id") == [
        (number, f"Volume {number}", Decimal(f"{number}.2500")) for number in range(1, 238)
    ]


def test_it_is_asked_in_its_own_words_only(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    _run(capsys)
    assert {path for path, _ in shop.asked} == {"/rest/shelves", "/rest/catalogue/books"}
    assert {word for _, query in shop.asked for word in query} <= WORDS
    assert any(query.get("sort_way") == "down" for _, query in shop.asked)
    assert shop.refused == 0


def test_after_a_proven_read_only_what_changed_is_read(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    _run(capsys)
    _change(shop, 5, 77, 236)
    before = len(shop.asked)
    assert _run(capsys)[1].startswith("books: incremental, ")
    assert any("touched_from" in query for _, query in shop.asked[before:])
    assert _rows("SELECT id FROM books WHERE price = 9.99 ORDER BY id") == [(5,), (77,), (236,)]
    assert sorted(_rows("SELECT DISTINCT id FROM ops.changes")) == [(5,), (77,), (236,)]


def test_what_is_gone_from_a_list_is_marked_and_nothing_else(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    _run(capsys)
    del shop.shelves[3]
    assert _run(capsys)[0] == "shelves: full, proven , 6 rows"
    assert _rows("SELECT id FROM shelves WHERE _deleted_at IS NOT NULL") == [(3,)]


def test_a_wait_that_it_asks_for_in_its_own_header_is_understood(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.pauses = 1
    assert _run(capsys)[0] == "shelves: full, proven , 7 rows"
    ((waited,),) = _rows("SELECT seconds_waited FROM ops.sync_runs WHERE endpoint = 'shelves'")
    assert waited >= 1


def test_a_refused_key_is_an_error_that_names_the_setting_and_no_variable(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "wrong")
    with pytest.raises(leads_assets.ApiError, match=r"^shelves: HTTP 401 .*the setting `api_key`"):
        _run(capsys)


def test_the_page_uses_public_names_only() -> None:
    nodes = list(ast.walk(ast.parse(_script())))
    ours = [node for node in nodes if isinstance(node, ast.ImportFrom) and "leads_assets" in str(node.module)]
    assert [node.module for node in ours] == ["leads_assets"]
    assert {alias.name for alias in ours[0].names} <= set(leads_assets.__all__)
    called = [node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    assert (called.count("Dialect"), called.count("Endpoint")) == (1, 2)
