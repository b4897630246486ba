"""Tables as frames, with types that keep ids whole."""

from typing import TYPE_CHECKING, Any

from leads_assets.engine.declare import PRIMARY_KEY
from leads_assets.engine.warehouse.errors import LoadFailed
from leads_assets.engine.warehouse.schema import TableName, find
from leads_assets.engine.warehouse.session import Warehouse
from leads_assets.engine.warehouse.sql import quoted

if TYPE_CHECKING:
    import pandas as pd


def read_table(warehouse: Warehouse, name: TableName) -> "pd.DataFrame":
    """The live rows of a table in order of id, without bookkeeping columns, as nullable pandas types.

    Raises LoadFailed if there is no such table.
    """
    with warehouse.read(str(name)) as session:
        table = find(session, name) if session is not None else None
        if session is None or table is None:
            raise LoadFailed(f"{name}: there is no such table in {warehouse.label}; materialize it first")
        picked = f"FROM {table.sql} WHERE _deleted_at IS NULL ORDER BY {quoted(PRIMARY_KEY)}"
        session.execute("reading the table", f"SELECT {', '.join(map(quoted, table.columns))} {picked}")
        frame = session.connection.df()
        # A frame turns integers beside a null into floats, and loses the ids' last digits; masked arrays do not.
        whole = [column for column, kind in table.columns.items() if kind in ("BIGINT", "BOOLEAN", "DOUBLE")]
        session.execute("reading the table", f"SELECT {', '.join(map(quoted, whole))} {picked}")
        for column, values in session.connection.fetchnumpy().items():
            frame[column] = _nullable(values)
    return frame


def _nullable(values: Any) -> Any:
    import numpy as np  # noqa: PLC0415  heavy, and only readers of frames need it
    import pandas as pd  # noqa: PLC0415

    data, mask = np.ma.getdata(values), np.ma.getmaskarray(values)
    kinds = {"i": pd.arrays.IntegerArray, "b": pd.arrays.BooleanArray, "f": pd.arrays.FloatingArray}
    return kinds[values.dtype.kind](data, mask)
