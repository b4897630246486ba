"""What an asset hands to the IO manager: an extract, and the place where the load's result is left for the checks."""

from collections.abc import Callable
from dataclasses import dataclass

from leads_assets.extract import Extract
from leads_assets.warehouse.result import LoadResult


@dataclass(slots=True)
class Delivery:
    """An extract on its way into the warehouse; `result` is set once it has been loaded.

    `release` deletes the extract's files: a load that fails leaves the asset suspended, so the asset cannot do it.
    """

    extract: Extract
    release: Callable[[], None]
    result: LoadResult | None = None
