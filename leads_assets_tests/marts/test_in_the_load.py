"""The marts are made by the load itself: with its rows or not at all, and only as far as something changed."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.engine.warehouse import kept
from leads_assets.engine.warehouse.errors import LoadFailed
from leads_assets.engine.warehouse.transaction import transaction
from leads_assets.marts.catalogue import kept_models
from leads_assets.marts.history import keeping_marts
from leads_assets_tests.harness.desk import WarehouseHarness

pytestmark = [pytest.mark.socket, pytest.mark.marts]

ZONE = "Europe/Paris"
KEPT = ("lead_events", "lead_history", "lead_steps", "lead_fields")


@pytest.fixture
def desk(tmp_path: Path) -> WarehouseHarness:
    """A warehouse whose loads keep the marts."""
    desk = WarehouseHarness(tmp_path)
    desk.after_load = keeping_marts(ENDPOINTS, ZONE)
    return desk


def lead(number: int, day: int = 1, **fields: Any) -> dict[str, Any]:
    """A lead that was changed on that day of October."""
    known = {"id": number, "title": f"Lead {number}", "status": "todo", "step_id": 1, "amount": 100, "currency": "EUR"}
    return known | {"created_at": "2026-10-01T08:00:00Z", "updated_at": f"2026-10-{day:02}T09:00:00Z"} | fields


def kept_rows(desk: WarehouseHarness) -> dict[str, list[tuple[Any, ...]]]:
    """What the load keeps."""
    return {name: desk.rows(f"FROM kept.{name} ORDER BY ALL") for name in KEPT}


def built_anew(desk: WarehouseHarness) -> dict[str, list[tuple[Any, ...]]]:
    """The same as a build from all rows makes it."""
    with desk.warehouse.write("the test") as session, transaction(session):
        kept.rebuild(session, kept_models(), ZONE)
    return kept_rows(desk)


def test_one_load_of_any_list_makes_all_views(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "name": "New"}], endpoint="steps")
    assert desk.rows("SELECT id, name FROM live.steps") == [(1, "New")]
    assert desk.rows("FROM marts.leads") == []
    assert desk.row("SELECT time_zone, verdict, reason FROM marts.clock") == (ZONE, "unproven", "never read")


def test_the_marts_speak_of_the_load_that_has_just_been_committed(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "name": "New"}, {"id": 2, "name": "Quote"}], endpoint="steps")
    desk.load([lead(1), lead(2)], endpoint="leads")
    desk.load([lead(1, 2, step_id=2)], endpoint="leads")
    assert desk.rows("SELECT lead_id, step, verdict FROM marts.leads") == [(1, "Quote", "proven")]
    assert desk.rows("SELECT lead_id, step, left_by FROM marts.lead_steps ORDER BY ALL") == [
        (1, "New", "other step"),
        (1, "Quote", None),
        (2, "New", "deleted"),
    ]
    began = desk.row("SELECT max(began_at) FROM ops.sync_runs WHERE endpoint = 'leads'")
    assert desk.row("SELECT as_of FROM marts.clock") == began


def test_a_load_that_changes_nothing_writes_nothing_for_the_marts(
    desk: WarehouseHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.load([lead(1)], endpoint="leads")
    statements = desk.statements(monkeypatch)
    desk.load([lead(1)], endpoint="leads")
    last = next(place for place, sql in enumerate(statements) if sql.startswith("INSERT INTO ops.sync_runs"))
    assert {sql.split()[0] for sql in statements[last + 1 :]} <= {"SELECT", "COMMIT", "USE", "DETACH"}


def test_a_view_that_cannot_be_made_undoes_the_load(desk: WarehouseHarness) -> None:
    desk.load([lead(1)], endpoint="leads")
    with desk.warehouse.write("the test") as session:
        session.run("getting in the way", "DROP VIEW live.teams")
        session.run("getting in the way", "CREATE TABLE live.teams (mine INTEGER)")
    before = desk.everything()
    with pytest.raises(LoadFailed, match=r"teams: .* while making live\.teams"):
        desk.load([{"id": 7, "name": "North"}], endpoint="teams")
    assert desk.everything() == before


def test_a_new_field_is_in_the_views_with_the_load_that_brought_it(desk: WarehouseHarness) -> None:
    desk.load([lead(1)], endpoint="leads")
    desk.load([lead(1, 2, colour="red")], endpoint="leads")
    assert desk.row("SELECT colour FROM live.leads") == ("red",)


def test_a_custom_field_is_a_column_of_leads_with_the_load_that_brought_it(desk: WarehouseHarness) -> None:
    desk.load([lead(1, description="Seats: 12")], endpoint="leads")
    desk.load([{"id": 5, "name": "Seats", "type": "integer", "parent_type": "lead"}], endpoint="fields")
    assert desk.row("SELECT field_seats_5 FROM marts.leads") == (12,)
    desk.load([lead(1, 2, description="Seats: 13")], endpoint="leads")
    assert desk.row("SELECT field_seats_5 FROM marts.leads") == (13,)


def test_a_table_that_somebody_dropped_begins_a_new_history(desk: WarehouseHarness) -> None:
    desk.load([lead(1), lead(2)], endpoint="leads")
    desk.load([event(9, 1)], endpoint="webhook_events")
    with desk.warehouse.write("the test") as session:
        session.run("dropping", "DROP TABLE main.leads")
        session.run("dropping", "DROP TABLE main.webhook_events")
    desk.load([lead(2), lead(3)], endpoint="leads")
    assert desk.rows("SELECT lead_id FROM marts.lead_history ORDER BY ALL") == [(2,), (3,)]
    desk.load([event(8, 3)], endpoint="webhook_events")
    assert desk.rows("SELECT event_id FROM kept.lead_events") == [(8,)]
    assert kept_rows(desk) == built_anew(desk)


def event(number: int, of: int, **shown: Any) -> dict[str, Any]:
    """An event of the log that shows a lead as it was on the second of October."""
    data = {"id": of, "updated_at": "2026-10-02T07:00:00Z"} | shown
    return {"id": number, "event": "lead.any_update", "data": data}


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 6))])
def test_what_loads_keep_is_what_a_build_from_all_rows_gives(desk: WarehouseHarness, seed: int) -> None:
    dice = random.Random(seed)
    server = {number: lead(number) for number in range(1, 9)}
    for day in range(2, 9):
        for number in dice.sample(range(1, 12), 4):
            server[number] = lead(number, day, **_edit(dice))
        if dice.random() < 0.4:
            server.pop(dice.choice([*server]))
        mode, verdict = dice.choice([("full", "proven"), ("full", "unproven"), ("incremental", "proven")])
        changed = [row for row in server.values() if mode == "full" or f"-{day:02}T" in row["updated_at"]]
        desk.load(changed, endpoint="leads", mode=mode, verdict=verdict)
        if dice.random() < 0.5:
            shown = {key: dice.choice(["won", 2, None]) for key in ("status", "step_id") if dice.random() < 0.6}
            desk.load([event(day, dice.randrange(1, 9), **shown)], endpoint="webhook_events", mode="incremental")
        if dice.random() < 0.2:
            desk.load([{"id": 5, "name": dice.choice(["Seats", "Size"]), "type": "integer"}], endpoint="fields")
        assert kept_rows(desk) == built_anew(desk), f"after day {day}"
    assert len(kept_rows(desk)["lead_history"]) > 10


def _edit(dice: random.Random) -> Mapping[str, Any]:
    fresh = {
        "status": dice.choice(["todo", "standby", "won", "lost", None]),
        "step_id": dice.choice([1, 2, 3, None]),
        "amount": dice.choice([None, 100, 250.5]),
        "closed_at": dice.choice([None, "2026-10-03T00:00:00Z"]),
        "description": dice.choice([None, "Seats: 5", "Size: 7"]),
    }
    return {name: value for name, value in fresh.items() if dice.random() < 0.6}
