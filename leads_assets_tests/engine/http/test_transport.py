"""One attempt on the wire: bodies are bounded, and the key goes nowhere but to the account."""

import gzip
import os
import socket
import threading
import time
from contextlib import suppress
from dataclasses import replace
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads_assets.account.dialect import DIALECT
from leads_assets.engine.errors import (
    ConfigurationError,
    HostUnreachable,
    Unavailable,
    UnexpectedResponse,
)
from leads_assets.engine.http.client import Limits
from leads_assets.engine.http.transport import Transport
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.harness.asking import GOOD, ROWS, get
from leads_assets_tests.harness.reading import ClientFactory
from leads_assets_tests.harness.scripted import Scripted, scripted

pytestmark = pytest.mark.socket


def test_a_body_that_trickles_is_given_up_at_the_deadline(open_api: OpenApi, reading: ClientFactory) -> None:
    limits = Limits(attempts=3, deadline=0.4)
    client = reading.client(open_api("slow_body=0.1").base_url, limits=limits, clock=time.monotonic, sleep=time.sleep)
    with pytest.raises(Unavailable, match=r"a body that (did not end before the deadline|was cut off)"):
        get(client)


def test_a_body_beyond_the_limit_is_refused_after_one_request(open_api: OpenApi, reading: ClientFactory) -> None:
    api = open_api("oversized=100000")
    client = reading.client(api.base_url, limits=Limits(attempts=3, body=50_000))
    with pytest.raises(UnexpectedResponse, match="leads: HTTP 200 with a body of more than 50,000 bytes"):
        get(client)
    assert api.count() == 1


def test_a_compressed_body_is_bounded_by_what_it_becomes(reading: ClientFactory) -> None:
    bomb = gzip.compress(b" " * 30_000_000)
    with scripted((200, {"Content-Encoding": "gzip"}, bomb)) as server:
        client = reading.client(server.origin, limits=Limits(attempts=3, body=1_000_000))
        with pytest.raises(UnexpectedResponse, match="more than 1,000,000 bytes"):
            get(client)


