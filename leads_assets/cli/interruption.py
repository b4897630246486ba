"""Ends a command on a signal: in order if possible, and soon in any case.

A signal raises KeyboardInterrupt in the main thread, unless Dagster turns it into an error of its own. Code that
waits in a thread (for a server that does not answer) or in C is not interrupted; so a second thread waits a few
seconds, then does what must be done at the end and ends the process.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from leads_assets.engine.records.spool import abandon

GRACE_SECONDS = 3.0
"""What must be done at the end (see `at_last`) has two seconds more: five in all are promised."""
Interrupted = KeyboardInterrupt
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_last_resorts: list[Callable[[], None]] = [abandon]


class Interruption:
    """The first signal that came, if any did."""

    def __init__(self) -> None:
        self.signal: int | None = None

    @property
    def status(self) -> int:
        """The exit status that says which signal it was."""
        return 128 + (self.signal or signal.SIGINT)

    def leave(self) -> NoReturn:
        """End the process at once: threads that still wait for a server would keep it alive."""
        for resort in _last_resorts:
            with suppress(OSError):
                resort()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(self.status)


@contextmanager
def at_last(resort: Callable[[], None]) -> Iterator[None]:
    """While the block runs, `resort` is called before the process is ended by force."""
    _last_resorts.append(resort)
    try:
        yield
    finally:
        _last_resorts.remove(resort)


@contextmanager
def at_any_signal() -> Iterator[Interruption]:
    """SIGINT, SIGTERM and SIGHUP end the block, and GRACE_SECONDS later the process. For the main thread.

    `nohup` is respected.
    """
    interruption, over = Interruption(), threading.Event()
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    # The number of the signal comes this way, because Dagster puts handlers of its own in the place of ours.
    before = signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    # SIGINT too where it is ignored, as in a background job of a script: Dagster gives SIGTERM the handler of SIGINT.
    caught = [name for name in _SIGNALS if name != signal.SIGHUP or signal.getsignal(name) != signal.SIG_IGN]
    handlers = {name: signal.signal(name, _interrupt) for name in caught}
    watch = threading.Thread(target=_watch, args=(told, interruption, over), name="interruption", daemon=True)
    watch.start()
    try:
        yield interruption
    finally:
        over.set()
        for name, handler in handlers.items():
            signal.signal(name, handler)
        signal.set_wakeup_fd(before)
        os.close(tell)
        watch.join()
        os.close(told)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)  # what is being put in order must not be disturbed
    raise KeyboardInterrupt


def _watch(told: int, interruption: Interruption, over: threading.Event) -> None:
    while number := os.read(told, 1):
        if number[0] not in _SIGNALS:
            continue
        interruption.signal = interruption.signal or number[0]
        if not over.wait(GRACE_SECONDS):
            interruption.leave()
