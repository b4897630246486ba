"""What things cost in requests, counted by the server, on an account of 20,000 leads. The README quotes these figures."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from leads_assets.demo.account import Account
from leads_assets.demo.faults import parse_fault
from leads_assets.demo.server import DemoApi
from leads_assets.endpoints import ENDPOINTS
from leads_assets_tests.watched import Watched, asked

LEADS = 20_000
TICKS_A_DAY = 288
FULL_LEADS = 203
"""100 rows a page with one of overlap: 1 + ceil((20,000 - 100) / 99)."""
OTHERS = 0
"""The other thirteen lists."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """An account of 20,000 leads with the quota of a day."""
    with DemoApi(Account(leads=LEADS)) as api:
        yield Watched(api, tmp_path_factory.mktemp("counted"), daily=2000)


def _cost(project: Watched) -> Counter[str]:
    """Requests per endpoint of a sync of everything."""
    project.api.reset()
    assert project.materialize().success
    return Counter(name for name, _ in project.api.requests)


def test_dump(project: Watched) -> None:
    a = _cost(project)
    b = _cost(project)
    project.api.account.update("leads", [int(r["id"]) for r in list(project.api.account.rows("leads"))[::66][:300]])
    c = _cost(project)
    import time
    t = time.monotonic()
    for n in a: print(n, a[n], b[n], c[n], project.api.account.total(n))
    print(sum(a.values()), sum(b.values()), sum(c.values()))
    project.api.reset()
    first = project.tick()
    print(asked(first), project.api.count())
    assert project.run(first).success
    print(project.api.count())
    project.api.reset()
    began = project.now()
    from datetime import datetime, UTC
    days = Counter()
    for tick in range(1, 289):
        project.ahead = tick * timedelta(minutes=5)
        n = project.api.count()
        r = project.tick()
        if asked(r): print(tick, asked(r))
        if project.api.count() - n != 2: print(tick, project.api.count() - n, r.skip_reason.skip_message if r.skip_reason else "")
    print(project.api.count(), time.monotonic() - t)
