"""Each fault does what its sentence says."""

import json
import math
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic, time

import pytest
import requests

from leads_assets.demo.server.api import DemoApi
from leads_assets.demo.server.faults import KINDS, parse_fault
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.demo.calls import ALL_LEADS, get, ids, rows, walk

pytestmark = pytest.mark.socket

Check = Callable[[DemoApi], bool]
TOTAL = "X-TOTAL-COUNT"


def _status(status: int, **headers: str) -> Check:
    def check(api: DemoApi) -> bool:
        response = get(api, "leads")
        sent = {name: response.headers.get(name.replace("_", "-")) for name in headers}
        return response.status_code == status == response.json()["error"] and sent == headers

    return check


def _breaks(error: type[Exception]) -> Check:
    def check(api: DemoApi) -> bool:
        with pytest.raises(error):
            get(api, "leads")
        return True

    return check


def _body(body: bytes) -> Check:
    return lambda api: get(api, "leads").content == body


def _takes(seconds: float) -> Check:
    def check(api: DemoApi) -> bool:
        begun = monotonic()
        return len(ids(get(api, "leads"))) == 100 and monotonic() - begun >= seconds

    return check


def _never_ends_its_head(api: DemoApi) -> bool:
    with socket.create_connection(("127.0.0.1", int(api.base_url.split(":")[2].split("/")[0])), timeout=5) as client:
        client.sendall(f"GET /v2/leads HTTP/1.1\r\nX-API-KEY: {api.key}\r\n\r\n".encode())
        said = b""
        while said.count(b"X-More") < 5:
            said += client.recv(4_096)
    return b"\r\n\r\n" not in said


def _refuses_the_third_in_a_second(api: DemoApi) -> bool:
    responses = [get(api, "leads", limit=1) for _ in range(3)]
    return [r.status_code for r in responses] == [200, 200, 429] and responses[2].headers["Retry-After"] == "1"


def _echoes(api: DemoApi) -> bool:
    response = get(api, "leads")
    message = response.json()["message"]
    return response.status_code == 403 and api.key in message and "html_description" in message


def _wants_a_parameter(api: DemoApi) -> bool:
    refused, user = get(api, "follow_ups"), next(api.account.rows("users"))["id"]
    allowed = [get(api, "follow_ups", user_id=user), get(api, "follow_ups", lead_id=1)]
    is_refused = (refused.status_code, refused.json()["type"]) == (400, "missing_parameter")
    return is_refused and all(response.status_code == 200 for response in allowed)


def _is_html(api: DemoApi) -> bool:
    response = get(api, "leads")
    return response.status_code == 502 and response.text.startswith("<!doctype html>")


def _is_cut_json(api: DemoApi) -> bool:
    with pytest.raises(requests.JSONDecodeError):
        get(api, "leads").json()
    return True


def _first(check: Callable[[object, object], bool]) -> Check:
    """The first record and the second one, as the server sends them."""

    def look(api: DemoApi) -> bool:
        found = json.loads(get(api, "leads").text)["data"]
        return len(found) == 100 and check(found[0], found[1])

    return look


def _field(record: object, key: str) -> object:
    assert isinstance(record, dict)
    return record.get(key, "absent")


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _pads(api: DemoApi) -> bool:
    response = get(api, "users")
    plain = len(response.content.rstrip())
    return len(response.content) == plain + 100_000 and len(rows(response)) == 23


def _pages_users_by_ten(api: DemoApi) -> bool:
    truth = [user["id"] for user in api.account.rows("users")]
    pages = [ids(get(api, "users", offset=offset)) for offset in (0, 10, 20)]
    return [len(page) for page in pages] == [10, 10, 3] and [*pages[0], *pages[1], *pages[2]] == truth


def _gives_ten_users_only(api: DemoApi) -> bool:
    pages = [ids(get(api, "users", offset=offset)) for offset in (0, 10)]
    pages_leads = [ids(get(api, "leads", offset=offset)) for offset in (0, 10)]
    return pages[0] == pages[1] and len(pages[0]) == 10 and not set(pages_leads[0]) & set(pages_leads[1])


def _repeats_page_one(api: DemoApi) -> bool:
    return ids(get(api, "leads", offset=100)) == ids(get(api, "leads"))


def _page(api: DemoApi, offset: int, **query: object) -> list[int]:
    return ids(get(api, "leads", offset=offset, **ALL_LEADS | query))


