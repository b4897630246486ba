"""Unknown fields become columns, values that do not fit stay beside them, and older tables are brought up to date."""

import json
from dataclasses import replace
from typing import Any

import pytest

from leads_assets.engine.declare import Column, ColumnType
from leads_assets.engine.records import encoder as screen
from leads_assets.engine.records.encoder import MOST_FIELDS
from leads_assets.engine.warehouse.casts import MOST_COLUMNS
from leads_assets.engine.warehouse.errors import LoadFailed
from leads_assets.engine.warehouse.load import LoadOptions
from leads_assets_tests.harness.desk import THINGS, WarehouseHarness

pytestmark = pytest.mark.socket

FREEZE = LoadOptions(evolve=False)


def columns(desk: WarehouseHarness, table: str = "things") -> dict[str, str]:
    """Column name to type."""
    return dict(desk.rows(f"SELECT column_name, column_type FROM (DESCRIBE main.{table})"))


def test_an_unknown_field_becomes_a_column_whose_type_holds_all_its_values(desk: WarehouseHarness) -> None:
    values: dict[str, list[Any]] = {
        "b": [True, None, False],
        "i": [1, 2**63 - 1, None],
        "d": [1, 1.5, None],
        "t": ["x", "2024-01-01", None],
        "big": [1, 10**30, 2],
        "near": [1.5, 2**53 + 1, None],
        "mixed": [1, "x", True],
        "o": [{"a": 1}, [], None],
        "bi": [True, 1, None],
    }
    desk.load([{"id": n} | {name: listed[n] for name, listed in values.items()} for n in range(3)])
    kinds = columns(desk)
    assert {name: kinds[name] for name in values} == {
        "b": "BOOLEAN",
        "i": "BIGINT",
        "d": "DOUBLE",
        "t": "VARCHAR",
        "big": "JSON",
        "near": "JSON",
        "mixed": "JSON",
        "o": "JSON",
        "bi": "JSON",
    }
    assert desk.rows("SELECT i, big, near, _extra FROM things WHERE id = 1") == [
        (2**63 - 1, str(10**30), str(2**53 + 1), None)
    ]


def test_the_odd_value_may_come_last_of_thousands(desk: WarehouseHarness) -> None:
    desk.load([{"id": n, "new": n} for n in range(3000)] + [{"id": 3000, "new": 0.5}])
    assert columns(desk)["new"] == "DOUBLE"
    assert desk.row("SELECT sum(new) FROM things") == (sum(range(3000)) + 0.5,)


def test_a_later_value_that_the_new_column_refuses_stays_in_extra_and_is_counted(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "new": 1}, {"id": 2, "new": 2}])
    result = desk.load([{"id": 1, "new": 1.5}, {"id": 2, "new": 10**30}])
    assert result.row.misfits == {"new": 2}
    assert desk.rows("SELECT id, new, CAST(_extra AS VARCHAR) FROM things ORDER BY id") == [
        (1, None, '{"new":1.5}'),
        (2, None, f'{{"new":{10**30}}}'),
    ]


def test_a_long_integer_is_never_rounded_into_a_column_of_doubles(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "new": 1.5}])
    desk.load([{"id": 1, "new": 123456789012345678901234567890}])
    assert desk.row("SELECT new, CAST(_extra AS VARCHAR) FROM things") == (
        None,
        '{"new":123456789012345678901234567890}',
    )


def test_new_columns_are_told_with_their_types(desk: WarehouseHarness) -> None:
    result = desk.load([{"id": 1, "new": 1, "empty": None}])
    assert result.row.new_columns == {"new": "BIGINT"}
    assert "empty" not in columns(desk)


def test_frozen_tables_keep_unknown_fields_in_extra_and_count_nothing(desk: WarehouseHarness) -> None:
    result = desk.load([{"id": 1, "new": 1, "other": {"a": [1.50]}}, {"id": 2}], FREEZE)
    assert "new" not in columns(desk)
    assert result.row.misfits == {}
    assert desk.rows("SELECT CAST(_extra AS VARCHAR) FROM things ORDER BY id") == [
        ('{"new":1,"other":{"a":[1.5]}}',),
        (None,),
    ]


def test_freezing_keeps_filling_the_columns_that_are_there(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "new": 1}])
    desk.load([{"id": 1, "new": 2, "newer": 3}], FREEZE)
    assert desk.row("SELECT new, CAST(_extra AS VARCHAR) FROM things") == (2, '{"newer":3}')


