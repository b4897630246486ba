"""Every mart gives the same rows, whatever time zone its reader's machine is in."""

from pathlib import Path

import pytest

from leads_assets.marts.catalogue import file_models
from leads_assets_tests.harness.books import Books
from leads_assets_tests.harness.known import known_account
from leads_assets_tests.marts.test_histories import lived

pytestmark = pytest.mark.socket

READERS = ("Asia/Tokyo", "America/New_York", "Europe/Paris", "Pacific/Chatham")
MARTS = sorted(model.name for model in file_models() if not model.key)


def answers(books: Books, reader_zone: str) -> dict[str, list[str]]:
    """Mart -> its rows, times as instants."""
    with books.open(reader_zone) as connection:
        found = {}
        for mart in MARTS:
            rows = connection.execute(f"FROM marts.{mart}").fetchall()
            found[mart] = sorted(
                repr([value.timestamp() if hasattr(value, "timestamp") else value for value in row]) for row in rows
            )
    return found


@pytest.mark.parametrize("account", ["known", "over the change of clocks"])
def test_a_readers_time_zone_changes_no_row(tmp_path: Path, account: str) -> None:
    books = known_account(tmp_path) if account == "known" else lived(tmp_path, 1).books
    in_utc = answers(books, "UTC")
    for reader in READERS:
        assert answers(books, reader) == in_utc
    assert sum(map(len, in_utc.values())) > 100
