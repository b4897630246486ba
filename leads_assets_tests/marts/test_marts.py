"""What the marts say of an account: custom fields, limits, proof, tags, findings, and times that lag behind."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from leads_assets.marts.catalogue import field_column
from leads_assets_tests.harness.books import Books, insert, money
from leads_assets_tests.harness.known import on

pytestmark = [pytest.mark.socket, pytest.mark.marts]

FRESH = {"verdict": "proven", "changes_as_of": on(20, 6), "complete_as_of": on(20, 6)}


class Account:
    """A warehouse that is filled by hand; leads are created on 1 March, and were read on 1 and 20 March."""

    def __init__(self, folder: Path) -> None:
        self.books = Books(folder)
        with self.books.session() as session:
            self.books.read(session, on(1, 6))
            self.books.read(session, on(20, 6))

    def put(self, endpoint: str, *rows: dict[str, Any]) -> None:
        """Insert rows."""
        with self.books.session() as session:
            insert(session, f"main.{endpoint}", rows)

    def leads(self, *rows: dict[str, Any]) -> None:
        """Insert leads."""
        plain = {"status": "todo", "created_at": on(1, 10), "updated_at": on(1, 10), "currency": "EUR"}
        self.put("leads", *(plain | row for row in rows))

    def fresh(self, *rows: dict[str, Any]) -> None:
        """What `ops.freshness` says."""
        with self.books.session() as session:
            insert(session, "ops.freshness", [FRESH | row for row in rows])

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The answer of views that are up to date."""
        self.books.build()
        return self.books.rows(sql)


@pytest.fixture
def account(tmp_path: Path) -> Account:
    """An account."""
    return Account(tmp_path)


# custom fields


def field(number: int, label: str, kind: str = "string", parent: str | None = "lead") -> dict[str, Any]:
    """A custom field."""
    return {"id": number, "name": label, "type": kind, "parent_type": parent}


def test_each_custom_field_of_leads_is_a_column_of_its_type(account: Account) -> None:
    account.put(
        "fields", field(1, "Seats", "integer"), field(2, "Ends", "date"), field(3, "N° client 📝"), field(4, "📝"),
        field(5, "Discount %", "number"), field(6, "Of customers", parent="client"), field(7, "Of all", parent=None),
    )  # fmt: skip
    account.leads(
        {"id": 1, "description": "Seats: 7\nEnds: 2026-05-01\r\nN° client 📝:  x: y \nDiscount %: 2.5\n📝: z"}
    )
    account.leads({"id": 2, "description": "Seats: many\nOf customers: 3\nUnknown: 4\nOf all: 5"})
    names = "field_seats_1, field_ends_2, field_n_client_3, field_4, field_discount_5, field_of_all_7"
    assert account.rows(f"SELECT {names} FROM marts.leads ORDER BY lead_id") == [
        (7, date(2026, 5, 1), "x: y", "z", 2.5, None),
        (None, None, None, None, None, "5"),
    ]
    assert account.rows(
        "SELECT label, value, value_number FROM marts.lead_fields WHERE lead_id = 2 ORDER BY label"
    ) == [
        ("Of all", "5", 5.0),
        ("Seats", "many", None),
    ]


def test_the_newest_event_knows_custom_fields_better_than_the_description(account: Account) -> None:
    account.put("fields", field(1, "Seats", "integer"), field(2, "a/b~c"), field(3, "Email"), field(4, "email"))
    account.leads({"id": 1, "description": "Seats: 7\nEmail: x@client.example"})
    told = ({"Seats": 1}, {"Seats": 3, "a/b~c": "deep", "email": "y@client.example", "Other": 1, "Email": None})
    for number, fields in enumerate(told):
        data = {"id": 1, "updated_at": "2026-03-01T12:00:00Z", "extended_info": {"fields_by_name": fields}}
        account.put("webhook_events", {"id": number, "event": "lead.any_update", "data": data})
    assert account.rows("SELECT label, value, known_by FROM marts.lead_fields ORDER BY label") == [
        ("Email", "x@client.example", "description"),
        ("Seats", "3", "event"),
        ("a/b~c", "deep", "event"),
        ("email", "y@client.example", "event"),
    ]


