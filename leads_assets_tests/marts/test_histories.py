"""The kept history against random pasts: loads of all kinds, events, deletions, restorations, wrong stamps."""

from pathlib import Path

import pytest

from leads_assets.engine.warehouse import kept
from leads_assets.marts.catalogue import kept_models
from leads_assets.marts.invariants import INVARIANTS
from leads_assets_tests.harness.books import Books
from leads_assets_tests.harness.known import known_account
from leads_assets_tests.harness.pasts import Past

pytestmark = pytest.mark.socket

SEEDS = [0, 1, 2, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 8))]


def lived(folder: Path, seed: int) -> Past:
    """An account after some weeks."""
    past = Past(folder, seed)
    past.books.build()
    for _ in past.loads(18):
        pass
    return past


def kept_rows(books: Books) -> dict[str, list[str]]:
    """The rows of the kept tables."""
    with books.session() as session:
        return {
            model.name: sorted(map(repr, session.run("test", f"FROM kept.{model.name}"))) for model in kept_models()
        }


@pytest.fixture(scope="module", params=SEEDS)
def books(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Books:
    """The warehouse of an account after some weeks."""
    return lived(tmp_path_factory.mktemp("past"), request.param).books


def test_what_is_kept_load_by_load_is_what_a_full_build_gives(books: Books) -> None:
    load_by_load = kept_rows(books)
    with books.session() as session:
        kept.rebuild(session, kept_models(), books.zone)
    assert load_by_load == kept_rows(books)
    assert all(load_by_load.values())


def test_every_invariant_holds_on_any_past(books: Books) -> None:
    assert {claim.name: rows for claim in INVARIANTS if (rows := books.rows(claim.broken))} == {}


def test_every_invariant_holds_on_the_known_account(tmp_path: Path) -> None:
    books = known_account(tmp_path)
    assert {claim.name: rows for claim in INVARIANTS if (rows := books.rows(claim.broken))} == {}
