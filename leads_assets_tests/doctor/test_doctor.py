"""`leads-assets doctor`: names what is broken, costs what it says, touches nothing."""

import os
from pathlib import Path
from typing import Any

import duckdb
import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.server.faults import Fault, parse_fault
from leads_assets.engine.read.ends import is_worth_a_request
from leads_assets_tests.harness.commands import Command, CommandResult, OpenAccount
from leads_assets_tests.harness.project import Project

pytestmark = pytest.mark.process

MOST_REQUESTS = len(ENDPOINTS) + 8


def broken(told: CommandResult) -> list[str]:
    return [found["says"] for found in told.json["findings"] if found["state"] == "broken"]


def finding(told: CommandResult, topic: str) -> dict[str, Any]:
    found = [found for found in told.json["findings"] if found["topic"] == topic]
    assert len(found) == 1, topic
    return found[0]  # type: ignore[no-any-return]


def access(told: CommandResult, endpoint: str) -> dict[str, Any]:
    return next(found for found in told.json["endpoints"] if found["endpoint"] == endpoint)


def test_a_good_account_has_nothing_broken_and_every_request_is_counted(
    command: Command, open_account: OpenAccount
) -> None:
    api = open_account()
    told = command("doctor", "--json")
    assert told.status == 0
    assert told.json["ok"]
    assert {found["state"] for found in told.json["findings"]} == {"ok"}
    assert [found["says"] for found in told.json["endpoints"]] == ["readable"] * len(ENDPOINTS)
    assert told.json["requests"] == api.count() <= MOST_REQUESTS
    assert f"{2000 - api.count():,} of 2,000 requests are left" in finding(told, "quota")["says"]


def test_each_endpoint_is_asked_once_those_that_may_be_cut_twice_and_leads_up_to_seven_times(
    command: Command, open_account: OpenAccount
) -> None:
    api = open_account()
    command("doctor")
    often = {name for name in ENDPOINTS if api.count(name) > 1}
    assert often == {"leads"} | {
        name for name in ENDPOINTS if name != "leads" and is_worth_a_request(min(100, api.account.total(name)))
    }
    assert {name: api.count(name) for name in often - {"leads"}} == {"prospecting_lists": 3}
    assert api.count("leads") <= 7


def test_what_a_good_server_honours_is_told(command: Command, open_account: OpenAccount) -> None:
    open_account()
    told = command("doctor", "--json")
    assert finding(told, "order")["says"] == "`order=id` is honoured"
    assert "is honoured" in finding(told, "newest change")["says"]
    assert "is honoured" in finding(told, "updated_after")["says"]
    assert "is honoured" in finding(told, "include_unassigned")["says"]
    assert finding(told, "pages")["says"] == "a total is sent (120 leads); pages are capped at 100 rows"
    assert access(told, "leads")["total"] == 120
    assert access(told, "steps")["envelope"] == "`data`"


def test_bare_arrays_missing_totals_and_larger_pages_are_noticed(command: Command, open_account: OpenAccount) -> None:
    open_account(600, bare=["leads"], totals=[], max_limit=300)
    told = command("doctor", "--json")
    assert access(told, "leads")["envelope"] == "bare array"
    says = "no total is sent: the end of a list shows only when it is asked backwards; pages of 300 rows are possible"
    assert says in finding(told, "pages")["says"]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("status=401", "HTTP 401 from 127.0.0.1"),
        ("status=402", "the account is suspended"),
        ("html", "HTTP 200 with a page of HTML or XML"),
        ("status=404", "HTTP 404"),
        ("retry_after=5000", "the server asks to wait 5,000 s"),
        ("status=503", "HTTP 503, attempt 1 of 1"),
        ("disconnect", "the connection was closed without an answer"),
    ],
)
def test_an_account_that_cannot_be_read_is_named_in_one_finding_and_two_requests(
    command: Command, open_account: OpenAccount, fault: str, says: str
) -> None:
    api = open_account(faults=[parse_fault(fault)])
    told = command("doctor", "--json")
    assert told.status == 1
    (sentence,) = [found for found in broken(told) if "requests are left" not in found]
    assert says in sentence
    assert api.count() <= 2
    assert says in command("doctor").out or fault.startswith("retry_after")


def test_after_a_quota_refusal_the_doctor_does_not_call_on(command: Command, open_account: OpenAccount) -> None:
    api = open_account(faults=[Fault("retry_after", value="5000", times=1)])
    command("doctor")
    told = command("doctor", "--json")
    assert api.count() == 1
    assert "not asked, the server's quota is used up (HTTP 429 before); run again after" in broken(told)[0]