def test_a_new_custom_field_becomes_a_column_and_finds_its_values(account: Account) -> None:
    account.leads({"id": 1, "description": "Seats: 7"})
    account.books.build()
    account.put("fields", field(1, "Seats", "integer"))
    assert account.books.build() == {"marts"}
    account.books.refresh("fields", [1])
    assert account.rows("SELECT field_seats_1 FROM marts.leads") == [(7,)]


def test_not_a_number_is_no_number(account: Account) -> None:
    account.put("fields", field(1, "Seats", "number"))
    account.leads({"id": 1, "description": "Seats: nan"})
    assert account.rows("SELECT value, value_number FROM marts.lead_fields") == [("nan", None)]


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Ville", "field_ville_9"),
        ("Größe", "field_grosse_9"),
        ('a"; --', "field_a_9"),
        ("", "field_9"),
        ("  É ", "field_e_9"),
    ],
)
def test_the_column_of_a_custom_field_is_a_plain_name(label: str, name: str) -> None:
    assert field_column(9, label) == name


# stuck


def walks(days: Sequence[int], step: int, status: str = "won") -> list[dict[str, Any]]:
    """Leads that were closed after so many days in a step; ids from the step's hundred on."""
    return [
        {"id": step * 100 + place, "status": status, "step_id": step, "closed_at": on(1, 10) + timedelta(days=length),
         "updated_at": on(1, 10) + timedelta(days=length)}
        for place, length in enumerate(days)
    ]  # fmt: skip


def closed(account: Account, leads: Sequence[dict[str, Any]]) -> None:
    """Insert these leads, and the journal of their closing."""
    account.leads(*leads)
    with account.books.session() as session:
        change = {"endpoint": "leads", "field": "status", "old": "todo", "seen_at": on(20, 6, 1), "run_id": "run 2"}
        insert(
            session,
            "ops.changes",
            [change | {"id": lead["id"], "new": lead["status"], "changed_at": lead["updated_at"]} for lead in leads],
        )


