"""What a process is told when it starts: environment and an optional file, read once, wrong ones refused.

Names: ``HOLDFAST_<SERVICE>_<FIELD>``, else ``HOLDFAST_<FIELD>`` for what all services share, else the TOML or JSON file
named by ``HOLDFAST_<SERVICE>_SETTINGS``, else the default. Nested fields are joined by two underscores
(``HOLDFAST_CALL_EVENTS_LIMITS__UNARY_PER_CALLER``). A name of the service's own that no field has is refused:
a misspelt limit is no limit.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from service_host.addresses import is_loopback, split_address

SHARED_PREFIX = "HOLDFAST_"
FILE_SUFFIX = "SETTINGS"
ASYMMETRIC = frozenset({"ES256", "ES384", "ES512", "EdDSA", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_Settings = TypeVar("_Settings", bound="HostSettings")


class WrongSettings(Exception):
    """The process cannot start with these settings; ``sentences`` says why, one each."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


def _checked_address(address: str) -> str:
    split_address(address)
    return address


def _seconds(given: object) -> object:
    """A number of seconds in text; anything else is left to pydantic (ISO 8601, or a length)."""
    try:
        return timedelta(seconds=float(given)) if isinstance(given, str) else given
    except ValueError:
        return given


Length = Annotated[timedelta, BeforeValidator(_seconds)]
Address = Annotated[str, AfterValidator(_checked_address)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]
"""A name in the database that needs no quotes: of a schema, of a role."""


def address_with(url: str, **settings: str) -> str:
    """Return a database's address with settings that its sessions start with (role, search_path)."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode(dict(parse_qsl(parts.query)) | settings)))


class Limits(BaseModel):
    """Bounds on everything a caller can ask of a process; durations are ISO 8601 or seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    message_bytes: int = Field(4 * 1024 * 1024, gt=0)
    answer_bytes: int = Field(16 * 1024 * 1024, gt=0)
    unary_per_caller: int = Field(256, gt=0)
    streams_per_caller: int = Field(64, gt=0)
    unary_total: int = Field(4096, gt=0)
    streams_total: int = Field(1024, gt=0)
    default_deadline: Length = timedelta(seconds=10)
    maximum_deadline: Length = timedelta(seconds=60)
    stream_idle: Length = timedelta(minutes=10)
    stream_write: Length = timedelta(seconds=30)
    stream_life: Length = timedelta(hours=12)
    connection_age: Length = timedelta(hours=1)
    connection_age_grace: Length = timedelta(minutes=5)
    keepalive: Length = timedelta(seconds=30)
    drain_quiet: Length = timedelta(milliseconds=300)
    drain_wait: Length = timedelta(seconds=5)
    drain_grace: Length = timedelta(seconds=10)


