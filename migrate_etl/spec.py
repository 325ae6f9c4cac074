"""What one RockRMS import is asked to do. No secrets: those travel in `ImportSecrets`, never in a spec, tag or log."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

EntityName = Literal["people", "families", "groups", "contributions", "attendance", "prayer_requests"]
ENTITY_NAMES: tuple[EntityName, ...] = (
    "people",
    "families",
    "groups",
    "contributions",
    "attendance",
    "prayer_requests",
)
"""The fixed order of an import: each entity refers only to those before it."""

RecordKind = EntityName | Literal["funds"]
"""Whatever is sent: the entities, and the funds before contributions, which are no entity of the counts."""

MAX_BATCH = 500
"""Records a Mission import request may carry (documented limit)."""


class ValueMaps(BaseModel):
    """Overrides for how a church's own defined values reach Mission: Rock GUID (any case) -> Mission word."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    payment_method: dict[str, Literal["Cash", "Check", "Card", "Online", "Other"]] = Field(default_factory=dict)
    status: dict[str, Literal["Active", "Inactive", "Visitor", "Deceased"]] = Field(default_factory=dict)
    """Connection status GUID -> Mission status (deceased and inactive records keep theirs)."""
    group_type: dict[str, str] = Field(default_factory=dict)
    """Group type GUID -> Mission's free group category."""

    @field_validator("payment_method", "status", "group_type")
    @classmethod
    def _by_guid(cls, value: dict[str, str]) -> dict[str, str]:
        """A name in a GUID's place would match nothing, without a word."""
        for guid in value:
            _require_guid(guid)
        return value


class RockImportSpec(BaseModel):
    """One import job.

    `started_on` is the organisation's local date on which the job was created: prayer visibility is judged by it,
    so that a resume judges alike. Campus ids are Rock's `Campus.Id`; empty means every campus.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    job_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    """Also the name of its folder."""
    organization: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    """Mission organisation slug."""
    mission_url: str
    entities: tuple[EntityName, ...] = ENTITY_NAMES
    campus_ids: tuple[int, ...] = ()
    date_range_start: date | None = None
    """Inclusive local date; contributions (transaction date) and attendance (occurrence date) only."""
    time_zone: str = "UTC"
    """IANA name of the organisation's zone; Rock stores local times without saying whose."""
    started_on: date
    include_group_types: tuple[str, ...] = ()
    """Group type GUIDs; empty means every type but the ones Rock uses for itself."""
    value_maps: ValueMaps = ValueMaps()
    batch_size: Annotated[int, Field(ge=1, le=MAX_BATCH)] = MAX_BATCH
    concurrency: Annotated[int, Field(ge=1, le=32)] = 4
    resend: bool = False
    """Ignore the receipts book and send every record."""

    @field_validator("job_id")
    @classmethod
    def _own_folder(cls, value: str) -> str:
        if value.lower() == "books":
            raise ValueError("`books` is the folder that all jobs share; choose another name")
        return value

    @field_validator("mission_url")
    @classmethod
    def _address(cls, value: str) -> str:
        """Without the slashes at its end."""
        address = value.rstrip("/")
        if not _is_address(address):
            raise ValueError("give an address such as https://mission.example, without user, password, ? or #")
        return address

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("not an IANA time zone; give one such as America/Chicago") from error
        return value

    @field_validator("entities")
    @classmethod
    def _in_order(cls, value: tuple[EntityName, ...]) -> tuple[EntityName, ...]:
        if not value:
            raise ValueError("name at least one entity")
        return tuple(name for name in ENTITY_NAMES if name in value)

    @field_validator("campus_ids")
    @classmethod
    def _sorted_ids(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(value)))

    @field_validator("include_group_types")
    @classmethod
    def _lower_guids(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for guid in value:
            _require_guid(guid)
        return tuple(guid.lower().strip("{}") for guid in value)


def _require_guid(text: str) -> None:
    try:
        UUID(text.strip("{}"))
    except ValueError:
        raise ValueError("give Rock's GUID, such as 928a2e04-c77b-4282-888f-ec549cee026a") from None


def _is_address(text: str) -> bool:
    """What a client can call; `urlsplit` and its port raise for brackets and numbers that make no sense."""
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return known and not set(text) & set("@?# \t\r\n\\") and text.isprintable()


class ImportSecrets(BaseModel):
    """What the import needs and nobody may see. Handed over stdin or the environment, never stored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rock_connection: SecretStr
    mission_key: SecretStr
