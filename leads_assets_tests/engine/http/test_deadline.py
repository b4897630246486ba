"""The deadline bounds the whole request: no server can stretch it, wherever in its answer it dawdles."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from leads_assets.engine.errors import ApiError, AuthenticationFailed, HostUnreachable, Unavailable
from leads_assets.engine.http import transport
from leads_assets.engine.http.client import ApiClient, Limits
from leads_assets_tests.harness.asking import ROWS, get
from leads_assets_tests.harness.reading import ClientFactory
from leads_assets_tests.harness.trickling import Trickle, trickling, tunnels

pytestmark = pytest.mark.socket

DEADLINE = 0.4
GRACE = 1.0
"""What a request may take longer than its deadline, on a busy machine."""
LIMITS = Limits(connect_timeout=10, read_timeout=10, attempts=3, deadline=DEADLINE)

OK = b"HTTP/1.1 200 OK\r\n"
LONG = b"Content-Length: 1000000000\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
GOOD_CHUNKS = OK + CHUNKED + b"%x\r\n%b\r\n0\r\n" % (len(ROWS), ROWS)
GZIP = OK + b"Content-Encoding: gzip\r\n" + LONG + b"\x1f\x8b\x08\x08" + bytes(6)
GOOD = OK + b"Content-Length: %d\r\n\r\n%b" % (len(ROWS), ROWS)

ENDLESS = {
    "silence": Trickle(b"", b""),
    "status line": Trickle(b"HTTP/1.1 200 O", b"K"),
    "header": Trickle(OK + b"X-Slow: ", b"a"),
    "headers": Trickle(OK, b"X-Slow: a\r\n"),
    "100 Continue": Trickle(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "100 Continue, flood": Trickle(b"", b"HTTP/1.1 100 Continue\r\n\r\n", pause=0),
    "body": Trickle(OK + LONG, b" "),
    "body of unknown length": Trickle(OK + b"\r\n", b" "),
    "chunks": Trickle(OK + CHUNKED, b"1\r\n \r\n"),
    "chunk size": Trickle(OK + CHUNKED, b"0"),
    "chunk extension": Trickle(OK + CHUNKED + b"1;", b"x"),
    "trailers": Trickle(GOOD_CHUNKS, b"X: y\r\n"),
    "trailers, flood": Trickle(GOOD_CHUNKS, b"X: y\r\n", pause=0),
    "trailer": Trickle(GOOD_CHUNKS, b"X"),
    "gzip header": Trickle(GZIP, b"n"),
    "gzip header, flood": Trickle(GZIP, b"n", pause=0),
    "body of a 500": Trickle(b"HTTP/1.1 500 Oops\r\n" + LONG, b" "),
    "chunk size of a 503": Trickle(b"HTTP/1.1 503 Later\r\n" + CHUNKED, b"0"),
}
REFUSED = Trickle(b"HTTP/1.1 401 Unauthorized\r\n" + LONG, b" ")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who signs the certificates of these tests."""
    return trustme.CA()


