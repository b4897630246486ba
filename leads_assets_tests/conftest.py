"""Demo APIs for every test that needs one."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets.demo.server.faults import parse_fault

if TYPE_CHECKING:
    from leads_assets_tests.harness.postgres import Postgres

pytest_plugins = ("leads_assets_tests.harness.commands",)

_STATES = itertools.count()


@pytest.fixture(scope="session", autouse=True)
def states(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder under which the tests' states lie: no test counts its requests among those of whoever runs it."""
    place = tmp_path_factory.getbasetemp() / "states"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(place))
        yield place


@pytest.fixture(autouse=True)
def _own_state(states: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state folder for each test: every account on loopback has the same name, and would share a count."""
    monkeypatch.setenv("XDG_STATE_HOME", str(states / f"{next(_STATES)}"))


@pytest.fixture(autouse=True)
def _marts_where_asked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loads in this process make views and marts only for tests marked `marts`: the first of a warehouse takes half a
    second for them, and most tests ask about something else. Processes that a test starts always make them."""
    if request.node.get_closest_marker("unit") is None and request.node.get_closest_marker("marts") is None:
        monkeypatch.setattr("leads_assets.defs.resources.keeping_marts", lambda *_: None)


@pytest.fixture(scope="session")
def postgres() -> "Iterator[Postgres]":
    """A real server, one for all tests of a process."""
    from leads_assets_tests.harness.postgres import Postgres  # noqa: PLC0415  of the extra `lake`

    with Postgres() as server:
        yield server


@pytest.fixture
def new_database(postgres: "Postgres") -> Callable[[], str]:
    """Makes databases; each is told by its connection string."""
    return postgres.database


OpenApi = Callable[..., DemoApi]


@pytest.fixture
def open_api() -> Iterator[OpenApi]:
    """Starts servers with the faults given as texts, each with an account of its own; stops them after the test."""
    with ExitStack() as stack:

        def start(*faults: str, leads: int = 250, **options: Any) -> DemoApi:
            return stack.enter_context(DemoApi(Account(leads=leads), faults=map(parse_fault, faults), **options))

        yield start
