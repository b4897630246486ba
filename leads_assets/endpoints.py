"""What exists: one declaration per endpoint.

Asset, table, checks, sensor and documentation follow from these entries; adding the fifteenth endpoint is one entry
in `ENDPOINTS`. Fields and types come from the API's contract; names are neutral (`customer_id`, never a vendor's word).
"""

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


_INT, _NUMBER, _MONEY, _BOOL = ColumnType.BIGINT, ColumnType.DOUBLE, ColumnType.MONEY, ColumnType.BOOLEAN
_TEXT, _TEXTS, _DATE, _TIME, _JSON = (
    ColumnType.VARCHAR,
    ColumnType.TEXTS,
    ColumnType.DATE,
    ColumnType.TIMESTAMP,
    ColumnType.JSON,
)

_ID = Column("id", _INT, "Primary key: unique per endpoint and account.", nullable=False)
_CREATED = Column("created_at", _TIME, "When the record was created.")
_UPDATED = Column("updated_at", _TIME, "When the record last changed, by the server's clock.")
_OWNER = Column("user_id", _INT, "The user who owns the record.", references="users", tracked=True)

_ALL = (
    Endpoint(
        name="steps",
        path="/steps",
        description="The stages a lead passes through on its way to being won, per pipeline.",
        columns=(
            _ID,
            _CREATED,
            Column("name", _TEXT, "Name of the step.", tracked=True),
            Column("pipeline", _JSON, "The pipeline as the server nests it in the step."),
            Column("pipeline_id", _INT, "The pipeline this step is part of.", references="pipelines", tracked=True),
            Column("position", _INT, "Order of the step within its pipeline.", tracked=True),
            _UPDATED,
        ),
        events=("account.step.",),
    ),
    Endpoint(
        name="pipelines",
        path="/pipelines",
        description="The sales processes of the account; each has its own steps.",
        columns=(
            _ID,
            _CREATED,
            Column("is_default", _BOOL, "Whether new leads start here.", tracked=True),
            Column("name", _TEXT, "Name of the pipeline.", tracked=True),
            _UPDATED,
        ),
        edition_gated=True,
        events=("account.pipeline.",),
    ),
    Endpoint(
        name="clients_folders",
        path="/clients",
        description="Customers: the companies that leads belong to.",
        columns=(
            _ID,
            Column("description", _TEXT, "Free text about the customer."),
            _CREATED,
            Column("is_active", _BOOL, "Whether the customer is in use.", tracked=True),
            Column("name", _TEXT, "Name of the customer.", tracked=True),
            _OWNER,
        ),
        events=("client_folder.",),
    ),
    Endpoint(
        name="categories",
        path="/categories",
        description="Groups of predefined tags.",
        columns=(
            _ID,
            _CREATED,
            Column("is_required", _BOOL, "Whether each lead must carry a tag of the category."),
            Column("name", _TEXT, "Name of the category.", tracked=True),
            _UPDATED,
            Column("supertags", _JSON, "The category's tags as the server nests them."),
        ),
    ),
    Endpoint(
        name="predefined_tags",
        path="/predefined_tags",
        description="The tags that users can choose from.",
        columns=(
            _ID,
            Column("category", _TEXT, "Name of the tag's category."),
            Column("category_id", _INT, "The tag's category.", references="categories", tracked=True),
            _CREATED,
            Column("name", _TEXT, "The tag.", tracked=True),
            Column("position", _INT, "Order of the tag within its category."),
        ),
    ),
    Endpoint(
        name="fields",
        path="/fields",
        description="The custom fields that the account has defined.",
        columns=(
            _ID,
            Column("type", _TEXT, "Type of the field's values.", tracked=True),
            _CREATED,
            Column("is_key", _BOOL, "Whether the field identifies a record."),
            Column("name", _TEXT, "Label of the field.", tracked=True),
            Column("parent_type", _TEXT, "What the field is attached to."),
            Column("position", _INT, "Order of the field on the form."),
            _UPDATED,
        ),
        events=("account.default_field.",),
    ),
    Endpoint(
        name="leads",
        path="/leads",
        description="The sales opportunities.",
        columns=(
            _ID,
            Column("description", _TEXT, "Free text about the lead."),
            Column("attachment_count", _INT, "Number of attached files."),
            Column("closed_at", _TIME, "When the lead was won, lost or cancelled."),
            _CREATED,
            Column("created_by_id", _INT, "The user who created the lead.", references="users"),
            Column("created_from", _TEXT, "Where the lead came from (web, import, API, ...)."),
            Column("currency", _TEXT, "Currency of the amounts, ISO 4217."),
            Column("html_description", _TEXT, "The description with its markup."),
            Column("next_action_at", _TIME, "When the next action is due."),
            Column("pipeline", _TEXT, "Name of the lead's pipeline."),
            Column("probability", _NUMBER, "Chance of winning, in percent.", tracked=True),
            Column("remind_date", _DATE, "Day of the reminder; its time zone is unknown."),
            Column("starred", _BOOL, "Whether the lead is marked as important."),
            Column("status", _TEXT, "Status: todo, standby, won, lost or cancelled.", tracked=True),
            Column("step", _TEXT, "Name of the lead's step.", tracked=True),
            Column("step_id", _INT, "The lead's step.", references="steps", tracked=True),
            Column("tags", _TEXTS, "The lead's tags."),
            Column("title", _TEXT, "Title of the lead."),
            _UPDATED,
            _OWNER,
            Column("amount", _MONEY, "Expected amount, in `currency`.", tracked=True),
            Column("amount_percentage", _NUMBER, "Share of the amount that is counted, in percent."),
            Column(
                "weighted_amount",
                _MONEY,
                "Amount times probability, in `currency`.",
                key="probalized_amount",
                tracked=True,
            ),
            Column("remind_time", _TEXT, "Time of the reminder, HH:MM; its time zone is unknown."),
            Column("estimated_closing_date", _DATE, "Day on which the lead is expected to close.", tracked=True),
            Column(
                "customer_id",
                _INT,
                "The lead's customer.",
                key="client_folder_id",
                references="clients_folders",
                tracked=True,
            ),
            Column("customer_name", _TEXT, "Name of the lead's customer.", key="client_folder_name"),
            Column("team_id", _INT, "The lead's team.", references="teams", tracked=True),
            Column("team_name", _TEXT, "Name of the lead's team."),
        ),
        paged=True,
        params={"order": "id", "direction": "asc", "include_unassigned": "true"},
        change_filter="updated_after",
        events=("lead.",),
    ),
    Endpoint(
        name="follow_ups",
        path="/follow_ups",
        description="What follows a won lead: tasks and their progress.",
        columns=(
            _ID,
            Column("description", _TEXT, "Free text about the follow-up."),
            _CREATED,
            Column("lead_id", _INT, "The lead that is followed up.", references="leads"),
            Column("next_action_at", _TIME, "When the next action is due."),
            Column("status", _TEXT, "Status of the follow-up.", tracked=True),
            Column("tags", _TEXTS, "The follow-up's tags."),
            Column("tasks_count", _INT, "Number of tasks."),
            Column("tasks_done_count", _INT, "Number of tasks that are done.", tracked=True),
            Column("title", _TEXT, "Title of the follow-up."),
            _UPDATED,
            _OWNER,
        ),
        edition_gated=True,
        per_user_fallback=True,
        events=("task.",),
    ),
    Endpoint(
        name="users",
        path="/users",
        description="The people who work with the account; those who left stay listed as disabled.",
        columns=(
            _ID,
            _CREATED,
            Column("email", _TEXT, "E-mail address."),
            Column("firstname", _TEXT, "First name."),
            Column("has_activated", _BOOL, "Whether the user has signed in."),
            Column("is_admin", _BOOL, "Whether the user administers the account.", tracked=True),
            Column("is_disabled", _BOOL, "Whether the user has left.", tracked=True),
            Column("lastname", _TEXT, "Last name."),
            Column("locale", _TEXT, "Language of the user."),
            Column("permalink", _TEXT, "Address of the user's page."),
            Column("teams", _JSON, "The user's teams as the server nests them."),
            Column("time_zone", _TEXT, "Time zone of the user."),
            _UPDATED,
            Column("phone", _TEXT, "Phone number."),
            Column("mobile_phone", _TEXT, "Mobile phone number."),
            Column("job_title", _TEXT, "Job title."),
            Column("avatar_url", _TEXT, "Address of the user's picture."),
        ),
    ),
    Endpoint(
        name="teams",
        path="/teams",
        description="Groups of users.",
        columns=(
            _ID,
            _CREATED,
            Column("name", _TEXT, "Name of the team.", tracked=True),
            _UPDATED,
            Column("users", _JSON, "The team's users as the server nests them."),
        ),
        edition_gated=True,
    ),
    Endpoint(
        name="webhooks",
        path="/webhooks",
        description="The webhooks that the account has registered.",
        columns=(
            _ID,
            Column("event", _TEXT, "The event that calls the webhook."),
            Column("is_disabled", _BOOL, "Whether the webhook is switched off.", tracked=True),
            Column("target", _TEXT, "Address that is called; it may hold a secret."),
            Column("target_type", _TEXT, "Kind of target."),
            Column("name", _TEXT, "Name of the webhook."),
            Column("params", _JSON, "Parameters of the webhook: a map with open keys."),
        ),
        edition_gated=True,
    ),
    Endpoint(
        name="webhook_events",
        path="/webhook_events",
        description="The log of webhook deliveries. The server keeps ten days; the table keeps what it has seen.",
        columns=(
            _ID,
            Column("data", _JSON, "The object that the event is about, as it was then."),
            Column("event", _TEXT, "What happened, such as `lead.step.changed`."),
            Column("has_succeeded", _BOOL, "Whether the delivery was accepted."),
            Column("last_returned_code", _INT, "HTTP status of the last attempt."),
            Column("signature", _TEXT, "Signature of the delivery."),
            Column("try_count", _INT, "Number of attempts."),
        ),
        edition_gated=True,
        marks_deleted=False,
    ),
    Endpoint(
        name="activities",
        path="/activities",
        description="The catalogue of activity types (call, meeting, ...); not a log.",
        columns=(
            _ID,
            Column("color", _TEXT, "Colour of the type's icon."),
            Column("icon", _TEXT, "Name of the type's icon."),
            Column("is_disabled", _BOOL, "Whether the type can no longer be chosen.", tracked=True),
            Column("kind", _TEXT, "Kind of activity."),
            Column("name", _TEXT, "Name of the type.", tracked=True),
            Column("parent_id", _INT, "The type that this one refines.", references="activities"),
            Column("position", _INT, "Order of the type in lists."),
        ),
    ),
    Endpoint(
        name="prospecting_lists",
        path="/spreadsheets",
        description="Lists of prospects that are not leads yet.",
        columns=(
            _ID,
            Column("description", _TEXT, "Free text about the list."),
            Column("column_count", _INT, "Number of columns of the list."),
            Column("column_names", _TEXTS, "Names of the list's columns."),
            _CREATED,
            Column("is_archived", _BOOL, "Whether the list is archived.", tracked=True),
            Column("permalink", _TEXT, "Address of the list."),
            Column("privacy", _INT, "Who can see the list."),
            Column("tags", _TEXTS, "The list's tags."),
            Column("title", _TEXT, "Title of the list."),
            Column("to_qualify_row_count", _INT, "Number of prospects still to be qualified."),
            Column("total_row_count", _INT, "Number of prospects.", tracked=True),
            _UPDATED,
            Column("user", _JSON, "The list's owner as the server nests it."),
        ),
        paged=True,
        events=("prospect.",),
    ),
)

ENDPOINTS: Mapping[str, Endpoint] = {endpoint.name: endpoint for endpoint in _ALL}