def test_stuck_is_longer_than_four_of_five_won_leads_of_the_step_or_else_of_the_pipeline(account: Account) -> None:
    account.put("steps", *({"id": step, "name": f"S{step}", "pipeline_id": 1 + step // 9} for step in (1, 2, 9)))
    closed(account, walks(range(1, 11), 1))
    closed(account, walks([1, 1], 2))
    closed(account, walks([30 - 12] * 10, 9, status="lost"))
    account.leads(
        {"id": 1, "step_id": 1, "amount": 10},
        {"id": 2, "step_id": 2, "amount": 20},
        {"id": 3, "step_id": 9, "amount": 30},
        {"id": 4, "step_id": 1, "created_at": on(15, 10)},
    )
    columns = "lead_id, round(limit_days, 2), limit_from, based_on, days_in_step_at_least"
    sql = f"SELECT {columns} FROM marts.stuck_leads ORDER BY lead_id"
    waited = 18 + 20 / 24
    assert account.rows(sql) == [
        (1, 8.2, "won leads in this step", 10, pytest.approx(waited)),
        (2, 7.8, "won leads in this pipeline", 12, pytest.approx(waited)),
    ]


# proof


@pytest.mark.parametrize(
    ("said", "verdict", "reason"),
    [
        ({}, "proven", None),
        ({"users": {"verdict": "current"}}, "current", None),
        (
            {"users": {"verdict": "current"}, "steps": {"verdict": "unproven", "reason": "cut"}},
            "unproven",
            "steps: cut",
        ),
        ({"webhook_events": {"verdict": "unproven", "reason": "1,000 rows"}}, "proven", None),
        ({"leads": None}, "unproven", "leads: never read"),
        ({"teams": None, "pipelines": None}, "proven", None),
    ],
    ids=[
        "all proven",
        "one current",
        "one unproven",
        "only a log unproven",
        "leads never read",
        "lists without a right",
    ],
)
def test_a_mart_is_as_sure_as_the_least_sure_list_behind_it(
    account: Account, said: dict[str, dict[str, Any] | None], verdict: str, reason: str | None
) -> None:
    lists = ("leads", "steps", "pipelines", "users", "teams", "clients_folders", "fields", "webhook_events")
    account.fresh(*({"endpoint": name} | (said.get(name) or {}) for name in lists if said.get(name, {}) is not None))
    assert account.rows("SELECT verdict, reason FROM marts.proof WHERE model = 'leads'") == [(verdict, reason)]


def test_a_mart_speaks_as_of_the_lists_that_it_counts_and_is_complete_as_of_all(account: Account) -> None:
    account.fresh(
        {"endpoint": "leads", "changes_as_of": on(20, 6), "complete_as_of": on(19, 6), "in_progress": "5 of 9 pages"},
        {"endpoint": "follow_ups", "changes_as_of": on(18, 6), "complete_as_of": on(18, 6)},
        {"endpoint": "users", "changes_as_of": on(2, 6), "complete_as_of": on(2, 6)},
    )
    sql = "SELECT as_of, complete_as_of, in_progress, logs FROM marts.proof WHERE model = '{}'"
    assert account.rows(sql.format("leads")) == [(on(20, 6), on(2, 6), "leads: 5 of 9 pages", ["webhook_events"])]
    assert account.rows(sql.format("actions_due"))[0][0] == on(18, 6)


def test_figures_go_on_with_the_reads_while_as_of_waits_for_one_that_is_sure(account: Account) -> None:
    account.fresh({"endpoint": "leads", "verdict": "unproven", "changes_as_of": on(1, 6), "complete_as_of": on(1, 6)})
    account.leads({"id": 1, "step_id": 1, "amount": 10})
    sql = "SELECT as_of, verdict, round(days_in_step, 3) FROM marts.leads"
    assert account.rows(sql) == [(on(1, 6), "unproven", 18.833)]
    assert account.rows("SELECT day, as_of, amount FROM marts.pipeline_daily WHERE is_today") == [
        (on(20).date(), on(1, 6), money(10))
    ]


def test_before_the_first_read_every_mart_is_there_and_empty(tmp_path: Path) -> None:
    books = Books(tmp_path, ())
    books.build()
    marts = [name for (name,) in books.rows("SELECT view_name FROM duckdb_views() WHERE schema_name = 'marts'")]
    assert {name: books.rows(f"FROM marts.{name}") for name in marts if name not in ("clock", "proof")} == {
        name: [] for name in marts if name not in ("clock", "proof")
    }
    assert books.rows("SELECT verdict, reason, today FROM marts.clock") == [("unproven", "never read", None)]
    assert books.rows("SELECT DISTINCT verdict FROM marts.proof") == [("unproven",)]


# tags, findings


def test_predefined_tags_are_known_whatever_their_case(account: Account) -> None:
    account.put("categories", {"id": 1, "name": "Heat"})
    account.put(
        "predefined_tags", {"id": 5, "name": "HOT", "category_id": 1}, {"id": 6, "name": "hot", "category": "Twin"}
    )
    account.leads({"id": 1, "tags": ["hot", "Hot", "hot", "own"]}, {"id": 2, "tags": None})
    assert account.rows("SELECT tag, category, is_predefined FROM marts.lead_tags ORDER BY tag") == [
        ("Hot", "Heat", True),
        ("hot", "Heat", True),
        ("own", None, False),
    ]
    assert account.rows("SELECT tag_list FROM marts.leads WHERE lead_id = 1") == [("Hot, hot, own",)]


FINE = {"user_id": 1, "step_id": 1, "amount": 10, "next_action_at": on(21), "probability": 50, "weighted_amount": 5}


@pytest.mark.parametrize(
    ("lead", "finding"),
    [
        ({"user_id": None}, "open lead without owner"),
        ({"user_id": 2}, "open lead of a user who has left"),
        ({"amount": None, "weighted_amount": None}, "open lead without amount"),
        ({"status": "won", "closed_at": on(2), "amount": None, "weighted_amount": None}, "won lead without amount"),
        ({"estimated_closing_date": on(19).date()}, "open lead expected to close in the past"),
        ({"next_action_at": None}, "open lead without a next action"),
        ({"status": "lost"}, "closed lead without a time of closing"),
        ({"closed_at": on(2)}, "open lead with a time of closing"),
        ({"status": "won", "closed_at": on(1, 9)}, "lead closed before it was created"),
        ({"status": "asleep"}, "lead with an unknown status"),
        ({"status": None}, "lead with an unknown status"),
        ({"step_id": 77}, "lead without a known step"),
        ({"customer_id": 77}, "lead of an unknown customer"),
        ({"weighted_amount": 6}, "weighted amount differs from amount times probability"),
        ({"currency": None}, "amount without a currency"),
        ({}, None),
        ({"status": "won", "closed_at": on(2), "user_id": None, "next_action_at": None}, None),
    ],
    ids=repr,
)
def test_each_finding_is_found_where_it_is(account: Account, lead: dict[str, Any], finding: str | None) -> None:
    account.put("users", {"id": 1, "firstname": "Ada"}, {"id": 2, "firstname": "Bo", "is_disabled": True})
    account.put("steps", {"id": 1, "name": "S1"})
    account.put("clients_folders", {"id": 1, "name": "C"})
    account.leads({"id": 1} | FINE | lead)
    assert account.rows("SELECT finding FROM marts.data_quality") == ([(finding,)] if finding else [])


def test_a_follow_up_that_is_not_done_needs_its_lead(account: Account) -> None:
    account.leads({"id": 1} | FINE, {"id": 2, "_deleted_at": on(20)} | FINE)
    account.put("users", {"id": 1, "firstname": "Ada"})
    account.put("follow_ups", *({"id": lead, "lead_id": lead, "status": "todo"} for lead in (1, 2)))
    account.put("follow_ups", {"id": 3, "lead_id": 2, "status": "done"}, {"id": 4, "status": "todo"})
    assert account.rows("SELECT endpoint, id, finding FROM marts.data_quality") == [
        ("follow_ups", 2, "follow-up of a lead that is gone")
    ]


def test_actions_of_follow_ups_are_due_until_they_are_done(account: Account) -> None:
    account.put("users", {"id": 1, "firstname": "Ada", "is_disabled": True, "time_zone": "UTC"})
    for number, (status, day) in enumerate([("todo", 19), ("done", 19), (None, 20), ("late", 27), ("todo", 28)]):
        row = {"id": number, "status": status, "user_id": 1, "next_action_at": on(day, 12)}
        account.put("follow_ups", row)
    assert account.rows("SELECT id, due, owner_has_left FROM marts.actions_due ORDER BY id") == [
        (0, "overdue", True),
        (2, "today", True),
        (3, "next 7 days", True),
        (4, "later", True),
    ]


def test_no_figure_of_two_currencies_is_one_number(account: Account) -> None:
    account.put("steps", {"id": 1, "name": "S1", "pipeline_id": 1, "position": 1})
    kinds = [(currency, status) for currency in ("EUR", "USD", None) for status in ("todo", "won", "lost")]
    for number, (currency, status) in enumerate(kinds, 1):
        closed_at = None if status == "todo" else on(2)
        kind = {"currency": currency, "status": status, "closed_at": closed_at}
        account.leads({"id": number, "step_id": 1, "amount": 10 * number} | kind)
    assert account.rows("SELECT currency, amount FROM marts.pipeline_daily WHERE is_today ORDER BY 1") == [
        ("?", money(70)), ("EUR", money(10)), ("USD", money(40)),
    ]  # fmt: skip
    assert account.rows("SELECT currency, won_amount, lost_amount FROM marts.outcomes ORDER BY 1") == [
        ("EUR", money(20), money(30)), ("USD", money(50), money(60)), (None, money(80), money(90)),
    ]  # fmt: skip
    assert account.rows("SELECT currency, open_amount, won_amount FROM marts.owners ORDER BY 1") == [
        ("EUR", money(10), money(20)), ("USD", money(40), money(50)), (None, money(70), money(80)),
    ]  # fmt: skip
