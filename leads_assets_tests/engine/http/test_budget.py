"""The count of requests: per UTC day, for all processes, and never one too many."""

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from leads_assets.engine.errors import ConfigurationError, QuotaExhausted, RateLimited
from leads_assets.engine.http.budget import RequestBudget
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.harness.asking import GOOD, get
from leads_assets_tests.harness.reading import NOON, ClientFactory
from leads_assets_tests.harness.scripted import scripted

pytestmark = pytest.mark.process

_TAKE_MANY = """
import sys
from pathlib import Path
from leads_assets.engine.http.budget import RequestBudget
from leads_assets.engine.errors import QuotaExhausted
taken = 0
try:
    while True:
        budget = RequestBudget(Path(sys.argv[1]), 200)
        for _ in range(5):
            budget.take("leads")
            taken += 1
        budget.close()
except QuotaExhausted:
    print(taken)
"""


class Day:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def test_the_day_ends_at_midnight_utc_whatever_zone_the_clock_shows(tmp_path: Path) -> None:
    day = Day()
    budget = RequestBudget(tmp_path / "count", 2, now=day)
    day.now = datetime(2026, 3, 4, 23, 59, 59, tzinfo=UTC)
    budget.take("leads")
    budget.take("leads")
    with pytest.raises(
        QuotaExhausted, match=r"leads: all 2 requests .*; run again after 2026-03-05T00:00:00Z"
    ) as caught:
        budget.take("leads")
    assert caught.value.resume_at == datetime(2026, 3, 5, tzinfo=UTC)
    day.now = day.now.astimezone(timezone(timedelta(hours=9)))
    assert budget.left() == 0
    day.now = day.now + timedelta(seconds=1)
    assert budget.left() == 2
    budget.take("leads")
    assert (budget.spent(), budget.left()) == (1, 1)
    budget.close()