NAMES = [
    "select",
    "it's",
    "a.b.c",
    "with space",
    "x" * 200,
    "'); DROP TABLE things; --",
    "ünïcödé",
    "$1",
    "?",
    "{curly}",
    "%s",
    "rowid",
    "filename",
    "s",
    "t",
    "existed",
    "_hidden",
    "🚀",
]


def test_any_field_name_is_safe(desk: WarehouseHarness) -> None:
    record = {"id": 1} | {name: n for n, name in enumerate(NAMES)}
    desk.load([record])
    result = desk.load([record])
    assert (result.row.inserted, result.row.updated) == (0, 0)
    desk.load([record | dict.fromkeys(NAMES, "changed")])
    kinds = columns(desk)
    assert {name: kinds.get(name) for name in NAMES} == dict.fromkeys(NAMES, "BIGINT")
    assert json.loads(desk.row("SELECT _extra FROM things")[0]) == dict.fromkeys(NAMES, "changed")


def test_field_names_that_no_column_can_have_stay_in_extra(desk: WarehouseHarness) -> None:
    names = [
        "",
        " padded ",
        "line\nbreak",
        "nul\x00",
        "y" * 300,
        'say "hi"',
        '"; DROP SCHEMA ops; --',
        "back\\slash",
        "file_row_number",
    ]
    desk.load([{"id": 1} | dict.fromkeys(names, 1)])
    assert json.loads(desk.row("SELECT _extra FROM things")[0]) == dict.fromkeys(names, 1)


def test_names_that_differ_only_in_case_keep_one_column_and_lose_nothing(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "New": 1, "new": 2, "WHOLE": 3, "whole": 4}])
    assert desk.row('SELECT "New", whole, CAST(_extra AS VARCHAR) FROM things') == (1, 4, '{"new":2,"WHOLE":3}')
    desk.load([{"id": 2, "NEW": 5}])
    assert desk.row('SELECT "New", CAST(_extra AS VARCHAR) FROM things WHERE id = 2') == (None, '{"NEW":5}')


def test_fields_named_like_our_own_columns_stay_in_extra(desk: WarehouseHarness) -> None:
    ours = {
        "_extra": {"a": 1},
        "_First_seen_at": 5,
        "_synced_at": "never",
        "_deleted_at": "2024-01-01T00:00:00Z",
        "_RUN_ID": 7,
    }
    desk.load([{"id": 1} | ours])
    extra, deleted, run = desk.row("SELECT _extra, _deleted_at, _run_id FROM things")
    assert (json.loads(extra), deleted, run) == (ours, None, "run 1")


def test_fields_named_like_a_renamed_column_stay_in_extra(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "client_folder_id": 5, "customer_id": 6}], endpoint="leads")
    assert desk.row("SELECT customer_id, CAST(_extra AS VARCHAR) FROM leads") == (5, '{"customer_id":6}')


def test_a_map_with_open_keys_is_no_set_of_columns(desk: WarehouseHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    assert screen.MOST_FIELDS == 200
    monkeypatch.setattr(screen, "MOST_FIELDS", 20)
    desk.load([{"id": 1} | {f"key {n}": n for n in range(70)}])
    kinds = columns(desk)
    assert sum(name.startswith("key ") for name in kinds) == 20
    assert json.loads(desk.row("SELECT _extra FROM things")[0]) == {f"key {n}": n for n in range(20, 70)}


def test_a_field_that_disappears_keeps_its_column(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "new": 1}, {"id": 2, "new": 2}])
    desk.load([{"id": 1}])
    assert desk.rows("SELECT id, new FROM things ORDER BY id") == [(1, None), (2, 2)]


def test_a_misfit_that_fits_again_leaves_extra(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "whole": "many"}])
    desk.load([{"id": 1, "whole": 5}])
    assert desk.row("SELECT whole, _extra FROM things") == (5, None)


def test_a_column_that_was_renamed_takes_its_values_along(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "whole": 5}, {"id": 2, "whole": 6}])
    others = tuple(column for column in THINGS.columns if column.name != "whole")
    renamed = Column("entire", ColumnType.BIGINT, "Renamed.", key="whole", formerly=("integer", "whole"))
    desk.load([{"id": 1, "whole": 7}], endpoint=replace(THINGS, columns=(*others, renamed)), verdict="unproven")
    assert desk.rows("SELECT id, entire FROM things ORDER BY id") == [(1, 7), (2, 6)]
    assert "whole" not in columns(desk)