@pytest.fixture
def certified(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate that the client trusts."""
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    for name in ("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(params=["http", "https"])
def tls(request: pytest.FixtureRequest, certified: ssl.SSLContext) -> ssl.SSLContext | None:
    """How the server speaks."""
    return certified if request.param == "https" else None


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def _client(reading: ClientFactory, base_url: str, limits: Limits = LIMITS, connections: int = 8) -> ApiClient:
    return reading.client(base_url, limits=limits, clock=time.monotonic, sleep=time.sleep, connections=connections)


def _failure(client: ApiClient) -> ApiError:
    """Why the request failed, within its deadline."""
    began = time.monotonic()
    with pytest.raises(ApiError) as caught:
        get(client)
    assert time.monotonic() - began < DEADLINE + GRACE
    return caught.value


@pytest.mark.parametrize("part", ENDLESS)
def test_a_part_of_an_answer_that_does_not_end_is_given_up_at_the_deadline(
    reading: ClientFactory, tls: ssl.SSLContext | None, part: str
) -> None:
    with trickling(ENDLESS[part], tls=tls) as server:
        failure = _failure(_client(reading, server.origin))
        assert isinstance(failure, Unavailable)
        assert server.requests == 1


def test_an_error_whose_body_does_not_end_is_told_by_its_status(
    reading: ClientFactory, tls: ssl.SSLContext | None
) -> None:
    with trickling(REFUSED, tls=tls) as server:
        assert isinstance(_failure(_client(reading, server.origin)), AuthenticationFailed)


def test_the_body_of_an_error_takes_no_time_from_the_next_attempt(
    reading: ClientFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_ERROR_SECONDS", 0.2)
    with trickling(ENDLESS["body of a 500"], GOOD) as server:
        client = _client(reading, server.origin, Limits(deadline=30))
        began = time.monotonic()
        assert get(client).ids == [1]
        assert time.monotonic() - began < 5


def test_after_an_answer_without_an_end_the_connections_serve_again(
    reading: ClientFactory, tls: ssl.SSLContext | None
) -> None:
    with trickling(GOOD, ENDLESS["trailers"], GOOD, tls=tls) as server:
        client = _client(reading, server.origin, connections=1)
        assert get(client).ids == [1]
        _failure(client)
        assert get(client).ids == [1]


def test_one_connection_serves_many_requests(reading: ClientFactory, tls: ssl.SSLContext | None) -> None:
    with trickling(GOOD, tls=tls) as server:
        client = _client(reading, server.origin)
        assert [get(client).ids for _ in range(5)] == [[1]] * 5
        assert (server.requests, server.connections) == (5, 1)


@pytest.mark.parametrize("handshake", [Trickle(b"", b""), Trickle(b"\x16\x03\x03\x40\x00", b"\x02")])
def test_a_tls_handshake_that_does_not_end_is_given_up_at_the_deadline(
    reading: ClientFactory, handshake: Trickle
) -> None:
    with trickling(handshake, request_end=b"") as server:
        failure = _failure(_client(reading, server.origin.replace("http:", "https:")))
    assert isinstance(failure, HostUnreachable)
    assert "no connection in time" in str(failure)


@pytest.mark.parametrize("part", ["silence", "status line", "header"])
def test_a_proxy_that_does_not_end_its_answer_is_given_up_at_the_deadline(
    reading: ClientFactory, tls: ssl.SSLContext | None, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    with trickling(ENDLESS[part], tls=tls) as server:
        monkeypatch.setenv("HTTPS_PROXY", server.origin)
        failure = _failure(_client(reading, "https://api.example.com/v2"))
        assert server.requests == 1
    assert isinstance(failure, HostUnreachable)
    assert "no connection in time" in str(failure)


def test_the_deadline_holds_through_the_tunnel_of_a_proxy(
    reading: ClientFactory, certified: ssl.SSLContext, tls: ssl.SSLContext | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tunnels(tls) as proxy, trickling(GOOD, GOOD, ENDLESS["trailers, flood"], tls=certified) as server:
        monkeypatch.setenv("HTTPS_PROXY", proxy.origin)
        client = _client(reading, server.origin)
        assert [get(client).ids, get(client).ids] == [[1], [1]]
        assert isinstance(_failure(client), Unavailable)
        assert proxy.asked == [server.origin.removeprefix("https://")]
        client.close()


def test_many_addresses_that_do_not_answer_share_one_deadline(
    reading: ClientFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as deaf, socket.socket() as first:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        first.connect(deaf.getsockname())  # fills the queue: who comes later is left without an answer
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", deaf.getsockname())] * 20
        monkeypatch.setattr(socket, "getaddrinfo", lambda *of, **options: found)
        limits = Limits(connect_timeout=0.25, attempts=3, deadline=DEADLINE)
        failure = _failure(_client(reading, f"http://127.0.0.1:{deaf.getsockname()[1]}/v2", limits))
    assert isinstance(failure, HostUnreachable)
    assert "no connection in time" in str(failure)


def test_pages_fetched_ahead_end_with_the_deadline_too(reading: ClientFactory) -> None:
    rows = b",".join(b'{"id":%d}' % number for number in range(100))
    page = b'{"data":[%b]}' % rows
    first = OK + b"X-TOTAL-COUNT: 5000\r\nContent-Length: %d\r\n\r\n%b" % (len(page), page)
    with trickling(first, ENDLESS["trailers"]) as server:
        began = time.monotonic()
        with pytest.raises(Unavailable):
            reading.read(_client(reading, server.origin))
        assert time.monotonic() - began < DEADLINE + GRACE
        assert server.requests > 2