def test_a_wrong_key_is_named_and_never_shown(
    command: Command, open_account: OpenAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_account()
    monkeypatch.setenv("LEADS_API_KEY", "secret-but-wrong")
    told = command("doctor", "--json")
    assert told.status == 1
    assert "the key in LEADS_API_KEY is refused, or LEADS_API_BASE_URL names no account" in broken(told)[0]
    assert "secret-but-wrong" not in told.out + told.err + command("doctor").out


def test_an_unreachable_host_is_named(
    command: Command, open_account: OpenAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_account()
    monkeypatch.setenv("LEADS_API_BASE_URL", "http://127.0.0.1:1/v2")
    told = command("doctor", "--json")
    assert told.status == 1
    assert "the connection is refused at 127.0.0.1:1" in broken(told)[0]


def test_a_wrong_path_is_named(command: Command, open_account: OpenAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    api = open_account()
    monkeypatch.setenv("LEADS_API_BASE_URL", api.base_url.replace("/v2", "/v1"))
    told = command("doctor", "--json")
    assert told.status == 1
    assert "neither the connection test nor the first list can be read" in broken(told)[0]
    assert "HTTP 404" in broken(told)[0]


def test_without_settings_both_are_named_and_nothing_is_sent(command: Command) -> None:
    told = command("doctor", "--json")
    assert told.status == 1
    assert broken(told) == ["LEADS_API_BASE_URL and LEADS_API_KEY are not set"]
    assert told.json["requests"] == 0


def test_settings_in_a_dotenv_file_count(command: Command, open_account: OpenAccount, tmp_path: Path) -> None:
    open_account()
    (tmp_path / ".env").write_text("LEADS_API_KEY=another-key\n")
    assert "HTTP 401" in broken(command("doctor", "--json"))[0]


def test_a_setting_that_is_no_number_is_named(
    command: Command, open_account: OpenAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_account()
    monkeypatch.setenv("LEADS_API_DAILY_REQUESTS", "plenty")
    told = command("doctor", "--json")
    assert told.status == 1
    assert broken(told) == ["LEADS_API_DAILY_REQUESTS must be a whole number from 0 to 1,000,000,000"]


def test_a_missing_right_is_broken_only_where_the_edition_does_not_explain_it(
    command: Command, open_account: OpenAccount
) -> None:
    api = open_account(faults=[Fault("status", "teams", 403)])
    told = command("doctor", "--json")
    assert told.status == 0
    assert access(told, "teams")["state"] == "warning"
    api.set_faults([Fault("status", "users", 403)])
    told = command("doctor", "--json")
    assert told.status == 1
    assert access(told, "users")["state"] == "broken"
    assert "no right to read /users" in access(told, "users")["says"]


def test_a_right_that_was_lost_is_broken(command: Command, open_account: OpenAccount, tmp_path: Path) -> None:
    api = open_account()
    assert Project(tmp_path, api.base_url).materialize("teams").success
    api.set_faults([Fault("status", "teams", 403)])
    told = command("doctor", "--json")
    assert told.status == 1
    assert access(told, "teams")["state"] == "broken"


def test_follow_ups_that_must_be_asked_user_by_user_are_no_fault(command: Command, open_account: OpenAccount) -> None:
    open_account(faults=[Fault("missing_parameter", "follow_ups")])
    told = command("doctor", "--json")
    assert told.status == 0
    assert "user by user" in access(told, "follow_ups")["says"]


@pytest.mark.parametrize(
    ("fault", "topic", "says"),
    [
        ("ignore_updated_after@leads", "updated_after", "every sync reads all leads"),
        ("ignore_order@leads", "order", "leads come newest first"),
        ("ignore_order@leads", "newest change", "cannot be seen in one request"),
        ("cap=40@leads", "pages", "pages are capped at 40 rows where 100 were asked for"),
    ],
)
def test_a_server_that_ignores_a_parameter_is_a_warning_that_says_what_it_costs(
    command: Command, open_account: OpenAccount, fault: str, topic: str, says: str
) -> None:
    open_account(faults=[parse_fault(fault)])
    told = command("doctor", "--json")
    assert told.status == 0
    assert finding(told, topic)["state"] == "warning"
    assert says in finding(told, topic)["says"]


def test_leads_in_no_order_of_id_are_broken(command: Command, open_account: OpenAccount) -> None:
    open_account(faults=[Fault("shuffle", "leads")])
    told = command("doctor", "--json")
    assert told.status == 1
    assert "come in no order of id" in broken(told)[0]


def test_records_without_ids_are_told_with_their_number(command: Command, open_account: OpenAccount) -> None:
    open_account(faults=[Fault("record_without_id", "steps")])
    told = command("doctor", "--json")
    assert "1 of 14 records have no usable id" in access(told, "steps")["says"]


def test_an_answer_that_repeats_the_key_and_a_record_is_not_repeated(
    command: Command, open_account: OpenAccount
) -> None:
    api = open_account(faults=[Fault("echo_key", "users")])
    told = command("doctor")
    email = next(iter(api.account.rows("users")))["email"]
    assert told.status == 1
    assert api.key not in told.out + told.err
    assert email not in told.out + told.err


def test_endpoints_that_were_not_asked_are_listed_in_their_order(command: Command, open_account: OpenAccount) -> None:
    open_account(faults=[Fault("status", "pipelines", 401)])
    assert [found["endpoint"] for found in command("doctor", "--json").json["endpoints"]] == list(ENDPOINTS)


@pytest.mark.long
def test_whatever_is_not_proven_fails_where_that_was_asked_for(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    api = open_account()
    assert command("doctor").status == 0
    told = command("doctor", "--strict")
    assert told.status == 1
    assert f"leads-assets: not proven: {', '.join(ENDPOINTS)}\n" in told.err
    assert Project(tmp_path, api.base_url).materialize().success
    assert command("doctor", "--strict").status == 0


def test_other_numbers_of_rows_there_and_here_are_told(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    api = open_account()
    assert Project(tmp_path, api.base_url).materialize("leads", "webhook_events").success
    api.account.delete("leads", [row["id"] for row in api.account.rows("leads")][:5])
    api.account.delete("webhook_events", [row["id"] for row in api.account.rows("webhook_events")][:5])
    told = command("doctor", "--json")
    assert told.status == 0
    found = [found for found in told.json["findings"] if found["topic"] in ENDPOINTS]
    assert [(found["topic"], found["state"], found["says"]) for found in found] == [
        ("leads", "warning", "the server states 115 rows, the table holds 120")
    ]


@pytest.mark.parametrize(
    ("faults", "topic", "says"),
    [
        ("window=200@leads", "leads", "only fewer than 252 rows"),
        ("window=200@leads most_total=200@leads", "leads", "only the first 200 rows"),
        ("page_total@leads", "leads", "only the first 100 rows"),
        ("cap_hard=50@leads page_total@leads", "leads", "only the first 50 rows"),
    ],
)
def test_a_window_is_told_from_the_list_asked_backwards(
    command: Command, open_account: OpenAccount, faults: str, topic: str, says: str
) -> None:
    open_account(252, faults=[parse_fault(text) for text in faults.split()])
    told = finding(command("doctor", "--json"), topic)
    assert told["state"] == "warning"
    assert says in told["says"]
    assert "asked backwards" in told["says"]


def test_a_good_list_of_several_pages_is_no_window(command: Command, open_account: OpenAccount) -> None:
    open_account(252)
    assert [found["topic"] for found in command("doctor", "--json").json["findings"] if found["state"] != "ok"] == []


def test_another_account_is_broken_and_its_rows_are_not_compared(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    api = open_account()
    assert Project(tmp_path, api.base_url).materialize("leads").success
    with duckdb.connect(tmp_path / "leads.duckdb") as connection:
        connection.execute("UPDATE ops.sync_runs SET account = 'another'")
    api.account.insert("leads", 5)
    told = command("doctor", "--json")
    assert told.status == 1
    assert broken(told) == ["the warehouse holds the rows of another account"]
    assert "--new-account" in finding(told, "account")["advice"]
    assert not [found for found in told.json["findings"] if found["topic"] == "leads"]


def test_a_read_copy_that_cannot_be_written_is_broken(
    command: Command, open_account: OpenAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_account()
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for place in ("file/copy.duckdb", "file/deeper/copy.duckdb", "folder"):
        monkeypatch.setenv("LEADS_WAREHOUSE_SNAPSHOT", place)
        told = command("doctor", "--json")
        assert told.status == 1
        assert "it cannot be written" in finding(told, "read copy")["says"]
    monkeypatch.setenv("LEADS_WAREHOUSE_SNAPSHOT", "new/copy.duckdb")
    assert command("doctor", "--json").status == 0


def test_a_folder_in_which_the_read_copy_may_not_be_written_is_broken(
    command: Command, open_account: OpenAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_account()
    folder = tmp_path / "another's"
    folder.mkdir()
    # The user who runs the tests may be one who may write everywhere.
    monkeypatch.setattr(os, "access", lambda place, _: Path(place) != folder)
    monkeypatch.setenv("LEADS_WAREHOUSE_SNAPSHOT", f"{folder}/copy.duckdb")
    told = command("doctor", "--json")
    assert told.status == 1
    assert "is not to be written by this user" in finding(told, "read copy")["says"]


def test_a_last_sync_that_is_not_proven_is_told_with_its_reason(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    api = open_account(faults=[parse_fault("shuffle@leads"), parse_fault("status=404@users")])
    project = Project(tmp_path, api.base_url)
    project.materialize("leads", "users", "teams")
    api.set_faults([])
    told = command("doctor", "--json")
    assert told.status == 0
    found = {found["topic"]: found["says"] for found in told.json["findings"] if found["topic"] in ENDPOINTS}
    assert found["leads"].startswith("the last sync is unproven: the list is not in order of id")
    assert found["users"].startswith("the last sync failed: users: HTTP 404")
    assert "teams" not in found


def test_rows_of_a_list_that_states_no_total_are_compared_too(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    api = open_account()
    assert Project(tmp_path, api.base_url).materialize("teams").success
    api.account.insert("teams", 2)
    says = finding(command("doctor", "--json"), "teams")["says"]
    assert says.startswith("the server sends ")
