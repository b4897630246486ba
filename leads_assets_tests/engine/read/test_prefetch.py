"""Pages ahead: nobody waits for those that are not wanted any more."""

import threading
import time

import pytest

from leads_assets.engine.read.prefetch import Prefetcher
from leads_assets.engine.records.page import Page

pytestmark = pytest.mark.unit

PAGE = Page([], [], None)


class Interrupted(BaseException):
    """As Dagster makes of a signal."""


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, Interrupted])
def test_an_interruption_waits_for_no_server(interruption: type[BaseException]) -> None:
    answered, cancelled, waiting = threading.Event(), threading.Event(), threading.Event()

    def fetch(offset: int) -> Page:
        if offset:
            waiting.set()
            assert answered.wait(20)
        return PAGE

    def interrupted() -> None:
        with Prefetcher(fetch, 2, cancelled.set) as pages:
            assert pages.read(0, step=1, end=9, ahead=2) is PAGE
            assert waiting.wait(20)
            raise interruption

    began = time.monotonic()
    with pytest.raises(interruption):
        interrupted()
    answered.set()
    assert cancelled.is_set()
    assert time.monotonic() - began < 10


def test_an_error_is_told_when_nothing_is_on_its_way_any_more() -> None:
    cancelled, waiting, over = threading.Event(), threading.Event(), threading.Event()

    def fetch(offset: int) -> Page:
        if offset:
            waiting.set()
            assert cancelled.wait(20)
            over.set()
        return PAGE

    def failing() -> None:
        with Prefetcher(fetch, 2, cancelled.set) as pages:
            pages.read(0, step=1, end=9, ahead=2)
            assert waiting.wait(20)
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        failing()
    assert over.is_set()
