"""The page as a file for its owner alone, replaced in one step."""

from pathlib import Path

from leads_assets.engine.warehouse.errors import WarehouseUnusable
from leads_assets.engine.warehouse.new_files import write_private
from leads_assets.engine.warehouse.session import Warehouse
from leads_assets.report.figures import Figures, read_figures
from leads_assets.report.page import render


def write_page(warehouse: Warehouse, page: Path) -> Figures:
    """Write the page of what is in the warehouse now, and return what it says. Raises a WarehouseError.

    It names leads and people, so nobody but its owner may read it.
    """
    with warehouse.read("report") as session:
        figures = read_figures(session)
    text = render(figures)
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        write_private(page, text)
    except OSError as error:
        raise WarehouseUnusable(f"the page {page} cannot be written ({error.strerror})") from None
    return figures