class HostSettings(BaseSettings):
    """What every service is told; a service subclasses it with ``env_prefix="HOLDFAST_<SERVICE>_"``.

    No ``http_address`` or ``admin_address`` means that door stays shut.
    """

    model_config = SettingsConfigDict(env_nested_delimiter="__", extra="forbid", frozen=True, hide_input_in_errors=True)

    grpc_address: Address = "127.0.0.1:0"
    http_address: Address | None = None
    admin_address: Address | None = None
    database_url: str = Field("", repr=False)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    telemetry: Literal["off", "console", "otlp"] = "off"
    otlp_endpoint: str = ""
    jwks: str = ""
    issuer: str = ""
    audience: str = "holdfast"
    algorithms: Annotated[tuple[str, ...], NoDecode] = ("ES256", "EdDSA")
    insecure_dev: bool = False
    tls_certificate: str = ""
    tls_key: str = Field("", repr=False)
    limits: Limits = Limits()

    @field_validator("algorithms", mode="before")
    @classmethod
    def _separated_by_commas(cls, names: object) -> object:
        return [name.strip() for name in names.split(",")] if isinstance(names, str) else names

    @field_validator("algorithms")
    @classmethod
    def _only_asymmetric(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names or not set(names) <= ASYMMETRIC:
            sentence = f"must be some of {', '.join(sorted(ASYMMETRIC))}"
            raise ValueError(sentence)
        return names

    @model_validator(mode="after")
    def _belong_together(self) -> HostSettings:
        if sentence := _credentials_complaint(self) or _pairs_complaint(self):
            raise ValueError(sentence)
        return self

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address the process will listen on."""
        every = (self.grpc_address, self.http_address, self.admin_address)
        return tuple(address for address in every if address is not None)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, the service's environment, the shared environment, the file: the first to say wins."""
        del dotenv_settings, file_secret_settings
        shared = EnvSettingsSource(settings_cls, env_prefix=SHARED_PREFIX)
        return init_settings, env_settings, shared, _FileSource(settings_cls)


class _FileSource(InitSettingsSource):
    """The file that ``<prefix>SETTINGS`` names, or nothing."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        path = os.environ.get(f"{_prefix(settings_cls)}{FILE_SUFFIX}")
        super().__init__(settings_cls, _read(Path(path)) if path else {})


def load(settings_class: type[_Settings], **given: object) -> _Settings:
    """The settings of this process; WrongSettings with one sentence for each thing that is wrong.

    ``given`` (from the command line) outranks everything. Values never appear in the sentences: they may be secret.
    """
    prefix = _prefix(settings_class)
    sentences = _unknown_names(settings_class)
    try:
        settings = settings_class(**given)  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as error:
        sentences += [_sentence(prefix, dict(problem)) for problem in error.errors(include_input=False)]
    else:
        if not sentences:
            return settings
    raise WrongSettings(sentences)


def _credentials_complaint(settings: HostSettings) -> str:
    if settings.jwks:
        if settings.insecure_dev:
            return "JWKS and INSECURE_DEV exclude each other: say one"
        return "" if settings.issuer and settings.audience else "JWKS needs ISSUER and AUDIENCE too"
    if not settings.insecure_dev:
        return "JWKS must name the keys tokens are checked with (a file or a URL), or use --insecure-dev on loopback"
    outside = [address for address in settings.addresses if not is_loopback(address)]
    return f"INSECURE_DEV is only for loopback addresses, and {outside[0]} is not one" if outside else ""


def _pairs_complaint(settings: HostSettings) -> str:
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        return "TLS_CERTIFICATE and TLS_KEY go together: give both files or neither"
    if settings.telemetry == "otlp" and not settings.otlp_endpoint:
        return "OTLP_ENDPOINT must be the collector's host:port when TELEMETRY is otlp"
    return ""


def _prefix(settings_class: type[BaseSettings]) -> str:
    return str(settings_class.model_config.get("env_prefix") or SHARED_PREFIX)


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise WrongSettings([f"The settings file cannot be read: {error.strerror}."]) from None
    except ValueError as error:
        raise WrongSettings(
            [f"The settings file is not {path.suffix.strip('.') or 'toml'}: {type(error).__name__}."]
        ) from None
    if not isinstance(found, dict):
        raise WrongSettings(["The settings file must hold one table of settings."])
    return found


def _unknown_names(settings_class: type[HostSettings]) -> list[str]:
    prefix = _prefix(settings_class)
    if prefix == SHARED_PREFIX:
        return []
    known = {f"{prefix}{name.upper()}" for name in (*settings_class.model_fields, FILE_SUFFIX)}
    given = {name for name in os.environ if name.upper().startswith(prefix)}
    return [_unknown(name, known) for name in sorted(given) if name.upper().split("__")[0] not in known]


def _unknown(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name.upper(), known, 1)
    return f"{name} is not a setting{f'; did you mean {near[0]}' if near else ''}."


def _sentence(prefix: str, problem: dict[str, Any]) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    place = "__".join(str(part) for part in problem["loc"]).upper()
    return f"{prefix}{place}: {message}." if place else f"{prefix}{message}."
