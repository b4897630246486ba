"""Every `LEADS_*` variable once: its default, its bounds, and what it means.

The table in the README and `.env.example` are held against `Settings` by a test, and nothing else in the project reads
a setting from the environment.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args, get_origin
from urllib.parse import urlsplit

import pytz
from annotated_types import Ge, Le
from platformdirs import user_state_path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.engine.errors import ConfigurationError
from leads_assets.engine.http.address import checked_base_url, checked_key, is_loopback
from leads_assets.engine.warehouse.address import LAKE, LakeAddress, parse_lake
from leads_assets.engine.warehouse.errors import WarehouseUnusable
from leads_assets.engine.warehouse.file import FileWarehouse
from leads_assets.engine.warehouse.lake import checked_data

DOTENV = ".env"
_SETTING = re.compile(r"(?:the )?setting `(\w+)`")
_APP = "leads-assets"
NO_ACCOUNT = (
    "no account is set: put LEADS_API_BASE_URL and LEADS_API_KEY into the environment or into .env,"
    " or try it without an account by `make demo`"
)


def _address(text: str) -> str:
    try:
        return text and checked_base_url(text)
    except ConfigurationError as error:
        raise ValueError(str(error)) from None


def _key(key: SecretStr) -> SecretStr:
    try:
        checked_key(key.get_secret_value() or "none")
    except ConfigurationError:
        raise ValueError("LEADS_API_KEY must hold neither blanks nor line breaks, and only ASCII characters") from None
    return key


def _notify_url(url: SecretStr) -> SecretStr:
    """It is a secret as a key is: whoever knows the address of a chat's webhook may write there."""
    parts = urlsplit(url.get_secret_value())
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    if url and not (is_safe and parts.hostname and "@" not in parts.netloc):
        raise ValueError("LEADS_NOTIFY_URL must be an address like https://chat.example.com/hooks/…; https")
    return url


def _file(path: Path) -> Path:
    """The absolute path, its links followed: otherwise a file that is replaced by renaming would replace the link."""
    text = str(path)
    # DuckDB takes `?` for the beginning of its parameters.
    if "?" in text or text != text.strip():
        raise ValueError("must be the path of a file, without `?` and without a blank at either end")
    try:
        return path.expanduser().resolve()
    except (OSError, RuntimeError):
        raise ValueError("must be the path of a file; its links end nowhere") from None


def _place(address: object) -> object:
    """A checked address of a lake, or the path of a DuckDB file."""
    try:
        if isinstance(address, str) and address.startswith(LAKE):
            return parse_lake(address)
        return FileWarehouse(_file(Path(address))).path if isinstance(address, str | Path) else address
    except WarehouseUnusable as error:
        raise ValueError(str(error)) from None


def _data(place: str) -> str:
    try:
        return checked_data(place)
    except WarehouseUnusable as error:
        raise ValueError(str(error)) from None


def _lower(text: object) -> object:
    return text.lower() if isinstance(text, str) else text


def _zone(name: str) -> str:
    if name not in pytz.all_timezones_set:  # the database asks by the same names, wherever this runs
        raise ValueError("LEADS_TIME_ZONE must be the name of a time zone, like Europe/Paris")
    return name


def _names(text: object) -> object:
    names = tuple(name.strip() for name in text.split(",")) if isinstance(text, str) else text
    if isinstance(names, tuple) and (unknown := [name for name in names if name not in ENDPOINTS]):
        raise ValueError(
            f"LEADS_WHOLE_LISTS names {len(unknown):,} lists that there are not; it may name {', '.join(ENDPOINTS)}"
        )
    return names


