"""What a job is asked to do: source, destination, filters and transfer settings, as an operator writes them and as the
agent gets them.

Secrets are `Secret` fields: dumped as null, unless the context says `{"reveal": True}` (only the vault's sealed copy
and the assignment to the job's own agent do).
"""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Any, ClassVar, Literal
from unicodedata import category

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    SerializationInfo,
    StringConstraints,
    field_validator,
)

from migrate_api.protocol.states import JobType
from migrate_etl.spec import (
    ENTITY_NAMES,
    CampusIds,
    Concurrency,
    Entities,
    Guid,
    MissionAddress,
    RockImportSpec,
    Slug,
    TimeZone,
)


def _reveal(secret: SecretStr | None, info: SerializationInfo) -> str | None:
    open_to_reader = bool(info.context and info.context.get("reveal"))
    return secret.get_secret_value() if secret is not None and open_to_reader else None


Secret = Annotated[SecretStr, Field(min_length=1, max_length=16_384), PlainSerializer(_reveal, when_used="json")]


def _one_line(text: str) -> str:
    if any(category(letter) == "Cc" for letter in text):
        raise ValueError("must be one line, without control characters")
    return text


Text = Annotated[str, Field(min_length=1, max_length=1_024)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255), AfterValidator(_one_line)]
"""What something is called: never blanks alone, and as terminals, mails and lists can show it."""


def _given(text: Any) -> Any:
    """A form sends what was left empty as an empty text."""
    return None if isinstance(text, str) and not text.strip() else text


Optionally = BeforeValidator(_given)
Number = Annotated[Annotated[str, Field(max_length=255, coerce_numbers_to_str=True)] | None, Optionally]
"""An id of another system's, which may be written as a number."""
TenantId = Annotated[str, Field(pattern=r"^[0-9A-Za-z.-]{1,253}$", description="GUID or domain of a Microsoft tenant")]


AccountName = Annotated[str, Field(pattern=r"^[a-z0-9]{3,24}$")]
ContainerName = Annotated[str, Field(pattern=r"^[a-z0-9](?:-?[a-z0-9]){2,62}$")]


def _lower(word: Any) -> Any:
    return word.lower() if isinstance(word, str) else word


Tier = Annotated[Literal["hot", "cool", "cold", "archive"], BeforeValidator(_lower)]
"""Azure, and the guide, write them with a capital."""


def also(*names: str) -> AliasChoices:
    """A field's own name, and the words that the guide has for it: it is taken under each, and shown under its own."""
    return AliasChoices(*names)


ACCOUNT, PREFIX, TIER = also("account", "storage_account"), also("prefix", "blob_prefix"), also("tier", "storage_tier")


class Model(BaseModel):
    """Frozen; what is not known is refused, without repeating it, and so is a NUL in a text: PostgreSQL keeps none."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @field_validator("*")
    @classmethod
    def _without_nul(cls, value: Any) -> Any:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if any(isinstance(one, str) and "\0" in one for one in (text if isinstance(text, tuple) else (text,))):
            raise ValueError("must not hold a NUL character")
        return value


class LocalSource(Model):
    """Files of the agent's machine or of a share it can reach."""

    type: Literal["local"]
    path: Text


class MicrosoftSource(Model):
    """OneDrive for Business or a SharePoint document library of the source tenant."""

    type: Literal["onedrive", "sharepoint"]
    tenant_id: TenantId = Field(validation_alias=also("tenant_id", "source_tenant_id"))
    user: Text | None = None
    site: Text | None = None
    library: Text | None = None
    path: str = Field(default="", max_length=4_096)


class AccountSource(Model):
    """Files of a Google Drive or Dropbox account."""

    type: Literal["google_drive", "dropbox"]
    account: Text
    credentials: Secret
    path: str = Field(default="", max_length=4_096)


class MailboxPair(Model):
    """One mailbox and where it goes."""

    source: Text
    destination: Text


class MailboxSource(Model):
    """Mailboxes of the source tenant."""

    type: Literal["mailbox"]
    tenant_id: TenantId
    mailboxes: tuple[MailboxPair, ...] = Field(min_length=1, max_length=10_000)


class RockSource(Model):
    """A RockRMS database, and the Mission organisation it goes to."""

    FIELDS: ClassVar = {"organization": "mission_org_slug", "mission_url": "mission_api_url"}
    """Fields of the import that are called otherwise here."""

    type: Literal["rockrms"]
    connection_string: Secret
    mission_org_slug: Slug
    mission_api_url: MissionAddress
    mission_integration_key: Secret
    entities: Entities = ENTITY_NAMES
    campus_ids: CampusIds = ()
    date_range_start: date | None = None
    time_zone: TimeZone = "UTC"
    include_group_types: tuple[Guid, ...] = ()

    def import_spec(self, job_id: str, started_on: date, concurrency: int) -> RockImportSpec:
        """What the agent's import is asked for. Raises ValidationError where it cannot be, with `FIELDS` for names."""
        same = self.model_dump(include=set(RockImportSpec.model_fields))
        given = {wanted: getattr(self, name) for wanted, name in self.FIELDS.items()}
        return RockImportSpec(job_id=job_id, started_on=started_on, concurrency=concurrency, **same, **given)


