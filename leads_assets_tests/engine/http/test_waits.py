"""How long a request waits: the server's wish, our backoff, the deadline, and the pause of all threads."""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leads_assets.account.dialect import DIALECT
from leads_assets.engine.errors import (
    ApiError,
    RateLimited,
    Unavailable,
)
from leads_assets.engine.http.client import ApiClient, Limits, RequestStats
from leads_assets.engine.http.retry import server_wait
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.harness.asking import GOOD, get
from leads_assets_tests.harness.reading import NOON, ClientFactory
from leads_assets_tests.harness.scripted import scripted

pytestmark = pytest.mark.socket


@pytest.mark.parametrize(
    ("fault", "least", "most"),
    [
        ("retry_after=7", 7, 7),
        ("retry_after=date:9", 8, 10),
        ("api_retry_after=6", 6, 6),
        ("limit_reset=epoch:9", 8, 10),
        ("limit_reset=iso:9", 8, 10),
        ("retry_after=0", 0.05, 1),
        ("retry_after=-5", 0.05, 1),
        ("retry_after=soon", 0.05, 1),
        ("retry_after=date:-60", 0.05, 1),
        ("status=429", 0.05, 1),
    ],
)
def test_the_servers_wait_is_a_floor_and_never_no_wait_at_all(
    open_api: OpenApi, reading: ClientFactory, fault: str, least: float, most: float
) -> None:
    stats = RequestStats()
    real_now = lambda: datetime.now(UTC)  # noqa: E731
    get(reading.client(open_api(f"{fault}x1").base_url, now=real_now), stats)
    assert least <= stats.seconds_waited <= most
    assert stats.requests == 2


def test_a_wait_on_503_is_kept_too(open_api: OpenApi, reading: ClientFactory) -> None:
    stats = RequestStats()
    with scripted((503, {"Retry-After": "11"}, b""), GOOD) as server:
        get(reading.client(server.origin), stats)
    assert stats.seconds_waited == pytest.approx(11)


@pytest.mark.parametrize(
    "headers", [{"Retry-After": "3600"}, {"API-RETRY-AFTER": "3600"}, {"API-LIMIT-RESET": "2026-03-04T13:00:00Z"}]
)
def test_a_wait_beyond_the_deadline_fails_at_once_and_names_the_time(
    reading: ClientFactory, headers: Mapping[str, str]
) -> None:
    with scripted((429, headers, b"")) as server:
        client = reading.client(server.origin)
        with pytest.raises(RateLimited, match=r"the server asks to wait 3,600 s.*run again after 2026-03-04T13:00:00Z"):
            get(client)
        with pytest.raises(RateLimited, match=r"leads: not asked.*run again after 2026-03-04T13:00:00Z"):
            get(client)
        assert len(server.requests) == 1
    assert reading.time.naps == []


def test_a_nonsensical_wait_locks_nobody_out_for_more_than_a_day(reading: ClientFactory) -> None:
    with scripted((429, {"Retry-After": "1e300"}, b"")) as server, pytest.raises(RateLimited) as caught:
        get(reading.client(server.origin))
    assert caught.value.resume_at == NOON + timedelta(days=1)


_MANY = "9" * 20
WORDS = st.sampled_from(
    f"Mon, 1 Jan 2026 2026-03-04 {_MANY} 0 -1 1.5 12:00:00 99:99:99 24:00 {_MANY}:00:00 GMT EST +2359 -2400 -{_MANY}"
    " 0001-01-01T00:00:00+23:59 9999-12-31T23:59:59-23:59 1e400 nan T Z ( ; : . \xb2".split(" ")
)


@given(st.lists(WORDS, max_size=8).map(" ".join) | st.text(max_size=30))
@example(f"Mon, 1 Jan {_MANY} 00:00:00 GMT")
@example(f"Mon, 1 Jan 2026 00:00:00 +{_MANY}")
@example(f"Mon, 1 Jan 2026 {_MANY}:00:00 GMT")
@example("0001-01-01T00:00:00+23:59")
def test_whatever_a_server_writes_for_a_wait_is_a_wait_of_at_most_a_day_or_none(text: str) -> None:
    wait = server_wait({"Retry-After": text}, ["Retry-After"], NOON)
    assert wait is None or 0 <= wait <= 86_400


