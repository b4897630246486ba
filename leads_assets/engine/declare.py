"""Declarations: endpoint, column, column type and dialect. With these an account describes its API."""

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


class Role(StrEnum):
    """What a list is to its table."""

    LIST = "list"
    """The truth: what is gone from it is gone."""
    LOG = "log"
    """Events in order of id, which the server keeps for a while; the table keeps them all."""


@dataclass(frozen=True, slots=True)
class FanOut:
    """How a list is read in parts, one for each row of another list, where the server refuses it as a whole.

    `over`: that other list. `parameter`: the query parameter that takes the id of one of its rows. `column`: the column
    that holds this id.
    """

    over: "Endpoint"
    parameter: str
    column: str


@dataclass(frozen=True, slots=True)
class EventLog:
    """What the events of a log tell of other lists.

    `name_key`: the JSON key of an event's name. `announces`: by the name of an endpoint, with what the names of those
    events begin that announce a change of its rows.
    """

    name_key: str
    announces: Mapping[str, tuple[str, ...]]

    def named_by(self, event: str) -> frozenset[str]:
        """The names of the endpoints of whose rows an event tells."""
        return frozenset(name for name, beginnings in self.announces.items() if event.startswith(beginnings))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One list of the API, and the table it becomes.

    `paged`: the contract reads it with `limit` and `offset`; otherwise with one plain request.
    `change_filter`: the query parameter that keeps only rows changed since a time, where the server has one.
    `edition_gated`: HTTP 403 is normal on accounts whose edition lacks it.
    `role`: whether it is a list or a log.
    `cursor_field`: the column with the time of a row's last change; an older version never replaces a newer one.
    `created_field`: the column with the time of a row's creation; the same id created at another time is another row.
    `fan_out`: how it is read in parts, where the server refuses it for the lack of a parameter.
    `event_log`: what the events of a log tell of other lists.
    """

    name: str
    path: str
    description: str
    columns: tuple[Column, ...]
    paged: bool = False
    params: Mapping[str, str] = field(default_factory=dict)
    data_selector: str = "data"
    change_filter: str | None = None
    role: Role = Role.LIST
    cursor_field: str | None = None
    created_field: str | None = None
    edition_gated: bool = False
    fan_out: FanOut | None = None
    event_log: EventLog | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a declaration that contradicts itself."""
        for name in filter(None, (self.cursor_field, self.created_field)):
            column = self.column(name)
            if column is None or column.type is not ColumnType.TIMESTAMP:
                raise ValueError(f"{self.name}: {name} is no declared column of instants")
        if self.fan_out and self.column(self.fan_out.column) is None:
            raise ValueError(f"{self.name}: {self.fan_out.column} is no declared column")
        if self.change_filter and not self.cursor_field:
            raise ValueError(f"{self.name}: changes are read from the last one on, so they need a cursor_field")

    @property
    def marks_deleted(self) -> bool:
        """Whether rows that are gone from the server are marked."""
        return self.role is Role.LIST

    @property
    def cursor_key(self) -> str | None:
        """The JSON key of the time of a row's last change; None where there is none."""
        column = self.column(self.cursor_field) if self.cursor_field else None
        return column.json_key if column else None

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordering:
    """The words in which an API is asked for the order of a list.

    `order` and `direction` are query parameters. `by_id` and `by_change` are values of the first: in order of the
    primary key, and of the last change ("" where the API has no such order). `ascending` and `descending` are the two
    values of the second.
    """

    order: str
    direction: str
    by_id: str
    by_change: str = ""
    ascending: str
    descending: str

    def params(self, by: str, *, descending: bool = False) -> dict[str, str]:
        """The query parameters that ask for the order `by`."""
        return {self.order: by, self.direction: self.descending if descending else self.ascending}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one API speaks: the words of its requests and answers that all its lists have in common.

    `key_header`: the request header that carries the key.
    `limit`, `offset`: query parameters of a page: how many rows at most, and how many before them (from 0).
    `total_header`, `total_key`: where the row count of the whole list is stated, if it is: a response header, and a key
    beside the records in the envelope; "" for none.
    `ordering`: how to ask for an order; None where the API cannot be asked.
    `wait_headers`: response headers that say how long to wait (seconds, a date or an instant, see `server_wait`).
    `error_type`, `missing_parameter`: the key of an error's body that holds its type, and the type that says that a
    parameter is missing; "" where the API does not tell.
    `instant`: how an instant (UTC) is written into a query parameter, as `strftime` takes it.
    `connection_path`: path of a request that any good key may send; "" for none.
    """

    key_header: str
    limit: str = "limit"
    offset: str = "offset"
    total_header: str = ""
    total_key: str = ""
    ordering: Ordering | None = None
    wait_headers: tuple[str, ...] = ("Retry-After",)
    error_type: str = "type"
    missing_parameter: str = ""
    instant: str = "%Y-%m-%dT%H:%M:%SZ"
    connection_path: str = ""
