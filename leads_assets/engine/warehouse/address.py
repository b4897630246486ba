"""From an address to the warehouse that is there. What people read of an address is its label, without any secret."""

import hashlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from leads_assets.engine.warehouse.errors import WarehouseUnusable
from leads_assets.engine.warehouse.file import FileWarehouse
from leads_assets.engine.warehouse.lake import Catalog, LakeWarehouse
from leads_assets.engine.warehouse.session import Warehouse

LAKE = "ducklake:"
_POSTGRES, _SQLITE = "postgres:", "sqlite:"
_SHOWN = ("dbname", "host", "hostaddr", "port", "user")
"""Parts of a connection to PostgreSQL that are no secret."""


@dataclass(frozen=True, slots=True)
class LakeAddress:
    """A checked address of a lake; as a text it is its label."""

    catalog: Catalog
    label: str
    name: str = field(repr=False)

    def __str__(self) -> str:
        return self.label


def parse_lake(text: str) -> LakeAddress:
    """The address of a lake: `ducklake:` and a path, `sqlite:` and a path, or `postgres:` and a connection string.

    Paths become absolute. Raises WarehouseUnusable, which does not quote the address.
    """
    rest = text.removeprefix(LAKE)
    if rest.startswith(_POSTGRES):
        return _postgres(rest.removeprefix(_POSTGRES))
    kind = _SQLITE if rest.startswith(_SQLITE) else ""
    name = rest.removeprefix(kind)
    if not name.strip() or "?" in name or "://" in name or name != name.strip():
        raise WarehouseUnusable(
            "the setting `warehouse` must name a catalog after `ducklake:`: a file (without `?`), `sqlite:` and a file,"
            " or `postgres:` and a connection string"
        )
    path = Path(name).expanduser().resolve()
    return LakeAddress(Catalog(f"{kind}{path}", path=path), f"{LAKE}{kind}{path}", path.stem)


def _postgres(dsn: str) -> LakeAddress:
    try:
        from psycopg2 import Error  # noqa: PLC0415  of the extra `lake`
        from psycopg2.extensions import make_dsn, parse_dsn  # noqa: PLC0415
    except ImportError:
        raise WarehouseUnusable(
            "a catalog in PostgreSQL needs psycopg2: install leads-assets with the extra `lake`"
        ) from None
    try:
        parts = parse_dsn(dsn)
    except Error:
        raise WarehouseUnusable(
            "the setting `warehouse` must hold a connection string of PostgreSQL after `ducklake:postgres:`, as"
            " `dbname=lake host=db.example.com`"
        ) from None
    shown = make_dsn(**{name: parts[name] for name in _SHOWN if name in parts})
    # DuckDB passes no address with a scheme on.
    words = make_dsn(**parts)
    return LakeAddress(
        Catalog(f"{_POSTGRES}{words}", dsn=words),
        f"{LAKE}{_POSTGRES}{shown}",
        parts.get("dbname", "lake"),
    )


def open_warehouse(
    address: str | Path | LakeAddress,
    *,
    data: str = "",
    endpoint: str = "",
    scratch: Path | None = None,
    keep_days: int = 7,
    lock_seconds: float = 120.0,
) -> Warehouse:
    """The warehouse at an address: the path of a DuckDB file, or a DuckLake, `ducklake:…`. Nothing is opened yet.

    `lock_seconds` bounds the wait for other writers. For a lake: `data` is the folder or the `s3://` of its rows, which
    is needed once, `endpoint` the URL of an object store that is not Amazon's, `scratch` a local folder for what waits
    to be loaded (the system's temporary folder), and `keep_days` how long upkeep leaves old snapshots.

    Raises WarehouseUnusable for an address that cannot be one.
    """
    if isinstance(address, str) and address.startswith(LAKE):
        address = parse_lake(address)
    if not isinstance(address, LakeAddress):
        return FileWarehouse(Path(address), lock_seconds=lock_seconds)
    path = address.catalog.path
    digest = hashlib.sha256(address.label.encode()).hexdigest()[:16]
    return LakeWarehouse(
        address.catalog,
        label=address.label,
        data=data or (f"{path}.files" if path else ""),
        endpoint=endpoint,
        base=path or (scratch or Path(tempfile.gettempdir())) / f"lake-{digest}",
        page=path.with_suffix(".html") if path else Path("data", f"{address.name}.html").resolve(),
        keep_days=keep_days,
        lock_seconds=lock_seconds,
    )