def _ends_pages_by_bytes(api: DemoApi) -> bool:
    truth = [row["id"] for row in api.account.rows("leads")]
    api.account.change("leads", truth[3:4], description="x" * 9_000)
    found = [_page(api, offset) for offset in (0, 2, 3)]
    return found == [truth[:3], truth[2:3], truth[3:4]] and 1 < len(_page(api, 4)) < 10


def _gives_ten_users_whatever_is_asked(api: DemoApi) -> bool:
    queries: list[dict[str, int]] = [{}, {"limit": 5, "offset": 9}]
    return [len(ids(get(api, "users", **query))) for query in queries] == [10, 10]


def _is_empty_with_total(api: DemoApi) -> bool:
    response = get(api, "leads", **ALL_LEADS)
    return rows(response) == [] and response.headers[TOTAL] == "250"


def _total(in_header: str | None, in_body: object) -> Check:
    def check(api: DemoApi) -> bool:
        response = get(api, "leads", **ALL_LEADS)
        return (response.headers.get(TOTAL), response.json().get("total")) == (in_header, in_body)

    return check


def _keeps_the_default_order(api: DemoApi) -> bool:
    found = ids(get(api, "leads", **ALL_LEADS))
    return found == sorted(found, reverse=True)


def _keeps_old_rows(api: DemoApi) -> bool:
    return get(api, "leads", updated_after="2025-07-01T00:00:01Z", include_unassigned="true").headers[TOTAL] == "250"


def _finds_nothing_changed(api: DemoApi) -> bool:
    in_2000 = get(api, "leads", updated_after="2000-01-01T00:00:00Z", include_unassigned="true")
    in_1800 = get(api, "leads", updated_after="1800-01-01T00:00:00Z", include_unassigned="true")
    return (in_2000.headers[TOTAL], in_1800.headers[TOTAL]) == ("0", "250")


def _repeats_a_row(api: DemoApi) -> bool:
    found = ids(get(api, "leads"))
    return len(found) == 101 and found[0] == found[1] and len(set(found)) == 100


def _shuffles_but_loses_nothing(api: DemoApi) -> bool:
    found = [row["id"] for row in walk(api, "leads", **ALL_LEADS)]
    again = [row["id"] for row in walk(api, "leads", **ALL_LEADS)]
    return found == again != sorted(found) != found[::-1] and len(set(found)) == 250


def _deletes_a_row_a_page(api: DemoApi) -> bool:
    walk(api, "leads", **ALL_LEADS)
    return len(api.account.gone("leads")) == api.count("leads")


def _in_future(text: str | None, form: str) -> bool:
    assert text is not None
    if form == "epoch":
        return 50 < int(text) - time() < 70
    moment = parsedate_to_datetime(text) if form == "date" else datetime.fromisoformat(text)
    return 50 < (moment - datetime.now(UTC)).total_seconds() < 70


def _header_in_future(name: str, form: str) -> Check:
    return lambda api: _in_future(get(api, "leads").headers.get(name), form)