def test_compressed_rows_are_read_and_broken_compression_is_tried_again(reading: ClientFactory) -> None:
    broken: Scripted = (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b nonsense")
    with scripted(broken, (200, {"Content-Encoding": "gzip"}, gzip.compress(ROWS))) as server:
        assert get(reading.client(server.origin)).ids == [1]
        assert len(server.requests) == 2


@pytest.mark.parametrize("length", ["\xb2", "1\xb2", "9" * 5_000, "-1"])
def test_a_length_that_is_no_number_of_bytes_is_no_length(reading: ClientFactory, length: str) -> None:
    with scripted((200, {"Content-Length": length, "Connection": "close"}, ROWS)) as server:
        assert get(reading.client(server.origin)).ids == [1]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_key_stays_here(reading: ClientFactory, status: int) -> None:
    with scripted(GOOD) as other:
        location = f"{other.origin.replace('127.0.0.1', 'localhost')}/v2/secret-path?token=hidden"
        with scripted((status, {"Location": location}, b"")) as server, pytest.raises(UnexpectedResponse) as caught:
            get(reading.client(server.origin, key="canary-key"))
        assert other.requests == []
    assert f"HTTP {status} to localhost: redirects are not followed" in str(caught.value)
    assert "secret-path" not in str(caught.value)
    assert "hidden" not in str(caught.value)


KEY = "Canary-Key-8d1f"


@pytest.mark.parametrize(
    "host",
    [
        KEY,
        f"{KEY}.example.com",
        f"x{KEY.upper()}x.example.com",
        KEY.replace("-", "."),
        KEY.replace("-", ""),
        "canary-k.ey-8d1f.example.com",
        "anary-key-8d1",
        KEY.replace("-", "%2D"),
        f"user:{KEY}@example.com\\",
        "\x1bc",
        "a\x07b.example.com",
        "\x9b31m.example.com",
        "exa mple.com",
        "n\xfcrnberg.example",
        ".".join(["a" * 50] * 100),
        f"[::1%25{KEY}]",
    ],
)
def test_a_redirect_to_a_host_that_says_more_than_its_name_is_told_without_it(
    reading: ClientFactory, host: str
) -> None:
    with scripted((302, {"Location": f"https://{host}/"}, b"")) as server, pytest.raises(UnexpectedResponse) as caught:
        get(reading.client(server.origin, key=KEY))
    assert str(caught.value) == (
        "leads: HTTP 302 to another host: redirects are not followed, the key would travel along;"
        " set the setting `base_url` to the final address"
    )


@pytest.mark.parametrize("host", ["api.example.com", "localhost:8000", "127.0.0.1", "[::1]", "canary.example.com"])
def test_a_redirect_to_a_plain_host_names_it(reading: ClientFactory, host: str) -> None:
    with scripted((302, {"Location": f"https://{host}/"}, b"")) as server, pytest.raises(UnexpectedResponse) as caught:
        get(reading.client(server.origin, key=KEY))
    assert f"HTTP 302 to {urlsplit(f'//{host}').hostname}: redirects" in str(caught.value)


@pytest.mark.parametrize("location", ["", "/elsewhere", "http://[broken", "//"])
def test_a_redirect_to_nowhere_is_an_error_like_any_redirect(reading: ClientFactory, location: str) -> None:
    with scripted((302, {"Location": location}, b"")) as server, pytest.raises(UnexpectedResponse, match="HTTP 302 to"):
        get(reading.client(server.origin))


def test_the_key_goes_into_its_header_and_nowhere_else(reading: ClientFactory) -> None:
    with scripted(GOOD) as server:
        get(reading.client(server.origin + "/v2/", key="canary-key", dialect=replace(DIALECT, key_header="X-Other")))
    assert server.paths == ["/v2/leads?limit=1"]
    assert [name for name, value in server.requests[0].items() if "canary-key" in value] == ["X-Other"]


def test_no_proxy_of_the_environment_sees_the_key_of_a_plain_connection(
    reading: ClientFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted(GOOD) as proxy, scripted(GOOD) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.origin)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        get(reading.client(server.origin))
        assert (len(proxy.requests), len(server.requests)) == (0, 1)


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("HTTPS_PROXY", "http://", "the proxy that the environment names"),
        ("HTTPS_PROXY", "socks5://127.0.0.1:1", "the proxy that the environment names"),
        ("HTTPS_PROXY", "::::", "the proxy that the environment names"),
        ("HTTPS_PROXY", "http://[bad", "the proxy that the environment names"),
        ("HTTPS_PROXY", "http://127.0.0.1:99999", "the proxy that the environment names"),
        ("HTTPS_PROXY", "ftp://127.0.0.1:1", "the proxy that the environment names"),
        ("HTTPS_PROXY", "user:word@", "the proxy that the environment names"),
        ("REQUESTS_CA_BUNDLE", "/no/such/bundle.pem", "the file of certificates that REQUESTS_CA_BUNDLE"),
    ],
)
def test_an_environment_that_no_connection_can_be_made_with_is_told_before_the_first_request(
    reading: ClientFactory, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    for name in ("NO_PROXY", "no_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=says) as caught:
        reading.client("https://localhost:1/v2")
    assert value == "http://" or value not in str(caught.value)


PROXY_PARTS = st.sampled_from(
    "http:// https:// ftp:// socks5:// // : :: :80 :-1 :99999 [ ] @ user user:word % %zz . / \\ # ? * localhost"
    f" 127.0.0.1 ::1 \x7f \xa0 \xe9 \xb2 \t xn--a {'a' * 64}".split(" ")
)


@given(st.lists(PROXY_PARTS, min_size=1, max_size=6).map("".join))
def test_whatever_stands_for_a_proxy_is_used_or_told_without_a_traceback(address: str) -> None:
    names = {f"{kind}_proxy": "" for kind in ("no", "all", "http")}
    names |= {name.upper(): "" for name in names}
    with (
        patch.dict(os.environ, {**names, "HTTPS_PROXY": address, "https_proxy": address}),
        suppress(ConfigurationError),
    ):
        Transport("https://localhost:1/v2", "key", header="X-API-KEY", limits=Limits(), connections=1).close()


def test_a_proxy_whose_name_is_no_host_name_is_told_when_it_is_looked_up(
    reading: ClientFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", f"http://{'a' * 64}.example")
    with pytest.raises(HostUnreachable, match="the proxy of the environment does not connect"):
        get(reading.client("https://localhost:1/v2"))


def test_a_body_that_is_left_unread_gives_its_connection_back(reading: ClientFactory) -> None:
    with scripted((200, {}, b" " * 300_000), GOOD) as server:
        client = reading.client(server.origin, limits=Limits(body=1_000), connections=1)
        with pytest.raises(UnexpectedResponse):
            get(client)
        assert get(client).ids == [1]


def test_connections_are_kept_and_used_again(reading: ClientFactory) -> None:
    with scripted(GOOD, (500, {}, b"{}"), GOOD) as server:
        client = reading.client(server.origin)
        for _ in range(5):
            get(client)
        assert (len(server.requests), server.connections) == (6, 1)


def test_a_host_that_refuses_connections_stops_all_with_its_name(reading: ClientFactory) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(HostUnreachable) as caught:
            get(reading.client(f"http://127.0.0.1:{port}/v2"))
    assert str(caught.value) == (
        f"leads: the connection is refused at 127.0.0.1:{port}, attempt 3 of 3, 1 s elapsed;"
        " check the setting `base_url` and the network"
    )


def test_an_unknown_host_stops_all_with_its_name(reading: ClientFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **options: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(HostUnreachable, match=r"the host name is unknown at nowhere\.invalid"):
        get(reading.client("https://nowhere.invalid/v2"))


def test_a_server_that_speaks_no_tls_is_told_so(reading: ClientFactory) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer_in_plain_words() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                connection.recv(65_536)

        thread = threading.Thread(target=answer_in_plain_words)
        thread.start()
        client = reading.client(f"https://127.0.0.1:{listening.getsockname()[1]}", limits=Limits(attempts=1))
        with pytest.raises(HostUnreachable, match="TLS failed"):
            get(client)
        thread.join(10)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "an address like"),
        ("api.example.com/v2", "an address like"),
        ("ftp://api.example.com", "an address like"),
        ("https://", "an address like"),
        ("https://api.example.com:port/", "an address like"),
        ("https://api.example.com:99999/", "an address like"),
        ("https://[::1", "an address like"),
        ("https://exa mple.com", "an address like"),
        (f"https://{'a' * 64}.com", "an address like"),
        ("https://user:word@api.example.com", "no user name"),
        (r"https://api.example.com\@other.example", "an address like|no user name"),
        ("https://api.example.com/v2?key=1", "no user name"),
        ("https://api.example.com/v2#x", "no user name"),
        ("https://api.example.com/v 2", "no user name"),
        ("http://api.example.com/v2", "plain http to api.example.com"),
        ("http://127.0.0.1.example.com/", "plain http to 127.0.0.1.example.com"),
        ("http://127.999.1.1/", "plain http to 127.999.1.1"),
        ("http://127.0.0.256/", "plain http to 127.0.0.256"),
        ("http://127.0.0.001/", "plain http to 127.0.0.001"),
        ("http://127.1/", "plain http to 127.1"),
        ("http://[::ffff:10.0.0.1]/", "plain http to ::ffff:10.0.0.1"),
    ],
)
def test_an_address_that_cannot_be_trusted_with_the_key_is_refused(
    reading: ClientFactory, text: str, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"^the setting `base_url` .*({words})"):
        reading.client(text)


@pytest.mark.parametrize(
    ("text", "base_url"),
    [
        ("https://api.example.com/v2/", "https://api.example.com/v2"),
        (" https://api.example.com ", "https://api.example.com"),
        ("http://localhost:8000/v2", "http://localhost:8000/v2"),
        ("http://127.3.2.1/v2", "http://127.3.2.1/v2"),
        ("http://[::1]:80/v2", "http://[::1]:80/v2"),
    ],
)
def test_a_good_address_loses_its_trailing_slash_only(reading: ClientFactory, text: str, base_url: str) -> None:
    assert reading.client(text).base_url == base_url


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "schlüssel", "tab\t"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_repeated(reading: ClientFactory, key: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^the setting `api_key` is empty") as caught:
        reading.client("https://api.example.com", key=key)
    assert not key or key not in str(caught.value)


def test_a_header_name_that_is_none_is_refused(reading: ClientFactory) -> None:
    with pytest.raises(ConfigurationError, match="the name of the key's header"):
        reading.client("https://api.example.com", dialect=replace(DIALECT, key_header="X: Y\r\n"))
