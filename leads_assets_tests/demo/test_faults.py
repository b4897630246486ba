"""The text and JSON forms of faults."""

import pytest

from leads_assets.demo.server.faults import DEFAULTS, KINDS, Fault, parse_fault
from leads_assets.demo.server.injector import FaultInjector

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("html", Fault("html")),
        ("error_200x2", Fault("error_200", times=2)),
        ("status=503@leads+2x1", Fault("status", "leads", "503", after=2, times=1)),
        ("cap=50@users", Fault("cap", "users", "50")),
        ("retry_after=Wed, 21 Oct 2026 07:28:00 GMT", Fault("retry_after", value="Wed, 21 Oct 2026 07:28:00 GMT")),
        ("limit_reset=2026-01-01T00:00:00+00:00@*", Fault("limit_reset", value="2026-01-01T00:00:00+00:00")),
        ("redirect=http://127.0.0.1:9/v2/leads", Fault("redirect", value="http://127.0.0.1:9/v2/leads")),
        ("drift=insert:front@leadsx9", Fault("drift", "leads", "insert:front", times=9)),
        ("wrong_total=-3", Fault("wrong_total", value="-3")),
        ("status=401@ping", Fault("status", "ping", "401")),
    ],
)
def test_the_command_line_form_is_read_and_written_back(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault
    assert parse_fault(str(fault)) == fault


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "not a fault"),
        ("Status 500", "not a fault"),
        ("explode", "unknown fault 'explode'"),
        ("html@nowhere", "unknown endpoint 'nowhere'"),
        ("cap=many", "cap takes a number, not 'many'"),
        ("latency=-1", "not negative"),
        ("data_null=3", "data_null takes no value"),
        ("drift=eat:front", "drift takes OPERATION:PLACE"),
        ("htmlx0", "times 1 or more"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_with_the_reason(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_fault(text)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_survives_json_and_has_a_sentence(kind: str) -> None:
    fault = Fault(kind, "users", DEFAULTS.get(kind), after=1, times=2)
    assert Fault.from_json(fault.to_json()) == fault
    assert KINDS[kind].endswith(".")


@pytest.mark.parametrize(
    "content", [7, None, {}, {"kind": 3}, {"kind": "html", "when": 1}, {"kind": "html", "after": "1"}]
)
def test_json_that_is_no_fault_is_refused(content: object) -> None:
    with pytest.raises(ValueError, match="fault"):
        Fault.from_json(content)


def test_a_fault_skips_then_strikes_and_counts_only_matching_requests() -> None:
    board = FaultInjector([Fault("html", "leads", after=1, times=2), Fault("bare")])
    struck = [sorted(board.active_faults(name)) for name in ("leads", "users", "leads", "leads", "leads")]
    assert struck == [["bare"], ["bare"], ["bare", "html"], ["bare", "html"], ["bare"]]


def test_of_two_faults_of_one_kind_the_first_that_is_on_wins() -> None:
    board = FaultInjector([Fault("status", value=500, times=1), Fault("status", value=503)])
    assert [board.active_faults("leads")["status"].whole for _ in range(2)] == [500, 503]


def test_setting_faults_begins_to_count_anew() -> None:
    board = FaultInjector([Fault("html", times=1)])
    assert board.active_faults("leads")
    assert not board.active_faults("leads")
    board.set(board.faults)
    assert board.active_faults("leads")