class BlobDestination(Model):
    """An Azure Blob container; without account and container the project's connection is meant."""

    type: Literal["azure_blob"]
    account: AccountName | None = Field(default=None, validation_alias=ACCOUNT)
    container: ContainerName | None = None
    prefix: str = Field(default="", max_length=1_024, validation_alias=PREFIX)
    tier: Tier = Field(default="hot", validation_alias=TIER)


class MicrosoftDestination(Model):
    """OneDrive for Business, a SharePoint library or Exchange Online of the target tenant."""

    type: Literal["onedrive", "sharepoint", "mailbox"]
    tenant_id: TenantId
    user: Text | None = None
    site: Text | None = None
    library: Text | None = None
    path: str = Field(default="", max_length=4_096)


Source = Annotated[
    LocalSource | MicrosoftSource | AccountSource | MailboxSource | RockSource, Field(discriminator="type")
]
Destination = Annotated[BlobDestination | MicrosoftDestination, Field(discriminator="type")]


class Filters(Model):
    """Which files or items are meant."""

    older_than: date | None = Field(default=None, description="only what was created before this day")
    include_patterns: tuple[Text, ...] = Field(default=(), max_length=1_000)
    exclude_patterns: tuple[Text, ...] = Field(default=(), max_length=1_000)


class TransferConfig(Model):
    """How the work is done. 1 MB of chunk size is 2**20 bytes; 1 Mbps is 10**6 bits a second."""

    concurrency: Concurrency = 4
    chunk_size_mb: int = Field(default=8, ge=1, le=256)
    bandwidth_limit_mbps: float | None = Field(default=None, gt=0, le=100_000)
    verify_integrity: bool = True
    delete_after_upload: bool = False
    overwrite: bool = Field(
        default=False, description="replace objects from elsewhere too, and moved ones: they may be the only copy"
    )


Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Window(Model):
    """Hours of full speed, in the project's time zone; `days` are those on which it begins. It may span midnight."""

    start: time
    end: time
    days: tuple[Day, ...] = Field(default=DAYS, min_length=1)

    @field_validator("end")
    @classmethod
    def _has_length(cls, end: time, info: Any) -> time:
        if end == info.data.get("start"):
            raise ValueError(
                "a window that ends when it starts has no length; for the whole day leave the schedule out"
            )
        return end


class BandwidthSchedule(Model):
    """Full speed within the windows, at most `throttled_mbps` outside them. A job's own limit overrides it."""

    windows: tuple[Window, ...] = Field(min_length=1, max_length=50)
    throttled_mbps: float = Field(gt=0, le=100_000)


class JobSpec(Model):
    """What one job is to do."""

    type: JobType = Field(validation_alias=also("type", "job_type"))
    source: Source
    destination: Destination | None = None
    filters: Filters = Filters()
    transfer: TransferConfig = Field(default=TransferConfig(), validation_alias=also("transfer", "transfer_config"))

    def redacted(self) -> dict[str, Any]:
        """The spec as anybody may read it: secrets are null."""
        return self.model_dump(mode="json")

    def revealed(self) -> dict[str, Any]:
        """The spec with its secrets, for the vault and for the job's own agent alone."""
        return self.model_dump(mode="json", context={"reveal": True})


SOURCES = {
    JobType.ARCHIVE: frozenset({"local", "onedrive", "sharepoint", "google_drive", "dropbox"}),
    JobType.MIGRATE_FILES: frozenset({"local", "onedrive", "sharepoint", "google_drive", "dropbox"}),
    JobType.SYNC: frozenset({"local", "onedrive", "sharepoint", "google_drive", "dropbox"}),
    JobType.MIGRATE_MAILBOX: frozenset({"mailbox"}),
    JobType.ROCKRMS_IMPORT: frozenset({"rockrms"}),
}
"""Source types that each job type may have."""

DESTINATIONS = {
    JobType.ARCHIVE: frozenset({"azure_blob"}),
    JobType.MIGRATE_FILES: frozenset({"azure_blob", "onedrive", "sharepoint"}),
    JobType.SYNC: frozenset({"azure_blob", "onedrive", "sharepoint"}),
    JobType.MIGRATE_MAILBOX: frozenset({"mailbox"}),
    JobType.ROCKRMS_IMPORT: frozenset[str](),
}
"""Destination types that each job type may have; an import's target stands in its source."""
