"""Which answers are tried again and which are not, each with its own sentence."""

import pytest

from leads_assets.engine.errors import (
    AccountSuspended,
    ApiError,
    AuthenticationFailed,
    BadRequest,
    NotFound,
    PermissionDenied,
    Unavailable,
    UnexpectedResponse,
)
from leads_assets.engine.http.client import Limits, RequestStats
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.harness.asking import get
from leads_assets_tests.harness.reading import ClientFactory
from leads_assets_tests.harness.scripted import scripted

pytestmark = pytest.mark.socket


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_fault_is_tried_again(open_api: OpenApi, reading: ClientFactory, status: int) -> None:
    stats = RequestStats()
    page = get(reading.client(open_api(f"status={status}x2").base_url), stats)
    assert len(page.records) == 1
    assert (stats.requests, stats.retries) == (3, 2)
    assert stats.seconds_waited == pytest.approx(reading.time.clock()) != 0


@pytest.mark.parametrize("fault", ["disconnect", "cut_body", "cut_json", "html", "empty_body", "no_selector", "nan"])
def test_a_connection_fault_or_a_malformed_body_is_tried_again(
    open_api: OpenApi, reading: ClientFactory, fault: str
) -> None:
    stats = RequestStats()
    assert len(get(reading.client(open_api(f"{fault}x1").base_url), stats).records) == 1
    assert stats.retries == 1


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("status=500", "leads: HTTP 500, attempt 3 of 3, 2 s elapsed"),
        ("html=502", "leads: HTTP 502, attempt 3 of 3, 2 s elapsed"),
        ("disconnect", "leads: the connection was closed without an answer, attempt 3 of 3, 2 s elapsed"),
        ("empty_body", "leads: HTTP 200 with an empty body, attempt 3 of 3, 2 s elapsed"),
        ("html", "leads: HTTP 200 with a page of HTML or XML, attempt 3 of 3, 2 s elapsed"),
        ("error_200", "leads: HTTP 200 with an error object without `data`, attempt 3 of 3, 2 s elapsed"),
        ("cut_body", "leads: HTTP 200 with a body that was cut off (ProtocolError), attempt 3 of 3, 2 s elapsed"),
    ],
)
def test_a_fault_that_stays_is_an_error_that_tells_the_effort(
    open_api: OpenApi, reading: ClientFactory, fault: str, sentence: str
) -> None:
    api = open_api(fault)
    with pytest.raises(Unavailable) as caught:
        get(reading.client(api.base_url, rng=lambda: 0.999))
    assert str(caught.value) == sentence
    assert api.count() == 3


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (400, BadRequest, "the server refuses the request's parameters"),
        (401, AuthenticationFailed, "the key in the setting `api_key` is refused, or the setting `base_url` names"),
        (402, AccountSuspended, "the account is suspended"),
        (403, PermissionDenied, "the key has no right to read /leads, or the account's edition lacks it"),
        (404, NotFound, "there is no /leads; check the path in the setting `base_url`"),
        (405, UnexpectedResponse, "which is not expected here and not retried"),
        (418, UnexpectedResponse, "which is not expected here and not retried"),
        (204, UnexpectedResponse, "which is not expected here and not retried"),
        (501, UnexpectedResponse, "which is not expected here and not retried"),
    ],
)
def test_a_permanent_answer_is_an_error_of_its_own_after_one_request(
    open_api: OpenApi, reading: ClientFactory, status: int, kind: type[ApiError], words: str
) -> None:
    api = open_api(f"status={status}")
    with pytest.raises(kind) as caught:
        get(reading.client(api.base_url))
    assert str(caught.value).startswith(f"leads: HTTP {status}")
    assert words in str(caught.value)
    assert api.count() == 1


def test_a_refusal_is_told_by_its_status_even_if_its_body_is_cut_or_nonsense(reading: ClientFactory) -> None:
    for body, headers in [(b"\xff<", {}), (b"{", {"Content-Length": "500"}), (b"[" * 70_000, {})]:
        limits = Limits(attempts=1, read_timeout=0.2)
        with scripted((401, headers, body)) as server, pytest.raises(AuthenticationFailed):
            get(reading.client(server.origin, limits=limits))


@pytest.mark.parametrize(
    ("body", "is_missing"),
    [
        (b'{"error":400,"message":"x","type":"missing_parameter"}', True),
        (b'{"error":400,"message":"missing_parameter","type":"other"}', False),
        (b'{"type":null}', False),
        (b"<html>", False),
        (b"[" * 50_000, False),
    ],
)
def test_a_missing_parameter_is_told_by_the_type_and_not_by_the_message(
    reading: ClientFactory, body: bytes, is_missing: bool
) -> None:
    with scripted((400, {}, body)) as server, pytest.raises(BadRequest) as caught:
        get(reading.client(server.origin))
    assert caught.value.missing_parameter is is_missing
