"""Processes beside the sync of a case: killed before it, or loading while it reads."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import connection, get_context, parent_process
from multiprocessing.process import BaseProcess

import dagster as dg

from leads_assets.torture.sync import Sync

_PROCESSES = get_context("forkserver")
_STOPS = (310, 40, 180, 7, 330, 120, 5, 320, 80, 9)
"""Requests after which they are killed: three when the first part that they read was loaded, the others before."""
_NAP = 0.002
_READY = 2
"""Requests of the sync that is to be overtaken, before the other one begins: it has looked up what is known."""


def kill_ten_syncs(sync: Sync, requests: Callable[[], int]) -> None:
    """Ten processes begin the sync, one after the other, and are killed in the middle (SIGKILL).

    `requests`: those that the server has had.
    """
    for stop in _STOPS:
        stop_at = requests() + stop
        with _process(sync) as child:
            while child.is_alive() and requests() < stop_at:
                time.sleep(_NAP)


@contextmanager
def overtaking(sync: Sync, requests: Callable[[], int]) -> Iterator[None]:
    """While the block runs, another process makes the sync, as soon as the block has sent its first requests."""
    ends = threading.Event()
    begun = requests()

    def overtake() -> None:
        while requests() < begun + _READY and not ends.is_set():
            time.sleep(_NAP)
        with _process(sync) as child:
            child.join()

    thread = threading.Thread(target=overtake)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()


@contextmanager
def _process(sync: Sync) -> Iterator[BaseProcess]:
    _PROCESSES.set_forkserver_preload([_work.__module__])
    child = _PROCESSES.Process(target=_work, args=(sync,))
    child.start()
    try:
        yield child
    finally:
        child.kill()
        child.join()


def _work(sync: Sync) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.disable()
    with dg.DagsterInstance.ephemeral() as instance:
        sync.run(instance)


def _end_with_parent() -> None:
    if (parent := parent_process()) is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
