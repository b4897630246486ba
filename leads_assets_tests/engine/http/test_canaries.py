"""Whatever goes wrong, neither the key nor a row is in what we say, raise or log."""

import logging
import traceback

import pytest

from leads_assets.demo.server.faults import DEFAULTS, KINDS
from leads_assets.engine.errors import ApiError
from leads_assets.engine.http.client import Limits
from leads_assets.engine.records.extract import Extract
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.harness.reading import ClientFactory

pytestmark = pytest.mark.socket

KEY = "canary-key-7f3a"
_LASTING = {"slow_body": "0.01", "latency": "0.01", "rate_limit": "1000", "oversized": "200000", "drift": "delete:read"}


def _said(error: BaseException) -> str:
    """Text and repr of an exception and of all that hang on it, suppressed ones too."""
    told, waiting, seen = "", [error], set()
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        told += f"{current} {current!r} {current.args} {''.join(traceback.format_exception_only(current))}"
        waiting += [chained for chained in (current.__cause__, current.__context__) if chained is not None]
    return told


@pytest.mark.parametrize("where", ["", "+1"])
@pytest.mark.parametrize("kind", [*KINDS, "echo_key=400", "echo_key=401", "echo_key=429", "echo_key=500", "html=404"])
def test_no_fault_makes_us_say_the_key_or_a_row(
    open_api: OpenApi, reading: ClientFactory, caplog: pytest.LogCaptureFixture, kind: str, where: str
) -> None:
    caplog.set_level(logging.DEBUG)
    fault = f"{kind}={_LASTING[kind]}" if kind in _LASTING else kind
    api = open_api(f"{fault}@leads{where}", key=KEY, leads=120)
    titles = [row["title"] for row in api.account.rows("leads")]
    client = reading.client(api.base_url, key=KEY, limits=Limits(attempts=2, body=150_000))
    said = ""
    try:
        extract: Extract = reading.read(client)
        said += f"{extract.reason} {extract.notes} {extract.verdict}"
    except ApiError as error:
        said += _said(error)
    said += caplog.text + repr(client) + repr(reading.told)
    assert KEY not in said
    assert not [title for title in titles if title in said]
    assert "description" not in said


def test_the_switches_that_need_a_number_are_the_only_ones_with_a_value_here() -> None:
    assert set(_LASTING) <= set(DEFAULTS)


def test_neither_key_nor_query_is_in_what_a_dead_host_leaves_behind(reading: ClientFactory) -> None:
    client = reading.client("http://127.0.0.1:9/v2", key=KEY)
    with pytest.raises(ApiError) as caught:
        reading.read(client)
    said = _said(caught.value)
    assert KEY not in said
    assert "include_unassigned" not in said