def test_processes_that_share_the_file_never_exceed_the_day(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", _TAKE_MANY, str(tmp_path / "count")], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    taken = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(taken) == 200


_OPEN_TOGETHER = """
import multiprocessing, sys
from pathlib import Path
from leads_assets.engine.http.budget import RequestBudget

def take(path, barrier, results):
    barrier.wait()
    try:
        RequestBudget(path, 200).take("leads")
        results.put("")
    except Exception as error:
        results.put(str(error))

if __name__ == "__main__":
    fork = multiprocessing.get_context("fork")
    for number in range(30):
        barrier, results = fork.Barrier(6), fork.Queue()
        path = Path(sys.argv[1]) / str(number)
        processes = [fork.Process(target=take, args=(path, barrier, results)) for _ in range(6)]
        for process in processes:
            process.start()
        for said in [results.get() for _ in processes]:
            if said:
                print(said)
        for process in processes:
            process.join()
"""


def test_processes_that_make_the_file_at_the_same_moment_all_get_their_turn(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _OPEN_TOGETHER, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == ""


def test_threads_of_one_process_never_exceed_the_day(tmp_path: Path) -> None:
    budget = RequestBudget(tmp_path / "count", 50)
    refused: list[QuotaExhausted] = []

    def take() -> None:
        try:
            for _ in range(20):
                budget.take("leads")
        except QuotaExhausted as error:
            refused.append(error)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert budget.spent() == 50
    assert refused
    budget.close()


def test_no_limit_is_counted_all_the_same(reading: ClientFactory) -> None:
    budget = reading.budget(0)
    for _ in range(5):
        budget.take("leads")
    budget.require("leads", 10**9, 10**11)
    assert (budget.spent(), budget.left()) == (5, None)


def test_every_attempt_is_counted_before_it_is_sent(open_api: OpenApi, reading: ClientFactory) -> None:
    api = open_api("status=503x1", "disconnect+1x1")
    client = reading.client(api.base_url, daily=3)
    get(client)
    assert client.budget.left() == 0
    with pytest.raises(QuotaExhausted):
        get(client)
    assert api.count() == 3


def test_a_list_that_does_not_fit_into_the_day_costs_one_request(open_api: OpenApi, reading: ClientFactory) -> None:
    api = open_api(leads=2_000)
    with pytest.raises(QuotaExhausted) as caught:
        reading.read(reading.client(api.base_url, daily=20))
    assert str(caught.value).startswith(
        "leads: 2,000 rows need 21 more requests, 19 of 20 are left today (raise the setting `daily_requests`"
    )
    assert api.count() == 1


def test_a_list_that_just_fits_is_read(open_api: OpenApi, reading: ClientFactory) -> None:
    extract = reading.read(reading.client(open_api(leads=2_000).base_url, daily=22))
    assert (extract.requests, extract.budget_left) == (22, 0)


def test_the_pace_gives_each_request_its_own_turn(reading: ClientFactory) -> None:
    budget = reading.budget(per_second=4)
    assert [budget.take("leads") for _ in range(3)] == pytest.approx([0, 0.25, 0.5], abs=1e-6)
    reading.time.sleep(10)
    assert budget.take("leads") == pytest.approx(0, abs=1e-6)


def test_a_quota_pause_holds_for_other_objects_until_it_is_over(reading: ClientFactory) -> None:
    with scripted((429, {"Retry-After": "3600"}, b""), GOOD) as server:
        with pytest.raises(RateLimited):
            get(reading.client(server.origin))
        other = reading.client(server.origin)
        with pytest.raises(RateLimited, match=r"quota is used up .*run again after 2026-03-04T13:00:00Z"):
            get(other)
        assert (len(server.requests), other.budget.spent()) == (1, 1)
        reading.time.sleep(3601)
        get(other)
        assert len(server.requests) == 2


def test_a_later_pause_does_not_shorten_an_earlier_one(reading: ClientFactory) -> None:
    budget = reading.budget()
    budget.pause_until(NOON + timedelta(hours=2))
    budget.pause_until(NOON + timedelta(hours=1))
    with pytest.raises(RateLimited) as caught:
        budget.take("leads")
    assert caught.value.resume_at == NOON + timedelta(hours=2)


AHEAD = pytest.mark.parametrize("ahead", [timedelta(minutes=5), timedelta(hours=2), timedelta(days=365)])


@AHEAD
def test_a_pause_that_a_clock_set_which_ran_ahead_counts_for_nothing(reading: ClientFactory, ahead: timedelta) -> None:
    wrong = RequestBudget(reading.count_file, 0, now=lambda: reading.time.now() + ahead)
    wrong.pause_until(NOON + ahead + timedelta(minutes=1))
    wrong.close()
    budget = reading.budget()
    budget.take("leads")
    budget.pause_until(NOON + timedelta(minutes=1))
    with pytest.raises(RateLimited) as caught:
        budget.take("leads")
    assert caught.value.resume_at == NOON + timedelta(minutes=1)
    reading.time.sleep(61)
    budget.take("leads")


def test_a_pause_holds_between_clocks_that_differ_by_seconds(reading: ClientFactory) -> None:
    fast = RequestBudget(reading.count_file, 0, now=lambda: reading.time.now() + timedelta(seconds=30))
    fast.pause_until(NOON + timedelta(days=1))
    fast.close()
    with pytest.raises(RateLimited):
        reading.budget().take("leads")


@AHEAD
def test_a_turn_that_a_clock_gave_which_ran_ahead_makes_nobody_wait(reading: ClientFactory, ahead: timedelta) -> None:
    wrong = RequestBudget(reading.count_file, 0, 4, now=lambda: reading.time.now() + ahead)
    wrong.take("leads")
    wrong.close()
    budget = reading.budget(per_second=4)
    assert [budget.take("leads") for _ in range(3)] == pytest.approx([0, 0.25, 0.5], abs=1e-6)


def test_a_file_that_is_no_count_is_a_setting_to_correct(tmp_path: Path) -> None:
    path = tmp_path / "count"
    path.write_bytes(b"not a database, and long enough to be one" * 50)
    with pytest.raises(ConfigurationError, match=r"the request count .*count cannot be used .* or delete the file"):
        RequestBudget(path, 10)


def test_a_folder_that_cannot_be_made_is_a_setting_to_correct(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="check that its folder is writable"):
        RequestBudget(tmp_path / "file" / "count", 10)
    with pytest.raises(ConfigurationError, match="check that its folder is writable"):
        RequestBudget(tmp_path, 10)


def test_a_count_that_breaks_while_in_use_is_an_error_and_no_free_request(reading: ClientFactory) -> None:
    with scripted(GOOD) as server:
        client = reading.client(server.origin, daily=5)
        client.budget.close()
        with pytest.raises(ConfigurationError, match="cannot be used"):
            get(client)
        assert server.requests == []