class Settings(BaseModel):
    """What a user can set. Made from fields it reads no environment; `from_environment` does.

    A wrong value raises ConfigurationError, with one sentence for each of them that names the variable and what it may
    be, and never shows the value. Paths are absolute afterwards, with their links followed.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, hide_input_in_errors=True
    )

    base_url: Annotated[str, AfterValidator(_address)] = Field(
        default="",
        validation_alias="LEADS_API_BASE_URL",
        description="address of the API; https, or http on loopback",
        repr=False,
    )
    api_key: Annotated[SecretStr, AfterValidator(_key)] = Field(
        default=SecretStr(""),
        validation_alias="LEADS_API_KEY",
        description="the key; sent in the header `X-API-KEY` only",
    )
    daily_requests: int = Field(
        default=2000,
        ge=0,
        le=1_000_000_000,
        validation_alias="LEADS_API_DAILY_REQUESTS",
        description="requests per UTC day over all processes; 0 for no limit",
    )
    page_size: int = Field(
        default=100,
        ge=1,
        le=10_000,
        validation_alias="LEADS_API_PAGE_SIZE",
        description="rows a page; where the server allows more, fewer requests (`leads-assets doctor` tells)",
    )
    requests_per_second: float = Field(
        default=0.0,
        ge=0,
        le=1_000,
        allow_inf_nan=False,
        validation_alias="LEADS_API_REQUESTS_PER_SECOND",
        description="pace; 0 for no limit",
    )
    deadline_seconds: float = Field(
        default=120.0,
        ge=1,
        le=86_400,
        allow_inf_nan=False,
        validation_alias="LEADS_API_DEADLINE_SECONDS",
        description="bound of one request with all its attempts and waits",
    )
    warehouse: Annotated[Path | LakeAddress, BeforeValidator(_place)] = Field(
        default=Path("data/leads.duckdb"),
        validate_default=True,
        validation_alias="LEADS_WAREHOUSE",
        description="the DuckDB file, relative to the current folder; or [a lake](docs/lake.md), `ducklake:postgres:…`",
    )
    warehouse_data: Annotated[str, AfterValidator(_data)] = Field(
        default="",
        validation_alias="LEADS_WAREHOUSE_DATA",
        description="where the rows of a new lake go: a folder, or `s3://bucket/folder/`",
    )
    keep_days: int = Field(
        default=7,
        ge=1,
        le=3_650,
        validation_alias="LEADS_LAKE_KEEP_DAYS",
        description="days that old snapshots of a lake stay",
    )
    object_store: str = Field(
        default="",
        validation_alias="AWS_ENDPOINT_URL",
        description="URL of an object store that is not Amazon's",
    )
    lock_seconds: float = Field(
        default=120.0,
        ge=0,
        le=86_400,
        allow_inf_nan=False,
        validation_alias="LEADS_WAREHOUSE_LOCK_SECONDS",
        description="longest wait for another writer, or another reader of a file",
    )
    snapshot: Annotated[Path, AfterValidator(_file)] | None = Field(
        default=None,
        validation_alias="LEADS_WAREHOUSE_SNAPSHOT",
        description="where to publish a read copy, relative to the current folder",
    )
    state: Annotated[Path, AfterValidator(_file)] | None = Field(
        default=None,
        validation_alias="LEADS_STATE",
        description="folder of the request counts, one per account; by default in the user's state folder",
    )
    reconcile_hours: float | None = Field(
        default=None,
        ge=1,
        le=8_760,
        allow_inf_nan=False,
        validation_alias="LEADS_RECONCILE_HOURS",
        description="hours after which leads are read in full again; by default 24, above 200 requests 168",
    )
    sensor_seconds: int = Field(
        default=300,
        ge=1,
        le=86_400,
        validation_alias="LEADS_SENSOR_SECONDS",
        description="seconds between the sensor's looks",
    )
    schema_policy: Annotated[Literal["evolve", "freeze"], BeforeValidator(_lower)] = Field(
        default="evolve",
        validation_alias="LEADS_SCHEMA",
        description="unknown fields become columns; `freeze` keeps them in `_extra`",
    )
    time_zone: Annotated[str, AfterValidator(_zone)] = Field(
        default="UTC",
        validation_alias="LEADS_TIME_ZONE",
        description="time zone in which the marts count days and months, like `Europe/Paris`",
    )
    whole_lists: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = Field(
        default=(),
        validation_alias="LEADS_WHOLE_LISTS",
        description="lists that the server is known not to cut, even at a round number of rows; names with commas",
    )

    notify_url: Annotated[SecretStr, AfterValidator(_notify_url)] = Field(
        default=SecretStr(""),
        validation_alias="LEADS_NOTIFY_URL",
        description="address that is told of failures, unproven or old tables, requests nearly spent; https",
    )

    @property
    def reconcile_every(self) -> timedelta | None:
        """The interval of full reads, None for the one that goes by a list's size."""
        return None if self.reconcile_hours is None else timedelta(hours=self.reconcile_hours)

    @classmethod
    def from_environment(cls) -> Self:
        """What the environment and `.env` of the current folder say; as for Dagster's own commands, `.env` wins."""
        try:
            return cls.model_validate(dict(_Environment()))
        except (OSError, UnicodeError):
            raise ConfigurationError(f"the file {DOTENV} of the current folder cannot be read") from None

    @property
    def has_account(self) -> bool:
        """Whether an address and a key are set."""
        return bool(self.base_url and self.api_key)

    @property
    def state_folder(self) -> Path:
        """The folder of the request counts. Raises ConfigurationError where the user has no folder for states."""
        if self.state is not None:
            return self.state
        try:
            return user_state_path(_APP, appauthor=False)
        except RuntimeError:
            raise ConfigurationError(
                "LEADS_STATE must name a folder for the request count: this user has no home"
            ) from None

    @model_validator(mode="wrap")
    @classmethod
    def _checked(cls, values: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(values, Mapping):
            values = {name: value for name, value in values.items() if value != ""}
        try:
            settings = handler(values)
        except ValidationError as error:
            raise ConfigurationError("; ".join(_sentences(error.errors()))) from None
        if settings.snapshot is not None and isinstance(settings.warehouse, LakeAddress):
            raise ConfigurationError(
                "LEADS_WAREHOUSE_SNAPSHOT is for a DuckDB file: readers of a lake never wait, leave it empty"
            )
        if settings.snapshot == settings.warehouse:
            raise ConfigurationError("LEADS_WAREHOUSE_SNAPSHOT must be another file than LEADS_WAREHOUSE")
        return settings


class _Environment(BaseSettings, Settings):
    model_config = SettingsConfigDict(env_file=DOTENV, case_sensitive=True, extra="ignore", validate_by_name=False)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return dotenv_settings, env_settings


def variables() -> dict[str, FieldInfo]:
    """Each variable with the field that it sets."""
    return {str(field.validation_alias): field for field in Settings.model_fields.values()}


def in_variables(sentence: object) -> str:
    """The text of an error or a verdict with the variable in the place of each setting.

    The engine's sentences name a setting by its field, "the setting `base_url`"; the user has set a variable. What
    leaves the project passes here: Dagster's texts, the commands' reports, the reasons that the warehouse keeps.
    """
    return _SETTING.sub(_variable, str(sentence))


def _variable(found: re.Match[str]) -> str:
    field = Settings.model_fields.get(found[1])
    return str(field.validation_alias) if field else found[0]


def _sentences(errors: Iterable[ErrorDetails]) -> Iterable[str]:
    aliases = {name: str(field.validation_alias) for name, field in Settings.model_fields.items()}
    for error in errors:
        place = str(error["loc"][0]) if error["loc"] else ""
        variable = aliases.get(place, place)
        said = (
            in_variables(error["ctx"]["error"])
            if error["type"] == "value_error"
            else _may_be(variables().get(variable))
        )
        yield said if variable in said else f"{variable} {said}"


def _may_be(field: FieldInfo | None) -> str:
    if field is None:
        return "is no setting"
    if get_origin(field.annotation) is Literal:
        choices = get_args(field.annotation)
        return f"must be {' or '.join(f'`{choice}`' for choice in choices)}"
    kind = "a whole number" if field.annotation is int else "a number"
    bounds: dict[type, Any] = {type(bound): bound for bound in field.metadata if isinstance(bound, Ge | Le)}
    if not bounds:
        return "must be a text"
    return f"must be {kind} from {bounds[Ge].ge:,} to {bounds[Le].le:,}"
