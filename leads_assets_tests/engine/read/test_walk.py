"""What other tools lose in silence: each ends with all its rows, with an error, or openly unproven."""

import pytest

from leads_assets.engine.errors import Unavailable
from leads_assets.engine.records.extract import Verdict
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.harness.reading import ClientFactory, ids, is_proven, rows, truth

pytestmark = pytest.mark.socket


@pytest.mark.parametrize("faults", [["cap=50"], ["cap=50", "no_total"], ["cap_hard=37", "body_total"]])
def test_a_smaller_page_than_asked_for_costs_requests_but_no_rows(
    open_api: OpenApi, reading: ClientFactory, faults: list[str]
) -> None:
    api = open_api(*faults)
    extract = reading.read(api)
    assert is_proven(extract)
    assert ids(extract) == truth(api)


@pytest.mark.parametrize("fault", ["error_200", "empty_page", "cut_json", "html", "data_null"])
def test_a_bad_second_page_that_passes_is_asked_for_again(
    open_api: OpenApi, reading: ClientFactory, fault: str
) -> None:
    api = open_api(f"{fault}@leads+1x1")
    extract = reading.read(api)
    assert is_proven(extract)
    assert (ids(extract), extract.retries) == (truth(api), 1)


@pytest.mark.parametrize(
    ("fault", "fact"),
    [
        ("error_200", "an error object without `data`"),
        ("empty_page", "an empty page at row"),
        ("cut_json", "broken or cut-off JSON of"),
        ("data_null", "`data` is null instead of a list"),
    ],
)
def test_a_bad_second_page_that_stays_is_an_error_and_no_short_list(
    open_api: OpenApi, reading: ClientFactory, fault: str, fact: str
) -> None:
    with pytest.raises(Unavailable, match=f"^leads: HTTP 200 with {fact}.*, attempt 3 of 3"):
        reading.read(open_api(f"{fault}@leads+1"))


def test_an_empty_page_in_the_middle_without_a_total_loses_nothing(open_api: OpenApi, reading: ClientFactory) -> None:
    api = open_api("empty_page@leads+1x1", "no_total")
    extract = reading.read(api)
    assert is_proven(extract)
    assert ids(extract) == truth(api)


def test_empty_pages_for_ever_without_a_total_are_never_taken_for_the_end(
    open_api: OpenApi, reading: ClientFactory
) -> None:
    extract = reading.read(open_api("empty_page@leads+1", "no_total"))
    assert extract.verdict is Verdict.UNPROVEN
    assert "could not be lined up" in extract.reason


@pytest.mark.parametrize("endpoint", ["leads", "users"])
def test_an_empty_first_page_without_a_total_is_not_believed_at_once(
    open_api: OpenApi, reading: ClientFactory, endpoint: str
) -> None:
    api = open_api("empty_page@leads+0x1", "empty_page@users+0x1", "no_total")
    extract = reading.read(api, endpoint)
    assert is_proven(extract)
    assert ids(extract) == truth(api, endpoint)


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("faults", [[], ["no_total"], ["ignore_order"], ["ignore_order", "no_total"]])
def test_a_row_deleted_between_two_pages_is_noticed_and_repaired(
    open_api: OpenApi, reading: ClientFactory, threads: int, faults: list[str]
) -> None:
    api = open_api("drift=delete:read@leadsx3", *faults, leads=500)
    extract = reading.read(api, threads=threads)
    assert is_proven(extract)
    assert set(truth(api)) <= set(ids(extract))
    assert len(api.account.gone("leads")) == 3


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("place", ["front", "read", "random", "back"])
@pytest.mark.parametrize("operation", ["insert", "delete", "update"])
def test_a_list_that_moves_at_every_page_keeps_each_row_or_is_unproven(
    open_api: OpenApi, reading: ClientFactory, operation: str, place: str, threads: int
) -> None:
    api = open_api(f"drift={operation}:{place}@leads", leads=400)
    before = set(truth(api))
    extract = reading.read(api, limit=25, threads=threads)
    assert before & set(truth(api)) <= set(ids(extract)) or extract.verdict is Verdict.UNPROVEN


def test_a_bare_array_and_an_envelope_give_the_same_rows(open_api: OpenApi, reading: ClientFactory) -> None:
    bare, wrapped = reading.read(open_api(bare=("leads",))), reading.read(open_api())
    assert is_proven(bare)
    assert rows(bare) == rows(wrapped) != []
