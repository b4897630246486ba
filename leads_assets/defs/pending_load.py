"""What an asset hands to the IO manager: an extract, and the promise of what its load will have done."""

from collections.abc import Callable
from dataclasses import dataclass

from leads_assets.defs.sentences import failure
from leads_assets.engine.records.extract import Extract
from leads_assets.engine.warehouse.result import LoadResult


@dataclass(slots=True)
class PendingLoad:
    """A promise: the extract is on its way into the warehouse, and `result` is there once it has been loaded.

    `release` deletes the extract's files: a load that fails leaves the asset suspended, so the asset cannot do it.
    """

    extract: Extract
    release: Callable[[], None]
    result: LoadResult | None = None

    def loaded(self) -> LoadResult:
        """The result. Raises Failure where the IO manager is one that does not load extracts."""
        if self.result is None:
            self.release()
            raise failure(
                f"{self.extract.endpoint.name}: the IO manager did not load what was read, so nothing is proven and"
                " nothing was checked; this asset needs DuckDBUpsertIOManager as its resource `io_manager`"
            )
        return self.result

    def __reduce__(self) -> str:
        """A manager that would keep the object itself, pickled, is one of those."""
        self.loaded()
        raise TypeError("an extract is loaded, not kept")