CASES: list[tuple[str, Check]] = [
    *((f"status={status}", _status(status)) for status in (400, 401, 402, 403, 404, 429, 500, 502, 503, 504)),
    ("retry_after=7", _status(429, Retry_After="7")),
    ("retry_after=-5", _status(429, Retry_After="-5")),
    ("retry_after=soon", _status(429, Retry_After="soon")),
    ("retry_after=date:60", _header_in_future("Retry-After", "date")),
    ("api_retry_after=9", _status(429, API_RETRY_AFTER="9")),
    ("limit_reset=1800000000", _status(429, API_LIMIT_RESET="1800000000")),
    ("limit_reset=epoch:60", _header_in_future("API-LIMIT-RESET", "epoch")),
    ("limit_reset=iso:60", _header_in_future("API-LIMIT-RESET", "iso")),
    ("redirect=http://127.0.0.1:1/x", lambda api: get(api, "leads").headers["Location"] == "http://127.0.0.1:1/x"),
    ("disconnect", _breaks(requests.ConnectionError)),
    ("cut_body", _breaks(requests.exceptions.ChunkedEncodingError)),
    ("slow_body=0.02", _takes(0.2)),
    ("slow_head=0.01", _never_ends_its_head),
    ("fields=3", _first(lambda first, second: _field(first, "field_2") == _field(second, "field_2") == 2)),
    ("deep=50", _first(lambda first, second: str(_field(first, "deep")).count("[") == 50)),
    ("latency=0.15", _takes(0.15)),
    ("rate_limit=2", _refuses_the_third_in_a_second),
    ("echo_key", _echoes),
    ("missing_parameter@follow_ups", _wants_a_parameter),
    ("html=502", _is_html),
    ("empty_body", _body(b"")),
    ("cut_json", _is_cut_json),
    ("data_null", _body(b'{"data":null}')),
    ("data_object", _body(b'{"data":{}}')),
    ("no_selector", lambda api: get(api, "leads").json().keys() == {"items"}),
    ("error_200", lambda api: get(api, "leads").ok and get(api, "leads").json()["error"] == 500),
    ("nan", _first(lambda first, second: _is_nan(_field(first, "attachment_count")))),
    ("non_object_record", _first(lambda first, second: first == "not a record" and isinstance(second, dict))),
    ("bare", lambda api: isinstance(get(api, "leads").json(), list)),
    ("envelope", lambda api: get(api, "leads").json().keys() == {"data"}),
    ("oversized=100000", _pads),
    ("record_without_id", _first(lambda first, second: _field(first, "id") == "absent" != _field(second, "id"))),
    (
        "text_id",
        _first(lambda first, second: isinstance(_field(first, "id"), str) and isinstance(_field(second, "id"), str)),
    ),
    (
        "unknown_field=größe",
        _first(lambda first, second: _field(first, "größe") == _field(second, "größe") == {"added": True}),
    ),
    ("misfit", _first(lambda first, second: _field(first, "attachment_count") == "not a number")),
    ("misfit@pipelines", lambda api: rows(get(api, "pipelines"))[0]["created_at"] == "not a number"),
    ("cap=10", _pages_users_by_ten),
    ("cap_hard=10", _gives_ten_users_only),
    ("cut=10", _gives_ten_users_whatever_is_asked),
    ("window=120", lambda api: [len(_page(api, offset)) for offset in (0, 100, 120)] == [100, 20, 0]),
    ("page_bytes=5000", _ends_pages_by_bytes),
    ("hide=90:120", lambda api: [len(_page(api, offset)) for offset in (0, 100, 200)] == [90, 0, 40]),
    ("ignore_offset", _repeats_page_one),
    ("empty_page", _is_empty_with_total),
    ("no_total", _total(None, None)),
    ("body_total", _total(None, 250)),
    ("text_total", _total(None, "250")),
    ("wrong_total=-3", _total("247", None)),
    ("wrong_total@users", lambda api: get(api, "users").headers[TOTAL] == "24"),
    ("page_total", lambda api: get(api, "leads", limit=30, **ALL_LEADS).headers[TOTAL] == "30"),
    ("most_total=200", _total("200", None)),
    ("ignore_direction", lambda api: _page(api, 0, direction="desc") == _page(api, 0)),
    ("ignore_order", _keeps_the_default_order),
    ("ignore_updated_after", _keeps_old_rows),
    ("late_filter=1000000", _finds_nothing_changed),
    ("duplicate_row", _repeats_a_row),
    ("shuffle", _shuffles_but_loses_nothing),
    ("drift=delete:read", _deletes_a_row_a_page),
]


@pytest.mark.parametrize(("text", "check"), CASES, ids=[text for text, _ in CASES])
def test_the_fault_does_what_its_sentence_says(open_api: OpenApi, text: str, check: Check) -> None:
    assert check(open_api(text))


def test_no_kind_of_fault_is_untested() -> None:
    assert {parse_fault(text).kind for text, _ in CASES} == set(KINDS)


def test_bare_answers_can_be_wrapped_by_the_envelope_fault(open_api: OpenApi) -> None:
    api = open_api("envelope@users", bare=("users",))
    assert get(api, "users").json().keys() == {"data"}


def test_wait_headers_of_several_faults_come_together(open_api: OpenApi) -> None:
    api = open_api("retry_after=0", "api_retry_after=3", "status=503")
    response = get(api, "leads")
    assert (response.status_code, response.headers["Retry-After"], response.headers["API-RETRY-AFTER"]) == (
        503,
        "0",
        "3",
    )


def test_a_fault_of_one_endpoint_leaves_the_others_alone_and_passes(open_api: OpenApi) -> None:
    api = open_api("status=500@leads+1x2")
    assert [get(api, "leads").status_code for _ in range(4)] == [200, 500, 500, 200]
    assert get(api, "users").status_code == get(api, "ping").status_code == 200


def test_ping_can_fail_too(open_api: OpenApi) -> None:
    assert get(open_api("status=402@ping"), "ping").status_code == 402