def test_a_date_beyond_every_calendar_is_no_wait_at_all(reading: ClientFactory) -> None:
    headers = {"Retry-After": f"Mon, 1 Jan {_MANY} 00:00:00 GMT"}
    with scripted((429, headers, b""), GOOD) as server:
        assert get(reading.client(server.origin)).ids == [1]


def test_the_deadline_counts_the_waits(open_api: OpenApi, reading: ClientFactory) -> None:
    api = open_api("status=503")
    client = reading.client(api.base_url, limits=Limits(attempts=100, deadline=20))
    with pytest.raises(Unavailable, match=r"attempt 7 of 100, .* after the deadline of 20 s"):
        get(client)
    assert reading.time.clock() < 20


def test_backoff_grows_and_is_random_within_bounds(open_api: OpenApi, reading: ClientFactory) -> None:
    waits = []
    for random in (0.0, 0.999):
        stats = RequestStats()
        client = reading.client(open_api("status=500x4").base_url, rng=lambda r=random: r, limits=Limits(attempts=5))
        get(client, stats)
        waits.append(round(stats.seconds_waited, 1))
    assert waits == [0.2, 7.7]


def test_one_429_pauses_every_thread(reading: ClientFactory) -> None:
    sent: list[float] = []
    others: list[threading.Thread] = []

    def ask(parse: Callable[[bytes, Mapping[str, str]], None]) -> None:
        client.get("leads", "/leads", {}, parse, RequestStats())

    def sleep(seconds: float) -> None:
        if not others:  # the first thread has met the 429 and begins to wait
            others.extend(
                threading.Thread(target=ask, args=(lambda body, headers: sent.append(reading.time.clock()),))
                for _ in range(4)
            )
            for thread in others:
                thread.start()
            for thread in others:
                thread.join(20)
        reading.time.sleep(seconds)

    with scripted((429, {"Retry-After": "30"}, b""), GOOD) as server:
        client = reading.client(server.origin, sleep=sleep)
        ask(lambda body, headers: None)
    assert len(sent) == 4
    assert min(sent) >= 30


def test_a_429_that_another_thread_meets_while_this_one_waits_for_its_turn_is_kept(reading: ClientFactory) -> None:
    clients: list[ApiClient] = []

    def sleep(seconds: float) -> None:
        reading.time.sleep(seconds)
        if reading.time.clock() < 5:
            clients[0]._pause(50)

    with scripted(GOOD) as server:
        clients.append(
            ApiClient(
                server.origin,
                "key",
                reading.budget(per_second=0.1),
                DIALECT,
                clock=reading.time.clock,
                sleep=sleep,
                now=reading.time.now,
            )
        )
        get(clients[0])
        get(clients[0])
        clients[0].close()
    assert reading.time.clock() >= 50


def test_a_pace_slower_than_the_deadline_delays_but_does_not_fail(reading: ClientFactory) -> None:
    with scripted(GOOD) as server:
        client = ApiClient(
            server.origin,
            "key",
            reading.budget(per_second=0.01),
            DIALECT,
            limits=Limits(deadline=20),
            clock=reading.time.clock,
            sleep=reading.time.sleep,
            now=reading.time.now,
        )
        for _ in range(3):
            get(client)
        client.close()
    assert reading.time.clock() == pytest.approx(200)


def test_a_cancelled_walk_does_not_sit_out_its_waits(open_api: OpenApi, reading: ClientFactory) -> None:
    stats = RequestStats()
    stats.cancelled.set()
    client = reading.client(open_api().base_url)
    client._pause(60)
    with pytest.raises(ApiError, match="given up"):
        get(client, stats)
    assert reading.time.naps == []
