"""The manners of the delivery."""

import time
from collections.abc import Iterator

import pytest
import responses

from leads_assets.notice import webhook
from leads_assets.notice.webhook import NotDelivered, deliver
from leads_assets_tests.harness.trickling import Trickle, trickling

pytestmark = pytest.mark.socket

SECRET = "T0KEN-of-the-webhook"
URL = f"https://chat.example.com/hooks/{SECRET}"


def _no_wait(_: float) -> None:
    """The pause between attempts."""


@pytest.fixture
def chat() -> Iterator[responses.RequestsMock]:
    """A chat that answers as a test says."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def test_a_message_is_sent_once_where_it_is_taken(chat: responses.RequestsMock) -> None:
    chat.post(URL, status=204)
    deliver(URL, b'{"text": "x"}', sleep=_no_wait)
    assert [call.request.body for call in chat.calls] == [b'{"text": "x"}']
    assert chat.calls[0].request.headers["Content-Type"] == "application/json"


def test_a_fault_is_tried_again_until_it_is_taken(chat: responses.RequestsMock) -> None:
    chat.post(URL, status=503)
    chat.post(URL, status=429)
    chat.post(URL, status=200)
    deliver(URL, b"{}", sleep=_no_wait)
    assert len(chat.calls) == 3


@pytest.mark.parametrize(
    ("status", "sent", "told"),
    [
        (503, 3, "notice to chat.example.com: HTTP 503, attempt 3 of 3"),
        (404, 1, "notice to chat.example.com: HTTP 404, attempt 1 of 3"),
        (302, 1, "notice to chat.example.com: HTTP 302, attempt 1 of 3"),
    ],
)
def test_what_another_attempt_cannot_mend_is_not_tried_again(
    chat: responses.RequestsMock, status: int, sent: int, told: str
) -> None:
    chat.post(URL, status=status, headers={"Location": "https://elsewhere.example.com/"})
    with pytest.raises(NotDelivered) as raised:
        deliver(URL, b"{}", sleep=_no_wait)
    assert str(raised.value) == told
    assert len(chat.calls) == sent


def test_the_address_is_in_no_message(chat: responses.RequestsMock) -> None:
    with pytest.raises(NotDelivered) as raised:
        deliver(URL, b"{}", sleep=_no_wait)  # the mock refuses a connection that it does not know
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_receiver_that_never_ends_its_answer_is_given_up_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "DEADLINE_SECONDS", 0.5)
    began = time.monotonic()
    with trickling(Trickle(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a")) as server, pytest.raises(NotDelivered):
        deliver(server.origin, b"{}", sleep=_no_wait)
    assert time.monotonic() - began < 5
