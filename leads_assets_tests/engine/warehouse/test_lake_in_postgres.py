"""A lake whose catalog is in a real PostgreSQL: one writer at a time, whoever dies, and no password anywhere."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leads_assets.engine.records.extract import Extract
from leads_assets.engine.warehouse.address import open_warehouse, parse_lake
from leads_assets.engine.warehouse.deletions import DeletionGuard
from leads_assets.engine.warehouse.errors import WarehouseBusy, WarehouseError, WarehouseUnusable
from leads_assets.engine.warehouse.load import Loader, LoadOptions
from leads_assets_tests.harness.desk import WarehouseHarness, things
from leads_assets_tests.harness.postgres import PASSWORD, Postgres
from leads_assets_tests.harness.rich_load import PROCESSES

pytestmark = pytest.mark.process

ANY_NUMBER = LoadOptions(guard=DeletionGuard(allow=True))


@pytest.fixture
def kind() -> str:
    """A lake, whose catalog is in PostgreSQL."""
    return "postgres"


@pytest.fixture
def dsn(new_database: Callable[[], str]) -> str:
    """The connection string of this test's database."""
    return new_database()


@pytest.fixture
def desk(tmp_path: Path, dsn: str) -> WarehouseHarness:
    """A lake in it that does not exist yet."""
    return WarehouseHarness(tmp_path, address=f"ducklake:postgres:{dsn}")


def name_of(dsn: str) -> str:
    """The database of a connection string."""
    return dsn.rpartition("dbname=")[2]


def cut_connections(server: Postgres, database: str, which: str = "true") -> None:
    """End the sessions there, as a restart or a failing network would."""
    server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}' AND {which}")


