"""Lists that change while they are read."""

import pytest

from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.demo.calls import ALL_LEADS, get, ids, walk

pytestmark = pytest.mark.socket


def _ascending(offset: int = 0) -> dict[str, object]:
    return {**ALL_LEADS, "limit": 20, "offset": offset}


@pytest.mark.parametrize(
    ("value", "query", "place"),
    [
        ("insert:front", {}, 0),
        ("insert:back", {}, -1),
        ("insert:front", ALL_LEADS, 0),
        ("insert:back", ALL_LEADS, -1),
    ],
)
def test_an_insert_lands_where_it_is_told_in_the_order_being_read(
    open_api: OpenApi, value: str, query: dict[str, str], place: int
) -> None:
    api = open_api(f"drift={value}x1", leads=40)
    wanted = {**query, "include_unassigned": "true"}
    before = ids(get(api, "leads", **wanted))
    after = ids(get(api, "leads", **wanted))
    assert len(after) == 41
    assert after[place] not in before


@pytest.mark.parametrize(("value", "place"), [("delete:front", 0), ("delete:back", -1)])
def test_a_delete_takes_the_row_at_that_end(open_api: OpenApi, value: str, place: int) -> None:
    api = open_api(f"drift={value}x1", leads=40)
    before = ids(get(api, "leads", **ALL_LEADS))
    after = ids(get(api, "leads", **ALL_LEADS))
    assert set(before) - set(after) == {before[place]}


def test_deleting_a_row_already_read_makes_a_trusting_client_skip_one(open_api: OpenApi) -> None:
    api = open_api("drift=delete:read@leadsx1", leads=60)
    first = ids(get(api, "leads", **_ascending()))
    gone = api.account.gone("leads")
    assert set(gone) < set(first)
    second = ids(get(api, "leads", **_ascending(20)))
    truth = [row["id"] for row in api.account.rows("leads")]
    assert truth[19] not in first + second


def test_what_an_earlier_walk_read_does_not_count_as_read(open_api: OpenApi) -> None:
    api = open_api("drift=delete:read@leads+3", leads=60)
    for offset in (0, 20, 40):
        get(api, "leads", **_ascending(offset))
    page = ids(get(api, "leads", **_ascending()))
    assert set(api.account.gone("leads")) < set(page)


def test_an_update_changes_one_row_a_page(open_api: OpenApi) -> None:
    api = open_api("drift=update:random@leads", leads=250)
    assert len(walk(api, "leads", **ALL_LEADS)) == 250
    changed = get(api, "leads", updated_after="2025-07-02T00:00:00Z", **ALL_LEADS)
    assert 1 <= len(ids(changed)) <= 4


def test_a_restore_brings_a_deleted_row_back_and_does_nothing_where_none_is(open_api: OpenApi) -> None:
    api = open_api("drift=restore:random@leads", leads=30)
    lost = [row["id"] for row in api.account.rows("leads")][3:6]
    api.account.delete("leads", lost)
    sizes = [len(ids(get(api, "leads", **ALL_LEADS))) for _ in range(5)]
    assert sizes == [27, 28, 29, 30, 30]


def test_an_emptied_list_drifts_no_further(open_api: OpenApi) -> None:
    api = open_api("drift=delete:random@teams")
    assert [len(ids(get(api, "teams"))) for _ in range(6)] == [4, 3, 2, 1, 0, 0]


def test_the_same_faults_drift_in_the_same_way_each_time(open_api: OpenApi) -> None:
    gone = []
    for _ in range(2):
        api = open_api("drift=delete:random@leads", leads=120)
        walk(api, "leads", **ALL_LEADS)
        gone.append(api.account.gone("leads"))
    assert gone[0] == gone[1] != ()
