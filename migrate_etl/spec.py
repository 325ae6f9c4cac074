"""What one RockRMS import is asked to do. No secrets: those travel in `ImportSecrets`, never in a spec, tag or log.

The types of its fields are the rules: whoever takes such a field elsewhere (the job API) takes its type from here.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from migrate_etl.slug import SLUG, SLUG_FORM, is_slug

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

LARGEST_ID = 2**31 - 1
"""Rock's ids are SQL Server's `int`."""
NO_ZONES = {"Factory", "localtime"}
"""Files among the time zones that are none to others: Polars does not know them."""
SERVER = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?")


def _slug(text: str) -> str:
    if not is_slug(text):
        raise ValueError(f"give {SLUG_FORM}")
    return text


def _address(text: str) -> str:
    """Without the slashes at its end."""
    address = text.rstrip("/")
    if set(address) & set("@?# \t\r\n\\") or not address.isprintable() or not _names_a_server(address):
        raise ValueError("give an address such as https://mission.example, without user, password, ? or #")
    return address


def _names_a_server(address: str) -> bool:
    """What a client can call. `urlsplit` raises for brackets that make no sense, and takes names that nobody has."""
    try:
        parts = urlsplit(address)
        server = SERVER.fullmatch(parts.netloc)
        return parts.scheme in ("http", "https") and server is not None and _exists(**server.groupdict())
    except ValueError:
        return False


def _exists(six: str | None, name: str | None, port: str | None) -> bool:
    """Whether there can be such a server. Raises ValueError for numbers that are no address."""
    if six is not None:
        IPv6Address(six)
    labels = (name or "six").removesuffix(".").split(".")
    if labels[-1].isdigit():
        IPv4Address(name)
    known = all(0 < len(one) < 64 and not one.startswith("-") and not one.endswith("-") for one in labels)
    return known and (port is None or 0 < int(port) < 65_536)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - NO_ZONES)


def _zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("not an IANA time zone; give one such as America/Chicago")
    return name


def _guid(text: str) -> str:
    """As Rock's GUIDs are compared: small letters, hyphens, no braces."""
    try:
        return str(UUID(text.strip("{}")))
    except ValueError:
        raise ValueError("give Rock's GUID, such as 928a2e04-c77b-4282-888f-ec549cee026a") from None


def _in_order(names: tuple[EntityName, ...]) -> tuple[EntityName, ...]:
    return tuple(name for name in ENTITY_NAMES if name in names)


def _sorted_ids(ids: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(ids)))


Slug = Annotated[str, AfterValidator(_slug), WithJsonSchema({"type": "string", "pattern": SLUG})]
MissionAddress = Annotated[str, Field(max_length=1_024), AfterValidator(_address)]
TimeZone = Annotated[str, AfterValidator(_zone)]
Guid = Annotated[str, AfterValidator(_guid)]
Entities = Annotated[tuple[EntityName, ...], Field(min_length=1), AfterValidator(_in_order)]
CampusIds = Annotated[tuple[Annotated[int, Field(ge=1, le=LARGEST_ID)], ...], AfterValidator(_sorted_ids)]
Concurrency = Annotated[int, Field(ge=1, le=32)]


class ValueMaps(BaseModel):
    """Overrides for how a church's own defined values reach Mission: Rock GUID -> Mission word.

    A name in a GUID's place would match nothing, without a word.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    payment_method: dict[Guid, Literal["Cash", "Check", "Card", "Online", "Other"]] = Field(default_factory=dict)
    status: dict[Guid, Literal["Active", "Inactive", "Visitor", "Deceased"]] = Field(default_factory=dict)
    """Connection status GUID -> Mission status (deceased and inactive records keep theirs)."""
    group_type: dict[Guid, str] = Field(default_factory=dict)
    """Group type GUID -> Mission's free group category."""


class RockImportSpec(BaseModel):
    """One import job.

    `started_on` is the organisation's local date on which the job was created: prayer visibility is judged by it,
    so that a resume judges alike. Campus ids are Rock's `Campus.Id`; empty means every campus.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    job_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    """Also the name of its folder."""
    organization: Slug
    """Mission organisation slug."""
    mission_url: MissionAddress
    entities: Entities = ENTITY_NAMES
    campus_ids: CampusIds = ()
    started_on: date
    date_range_start: date | None = None
    """Inclusive local date; contributions (transaction date) and attendance (occurrence date) only."""
    time_zone: TimeZone = "UTC"
    """IANA name of the organisation's zone; Rock stores local times without saying whose."""
    include_group_types: tuple[Guid, ...] = ()
    """Group type GUIDs; empty means every type but the ones Rock uses for itself."""
    value_maps: ValueMaps = ValueMaps()
    batch_size: Annotated[int, Field(ge=1, le=MAX_BATCH)] = MAX_BATCH
    concurrency: Concurrency = 4
    resend: bool = False
    """Ignore the receipts book and send every record."""

    @field_validator("job_id")
    @classmethod
    def _own_folder(cls, value: str) -> str:
        if value.lower() == "books":
            raise ValueError("`books` is the folder that all jobs share; choose another name")
        return value

    @field_validator("date_range_start")
    @classmethod
    def _begun(cls, value: date | None, info: ValidationInfo) -> date | None:
        """From a day that is still to come nothing would be moved, and that called a success."""
        started_on = info.data.get("started_on")
        if value is not None and started_on is not None and value > started_on:
            raise ValueError("the day lies in the future; give one of the past, or none")
        return value


class ImportSecrets(BaseModel):
    """What the import needs and nobody may see. Handed over stdin or the environment, never stored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rock_connection: SecretStr
    mission_key: SecretStr