def sessions(server: Postgres, database: str) -> int:
    """How many there are."""
    return int(server.execute(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'")[0][0])


def load_at_once(folder: Path, dsn: str, extracts: list[Extract], barrier: Any, said: Any) -> None:
    """In a process of its own: load one after the other, each at the same moment as the other process does."""
    desk = WarehouseHarness(folder, address=f"ducklake:postgres:{dsn}", lock_seconds=120)
    try:
        for extract in extracts:
            barrier.wait(120)
            said.put(desk.loader(ANY_NUMBER).load(extract, f"run of {extract.began_at}").row.number)
    except BaseException:
        barrier.abort()
        raise


def rounds(desk: WarehouseHarness, number: int, *, deletes: bool) -> list[Extract]:
    """Extracts with new ids each time, the same in both processes; without the ids before these where it `deletes`."""
    mode = "full" if deletes else "incremental"
    return [desk.extract(things(*range(turn * 10, turn * 10 + 5)), mode=mode) for turn in range(number)]


def check_two_at_once(desk: WarehouseHarness, dsn: str, number: int) -> None:
    """Two processes load the same new rows at the same moment, so often; nothing stands twice, nothing is lost."""
    for deletes in (True, False):
        said, barrier = PROCESSES.Queue(), PROCESSES.Barrier(2)
        pairs = [rounds(desk, number, deletes=deletes) for _ in range(2)]
        children = [
            PROCESSES.Process(target=load_at_once, args=(desk.folder, dsn, extracts, barrier, said))
            for extracts in pairs
        ]
        for child in children:
            child.start()
        for child in children:
            child.join(900)
        assert [child.exitcode for child in children] == [0, 0]
        numbers = [said.get(timeout=60) for _ in range(2 * number)]
        assert len(set(numbers)) == 2 * number
    rows = 5 * number
    assert desk.row("SELECT count(*), count(DISTINCT id) FROM things") == (rows, rows)
    assert desk.row("SELECT count(*), count(DISTINCT number) FROM ops.sync_runs") == (4 * number, 4 * number)
    assert desk.load(things(1, 2)).row.number == 4 * number + 1


def test_two_processes_that_load_one_endpoint_at_once_leave_no_id_twice(desk: WarehouseHarness, dsn: str) -> None:
    check_two_at_once(desk, dsn, 4)


@pytest.mark.long
def test_fifty_times_two_loads_at_once_leave_no_id_twice(desk: WarehouseHarness, dsn: str) -> None:
    check_two_at_once(desk, dsn, 50)


def load_in_child(folder: Path, dsn: str, extract: Extract) -> None:
    """In a process of its own: load."""
    WarehouseHarness(folder, address=f"ducklake:postgres:{dsn}").loader(ANY_NUMBER).load(extract, "run in child")


def check_killed(desk: WarehouseHarness, server: Postgres, dsn: str, number: int, *, most_seconds: float) -> None:
    """Kill a load so often at any moment: it happened as a whole or not at all, and the next one is let in."""
    desk.load(things(*range(60)))
    dice = random.Random(8)
    for turn in range(1, number + 1):
        extract = desk.extract([{"id": n, "whole": turn} for n in range(turn, turn + 60)])
        child = PROCESSES.Process(target=load_in_child, args=(desk.folder, dsn, extract))
        child.start()
        time.sleep(dice.uniform(0.05, most_seconds))
        child.kill()
        child.join(60)
        live, ids = desk.row("SELECT count(*), count(DISTINCT id) FROM things WHERE _deleted_at IS NULL")
        assert live == ids == 60
        again = desk.load(replace(extract, after=None), ANY_NUMBER).row
        assert again.live_rows == 60
        assert desk.row("SELECT min(whole), max(whole) FROM things WHERE _deleted_at IS NULL") == (turn, turn)
    ends = time.monotonic() + 30
    while sessions(server, name_of(dsn)) and time.monotonic() < ends:
        time.sleep(0.1)
    assert sessions(server, name_of(dsn)) == 0


@pytest.mark.long
def test_a_load_that_is_killed_happened_as_a_whole_or_not_at_all(
    desk: WarehouseHarness, postgres: Postgres, dsn: str
) -> None:
    check_killed(desk, postgres, dsn, 3, most_seconds=2.0)


@pytest.mark.long
def test_fifty_loads_that_are_killed_leave_a_lake_that_is_whole(
    desk: WarehouseHarness, postgres: Postgres, dsn: str
) -> None:
    check_killed(desk, postgres, dsn, 50, most_seconds=2.5)


def test_a_writer_that_waits_too_long_is_told_who_holds_the_lock(desk: WarehouseHarness, dsn: str) -> None:
    desk.load(things(1))
    other = open_warehouse(f"ducklake:postgres:{dsn}", scratch=desk.folder, lock_seconds=0.2)
    with (
        desk.warehouse.write("the test"),
        pytest.raises(WarehouseBusy, match=r"held by leads_assets \S+ \d+ on 127.0.0.1 for more than 0 s"),
        other.write("another"),
    ):
        pass


def test_a_reader_waits_for_no_writer_and_keeps_its_state(desk: WarehouseHarness, dsn: str) -> None:
    desk.load(things(1, 2))
    reader = open_warehouse(f"ducklake:postgres:{dsn}", scratch=desk.folder, lock_seconds=0.1)
    with desk.warehouse.write("the test"), reader.read("a reader") as session:
        assert session is not None
        assert session.one("counting", "SELECT count(*) FROM things") == (2,)


def test_a_connection_that_is_cut_in_a_load_ends_it_busy_and_the_next_one_is_exact(
    desk: WarehouseHarness, postgres: Postgres, dsn: str
) -> None:
    desk.load(things(1))
    desk.after_load = lambda *_: cut_connections(postgres, name_of(dsn))
    with pytest.raises(WarehouseBusy, match="was lost"):
        desk.load(things(1, 2))
    desk.after_load = None
    desk.load(things(1, 2))
    assert desk.row("SELECT count(*), count(DISTINCT id) FROM things") == (2, 2)
    assert desk.row("SELECT count(*) FROM ops.sync_runs") == (2,)


def test_a_run_survives_a_restart_of_the_server_between_two_loads(
    desk: WarehouseHarness, postgres: Postgres, dsn: str
) -> None:
    with closing(Loader(desk.warehouse)) as loader:
        loader.load(desk.extract(things(1)), "run 1")
        postgres.restart()
        loader.load(desk.extract(things(1, 2)), "run 2")
    assert desk.row("SELECT count(*) FROM things") == (2,)


def wrong_addresses(dsn: str) -> Iterator[str]:
    """Addresses at which there is no lake for us, all with a password."""
    yield dsn.replace("port=", "port=1")[:-1]
    yield dsn.replace("user=leads", "user=nobody")
    yield f"{dsn}_missing"
    yield f"postgresql://leads:{PASSWORD}@127.0.0.1:1/lake"


def test_no_error_and_no_text_of_an_address_shows_its_password(tmp_path: Path, dsn: str) -> None:
    for wrong in wrong_addresses(dsn):
        told = []
        warehouse = open_warehouse(f"ducklake:postgres:{wrong}", data=str(tmp_path / "rows"), scratch=tmp_path)
        with pytest.raises(WarehouseError) as error, warehouse.write("the test"):
            pass
        told += [str(error.value), repr(error.value.__cause__), repr(error.value.__context__)]
        address = parse_lake(f"ducklake:postgres:{wrong}")
        told += [str(address), repr(address), address.label, warehouse.label]
        assert not [text for text in told if PASSWORD in text]
        assert "127.0.0.1" in address.label
    with pytest.raises(WarehouseUnusable, match="must hold a connection string") as refused:
        parse_lake(f"ducklake:postgres:password={PASSWORD} nonsense")
    assert PASSWORD not in str(refused.value)


def test_a_failed_attach_tells_no_password_either(desk: WarehouseHarness, postgres: Postgres, dsn: str) -> None:
    desk.load(things(1))
    postgres.execute("UPDATE ducklake_metadata SET value = '99' WHERE key = 'version'", name_of(dsn))
    with (
        pytest.raises(WarehouseUnusable, match="another version of DuckLake") as told,
        desk.warehouse.write("the test"),
    ):
        pass
    assert not [text for text in (str(told.value), repr(told.value.__context__)) if PASSWORD in text]


def test_a_load_that_has_lost_the_lock_commits_nothing(desk: WarehouseHarness, postgres: Postgres, dsn: str) -> None:
    desk.load(things(1))
    holder = "application_name LIKE 'leads_assets %'"
    desk.after_load = lambda *_: cut_connections(postgres, name_of(dsn), holder)
    with pytest.raises(WarehouseBusy, match="was lost; nothing was changed"):
        desk.load(things(1, 2))
    assert desk.row("SELECT count(*) FROM things") == (1,)