def with_type(name: str, kind: ColumnType) -> tuple[Column, ...]:
    """The columns of THINGS, one of them of another type."""
    return tuple(replace(column, type=kind) if column.name == name else column for column in THINGS.columns)


def test_a_declared_type_that_holds_all_old_values_is_taken_over(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "whole": 5, "money": 1.25}])
    desk.load([{"id": 2, "whole": 1.5}], endpoint=replace(THINGS, columns=with_type("whole", ColumnType.DOUBLE)))
    assert desk.rows("SELECT id, whole FROM things ORDER BY id") == [(1, 5.0), (2, 1.5)]


def test_a_declared_type_that_would_lose_old_values_changes_nothing_and_says_what_to_do(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "text": "canary"}])
    before = desk.everything()
    with pytest.raises(
        LoadFailed, match=r"things\.text is VARCHAR .* 1 values would be lost.*rename that column"
    ) as told:
        desk.load([{"id": 1}], endpoint=replace(THINGS, columns=with_type("text", ColumnType.BIGINT)))
    assert "canary" not in str(told.value)
    assert desk.everything() == before


def test_a_second_load_alters_no_table(desk: WarehouseHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    extract = desk.extract([{"id": 1, "updated_at": "2024-01-01T00:00:00Z", "new": 1}])
    desk.load(extract)
    statements = desk.statements(monkeypatch)
    desk.load(extract)
    assert not [sql for sql in statements if sql.startswith(("ALTER", "DELETE", "UPDATE"))]


def test_a_new_declared_column_is_added(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1}])
    wider = (*THINGS.columns, Column("latest", ColumnType.TEXTS, "New."))
    desk.load([{"id": 1, "latest": ["a"]}], endpoint=replace(THINGS, columns=wider))
    assert desk.row("SELECT latest FROM things") == (["a"],)


def test_a_field_that_was_unknown_and_is_declared_now_keeps_its_values(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "latest": 5}, {"id": 2, "latest": 6}])
    wider = (*THINGS.columns, Column("latest", ColumnType.MONEY, "New."))
    desk.load([{"id": 1, "latest": "7.5"}], endpoint=replace(THINGS, columns=wider), verdict="unproven")
    assert [str(row[0]) for row in desk.rows("SELECT latest FROM things ORDER BY id")] == ["7.5000", "6.0000"]


def test_fields_that_come_by_and_by_become_columns_until_the_table_is_full(desk: WarehouseHarness) -> None:
    """A map with open keys: each load brings names that were never seen before."""
    told = []
    for load in range(4):
        names = {f"key {load} {n}": n for n in range(120)}
        row = desk.load([{"id": n} | names for n in range(25)]).row
        told.append((len(row.new_columns), row.crowded_out > 0))
        kinds = columns(desk)
        assert sum(name.startswith("key ") for name in kinds) == min(MOST_COLUMNS, 120 * (load + 1))
        extra = json.loads(desk.row("SELECT coalesce(_extra, '{}') FROM things WHERE id = 1")[0])
        assert extra == {name: value for name, value in names.items() if name not in kinds}
    assert told == [(120, False), (120, False), (60, True), (0, True)]
    again = desk.load([{"id": n, "key 0 1": n} for n in range(25)]).row
    assert (again.crowded_out, again.misfits, len(again.new_columns)) == (0, {}, 0)


@pytest.mark.parametrize(
    ("fields", "rows"),
    [
        (MOST_FIELDS, 25),
        pytest.param(MOST_FIELDS, 15_000, marks=pytest.mark.long),
        (600, 350),
        (3_000, 60),
    ],
    ids=str,
)
def test_unknown_fields_of_any_number_are_loaded_within_the_memory_limit(
    desk: WarehouseHarness, fields: int, rows: int
) -> None:
    """In the widest table. All but the last once ended in `OutOfMemoryException while staging rows`, always."""
    names = {f"key {n}": f"value {n}" for n in range(fields)}
    result = desk.load([{"id": n} | names for n in range(rows)], endpoint="leads")
    assert result.row.inserted == rows
    assert len(result.row.new_columns) == MOST_FIELDS
    extra, first, last = desk.row(
        f'SELECT CAST(_extra AS VARCHAR), "key 0", "key {MOST_FIELDS - 1}" FROM leads WHERE id = {rows - 1}'
    )
    assert (first, last) == ("value 0", f"value {MOST_FIELDS - 1}")
    assert json.loads(extra or "{}") == dict(list(names.items())[MOST_FIELDS:])
    assert abs(result.row.crowded_out - (fields - MOST_FIELDS)) <= fields // 5
