"""Finds out with a handful of requests what works with an API and what does not."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from leads_assets.doctor.capabilities import habits
from leads_assets.doctor.far_ends import look_beyond
from leads_assets.doctor.findings import Finding, State
from leads_assets.doctor.probing import Answer, Prober
from leads_assets.engine.declare import Endpoint
from leads_assets.engine.errors import (
    AccountSuspended,
    ApiError,
    AuthenticationFailed,
    BadRequest,
    EndpointError,
    HostUnreachable,
    NotFound,
    PermissionDenied,
    ResumeLater,
    RunError,
    Unavailable,
)

_ADVICE: tuple[tuple[type[ApiError], str], ...] = (
    (
        AuthenticationFailed,
        "Copy the key from the account again; if it is right, compare the host name letter by letter.",
    ),
    (AccountSuspended, "Only the account's owner can end this; the rows kept here stay as they are."),
    (HostUnreachable, "Look whether this machine reaches the host at all: name, proxy, firewall."),
    (ResumeLater, "Wait until then: calling on can get the key disabled. Other programs share this quota."),
    (PermissionDenied, "Give the user of the key the right to read it. The other endpoints sync without it."),
    (NotFound, "Compare the path in LEADS_API_BASE_URL with the API's documentation; it often ends in /v2."),
    (BadRequest, "Please report it: this server wants other parameters than the contract says."),
    (Unavailable, "Web pages instead of JSON mean that LEADS_API_BASE_URL is not the API; else try again later."),
    (ApiError, "Change the setting that it names."),
)
_TESTED = "connection"
NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One endpoint as the key sees it. `rows`: on the first page; `total`: as the server states it, if it does."""

    endpoint: str
    state: State
    says: str
    advice: str = ""
    envelope: str = ""
    rows: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything found, and what it has cost."""

    findings: list[Finding]
    access: list[Access]
    requests: int


class Examination:
    """Examines connection, rights and capabilities of the server; each request is tried once.

    `known`: endpoints that were readable before, so a refusal of them is a fault, and not the edition.
    """

    def __init__(
        self, prober: Prober, endpoints: Mapping[str, Endpoint], *, limit: int, known: Collection[str]
    ) -> None:
        self._prober = prober
        self._endpoints = endpoints
        self._limit = limit
        self._known = known
        self._findings: list[Finding] = []
        self._access: list[Access] = []
        self._answers: dict[str, Answer] = {}

    def run(self) -> Diagnosis:
        """Ask until everything is known, or until a refusal that every other request would meet too."""
        try:
            self._look()
        except RunError as stop:
            self._findings.append(Finding(_TESTED, State.BROKEN, str(stop), advice(stop)))
        asked = {access.endpoint for access in self._access}
        for name in (name for name in self._endpoints if name not in asked):
            self._access.append(Access(endpoint=name, state=State.WARNING, says=NOT_ASKED))
        return Diagnosis(self._findings, self._access, self._prober.requests)

    def _look(self) -> None:
        ping = self._ping()
        for endpoint in self._endpoints.values():
            error = self._ask(endpoint)
            if ping is not None and type(error) is type(ping):
                says = f"neither the connection test nor the first list can be read ({ping})"
                self._findings.append(Finding(_TESTED, State.BROKEN, says, advice(ping)))
                return
        if ping is not None:
            self._findings.append(Finding(_TESTED, State.WARNING, f"{ping}; the lists were asked all the same"))
        if "leads" in self._answers:
            self._findings += habits(self._prober, self._endpoints["leads"], self._answers["leads"], self._limit)

    def _ping(self) -> EndpointError | None:
        try:
            self._prober.ping()
        except EndpointError as error:
            return error
        host = self._prober.client.base_url
        self._findings.append(Finding(_TESTED, State.OK, f"{host} knows the key"))
        return None

    def _ask(self, endpoint: Endpoint) -> EndpointError | None:
        try:
            answer = self._prober.first_page(endpoint, self._limit)
        except EndpointError as error:
            self._access.append(self._refused(endpoint, error))
            return error
        self._answers[endpoint.name] = answer
        self._findings += look_beyond(self._prober, endpoint, answer, self._limit)
        self._access.append(_readable(endpoint, answer))
        return None

    def _refused(self, endpoint: Endpoint, error: EndpointError) -> Access:
        if isinstance(error, PermissionDenied) and endpoint.edition_gated and endpoint.name not in self._known:
            says = "HTTP 403: not in the account's edition, or no right; its asset is skipped"
            return Access(endpoint=endpoint.name, state=State.WARNING, says=says)
        if isinstance(error, BadRequest) and error.missing_parameter and endpoint.fan_out is not None:
            says = "the plain list is refused (HTTP 400): a sync reads it user by user, one request each"
            return Access(endpoint=endpoint.name, state=State.WARNING, says=says)
        return Access(endpoint=endpoint.name, state=State.BROKEN, says=str(error), advice=advice(error))


def advice(error: ApiError) -> str:
    """What to do about an error."""
    return next(text for kind, text in _ADVICE if isinstance(error, kind))


def _readable(endpoint: Endpoint, answer: Answer) -> Access:
    rows, total = len(answer.page.records), answer.page.total
    state, says, hint = State.OK, "readable", ""
    if len(answer.ids) < rows:
        state = State.WARNING
        says = f"readable, but {rows - len(answer.ids):,} of {rows:,} records have no usable id"
        hint = "They are kept in ops.rejected_rows, and a read with such records is never proven."
    elif not endpoint.paged and total is not None and rows < total:
        says = f"readable; the server caps this list at {rows:,} of {total:,} rows, a sync pages through it"
        state = State.WARNING
    return Access(
        endpoint=endpoint.name,
        state=state,
        says=says,
        advice=hint,
        envelope="bare array" if answer.bare else f"`{endpoint.data_selector}`",
        rows=rows,
        total=total,
    )
