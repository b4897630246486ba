"""Pages by offset, the next ones fetched ahead by a few threads, handed out in order."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from leads_assets.engine.records.page import Page


class Prefetcher:
    """Hands out pages by offset; at most `threads` of them are fetched or wait at a time, so memory is bounded.

    `cancel` is called before waiting for the threads, so that none of them finishes a long wait for a page that nobody
    needs any more.
    """

    def __init__(self, fetch: Callable[[int], Page], threads: int, cancel: Callable[[], None]) -> None:
        self._fetch = fetch
        self._threads = threads
        self._cancel = cancel
        self._pool: ThreadPoolExecutor | None = None
        self._planned: dict[int, Future[Page]] = {}

    def __enter__(self) -> "Prefetcher":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()
        if self._pool is not None:
            self._cancel()
            # Whoever interrupts the program waits for no server: what the threads still bring goes nowhere.
            is_interrupted = kind is not None and not issubclass(kind, Exception | GeneratorExit)
            self._pool.shutdown(wait=not is_interrupted, cancel_futures=True)

    def read(self, offset: int, *, step: int, end: int, ahead: int) -> Page:
        """The page at `offset`, while up to `ahead` pages at further steps before row `end` are fetched.

        A plan that did not foresee `offset` is dropped. Raises what the fetch raised, for this page only.
        """
        if offset not in self._planned:
            self._drop()
            if ahead <= 1 or offset + step >= end:
                return self._fetch(offset)
        pool = self._pool = self._pool or ThreadPoolExecutor(self._threads, "pages-ahead")
        for later in range(offset, min(end, offset + step * min(ahead, self._threads)), step):
            if later not in self._planned:
                self._planned[later] = pool.submit(self._fetch, later)
        return self._planned.pop(offset).result()

    def _drop(self) -> None:
        for future in self._planned.values():
            future.cancel()
        self._planned.clear()
