"""Names of fields that are shown outside of the warehouse."""

import pytest

from leads_assets.engine.records.names import shown_counts, shown_list, shown_names

pytestmark = pytest.mark.unit

STRANGE = ("ada@example.com", "Ada Lovelace", "+44 20 7946 0000", "\x1b[2J", "a" * 64, "1st", "é", "", "a-b", "a.b")


@pytest.mark.parametrize("name", STRANGE)
def test_a_name_that_is_no_identifier_is_counted_and_not_shown(name: str) -> None:
    assert shown_names(["added", name]) == (["added"], 1)
    assert shown_counts({"added": 2, name: 3}) == {"added": 2, "1 further": 3}
    assert shown_list([name, "added"]) == "added, 1 further"


def test_identifiers_are_shown_as_they_are() -> None:
    assert shown_list(["_extra_1", "Title", "x" * 63]) == f"Title, _extra_1, {'x' * 63}"


def test_a_sentence_lists_no_more_than_twenty() -> None:
    assert shown_counts({f"field_{number:03}": 1 for number in range(1_000)})["980 further"] == 980
