"""What an endpoint, a column and a type are: the words in which an account declares its lists."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

PRIMARY_KEY = "id"


class ColumnType(StrEnum):
    """The DuckDB types a declared column can have."""

    BIGINT = "BIGINT"
    DOUBLE = "DOUBLE"
    MONEY = "DECIMAL(18,4)"
    """Exact to four places: an amount in cents times a whole percentage needs no more, and sums stay exact."""
    BOOLEAN = "BOOLEAN"
    VARCHAR = "VARCHAR"
    TEXTS = "VARCHAR[]"
    DATE = "DATE"
    TIMESTAMP = "TIMESTAMPTZ"
    JSON = "JSON"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    `key` is the JSON key where it differs from `name`; `references` names the endpoint whose `id` the column holds;
    changes of a `tracked` column are written to `ops.changes`; `formerly` lists names the column had in older versions
    of this project, so that a warehouse written by one of them is migrated.
    """

    name: str
    type: ColumnType
    description: str
    key: str = ""
    nullable: bool = True
    references: str | None = None
    tracked: bool = False
    formerly: tuple[str, ...] = ()

    @property
    def json_key(self) -> str:
        """The key of this column's value in the server's records."""
        return self.key or self.name


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One list of the API, and the table it becomes.

    `paged`: the contract reads it with `limit` and `offset`; otherwise with one plain request.
    `change_filter`: the query parameter that keeps only rows changed since a time, where the server has one.
    `edition_gated`: HTTP 403 is normal on accounts whose edition lacks it.
    `marks_deleted`: rows that are gone from the server are marked; off for logs that the server shortens.
    `per_user_fallback`: a refused plain list is read user by user instead.
    `events`: prefixes of the webhook events that announce a change of these rows.
    """

    name: str
    path: str
    description: str
    columns: tuple[Column, ...]
    paged: bool = False
    params: Mapping[str, str] = field(default_factory=dict)
    data_selector: str = "data"
    change_filter: str | None = None
    edition_gated: bool = False
    marks_deleted: bool = True
    per_user_fallback: bool = False
    events: tuple[str, ...] = ()

    def column(self, name: str) -> Column | None:
        """The declared column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def tracked(self) -> tuple[Column, ...]:
        """The columns whose changes are kept in `ops.changes`."""
        return tuple(column for column in self.columns if column.tracked)

    @property
    def references(self) -> tuple[Column, ...]:
        """The columns that hold an `id` of another endpoint."""
        return tuple(column for column in self.columns if column.references)
