"""What a read of changes of a large list costs in requests with the search for what is gone, counted by the server."""

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import pytest

from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets.demo.server.faults import parse_fault
from leads_assets.engine.records.extract import Extract
from leads_assets.engine.records.state import LiveRows
from leads_assets_tests.harness.reading import ClientFactory

pytestmark = pytest.mark.socket

LEADS = 145_719
"""1,472 pages: the size of the account by which the figures of the README are counted."""


class _Large:
    """A large account whose table holds what the account had when it was opened."""

    def __init__(self, folder: Path, stack: ExitStack, *faults: str) -> None:
        self.api = stack.enter_context(DemoApi(Account(leads=LEADS), faults=map(parse_fault, faults)))
        self._factory = ClientFactory(folder, stack)
        with DemoApi(Account(leads=250)) as small:
            calibration = self._factory.read(small).calibration
        assert calibration
        self._calibration = calibration
        self.ids = self.api.account.ids("leads")

    def sync(self) -> tuple[Extract, int]:
        """A read of the changes of the last two days, and its requests."""
        self.api.reset()
        client = self._factory.client(self.api.base_url)
        since = datetime.now(UTC) - timedelta(days=2)
        extract = self._factory.read(
            client, since=since, live=lambda _: LiveRows(ids=self.ids), calibration=self._calibration
        )
        return extract, self.api.count("leads")

    def costs_of_deleting(self, groups: Iterable[Sequence[int]]) -> list[int]:
        """Requests, ascending, for each of these groups of rows, each deleted, found and brought back."""
        found = []
        for ids in groups:
            assert self.api.account.delete("leads", ids)
            extract, requests = self.sync()
            assert extract.closing is not None
            assert extract.closing.is_closed, extract.closing.reason
            assert extract.closing.gone == frozenset(ids)
            self.api.account.restore("leads", ids)
            found.append(requests)
        return sorted(found)


@pytest.fixture(scope="module", params=[(), ("no_total",)], ids=["total", "no total"])
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[_Large, bool]]:
    """The account, and whether it states totals."""
    with ExitStack() as stack:
        yield _Large(tmp_path_factory.mktemp("large"), stack, *request.param), not request.param


def test_a_read_without_a_change_takes_two_requests_and_four_where_no_total_is_sent(
    large: tuple[_Large, bool],
) -> None:
    account, is_counted = large
    extract, requests = account.sync()
    assert extract.closing is not None
    assert extract.closing.is_closed, extract.closing.reason
    assert requests <= (2 if is_counted else 4)


def test_one_row_that_is_gone_takes_some_fifteen_requests_and_26_where_no_total_is_sent(
    large: tuple[_Large, bool],
) -> None:
    account, is_counted = large
    dice = random.Random(1)
    ends = [account.ids[0], account.ids[99], account.ids[100], account.ids[-2], account.ids[-1]]
    costs = account.costs_of_deleting([row] for row in [*ends, *dice.sample(account.ids, 15)])
    assert (median(costs), costs[-1]) <= ((15, 17) if is_counted else (26, 28))
    assert costs[-1] <= (17 if is_counted else 28)


def test_ten_rows_that_are_gone_take_some_seventy_requests(large: tuple[_Large, bool]) -> None:
    account, is_counted = large
    dice = random.Random(2)
    costs = account.costs_of_deleting(dice.sample(account.ids, 10) for _ in range(7))
    assert median(costs) <= (71 if is_counted else 82)
    assert costs[-1] <= (88 if is_counted else 98)


def test_a_block_of_a_thousand_rows_that_are_gone_takes_some_twenty_requests(large: tuple[_Large, bool]) -> None:
    account, is_counted = large
    costs = account.costs_of_deleting(account.ids[start : start + 1_000] for start in (0, 70_000, 131_313))
    assert costs[-1] <= (20 if is_counted else 30)


def test_300_changed_rows_take_five_requests_and_seven_where_no_total_is_sent(large: tuple[_Large, bool]) -> None:
    account, is_counted = large
    assert len(account.api.account.update("leads", account.ids[:: LEADS // 300][:300])) == 300
    extract, requests = account.sync()
    assert extract.closing is not None
    assert extract.closing.is_closed, extract.closing.reason
    assert extract.spooled.count == 300
    assert requests <= (5 if is_counted else 7)
