"""Every setting of an import: where it stands in the config file, its environment variable and its flag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from migrate_etl.slug import SLUG_FORM

Place = tuple[str, str]
"""Section and key."""


@dataclass(frozen=True, slots=True)
class Setting:
    """`kind` says how it is written: `list` takes commas in the environment and a repeated flag on the command line."""

    section: Literal["rock", "mission", "import", "azure"]
    key: str
    flag: str | None
    variable: str | None
    what: str
    kind: Literal["text", "list", "switch", "table", "secret"] = "text"
    value: str = "TEXT"
    """What stands for the value in the help."""
    form: str = ""
    """What it looks like, for whoever wrote it otherwise."""

    @property
    def place(self) -> Place:
        return self.section, self.key


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "rock", "connection", None, "MIGRATE_ROCK_CONNECTION", "Connection string of the Rock database.", kind="secret"
    ),
    Setting(
        "mission", "key", None, "MIGRATE_MISSION_KEY", "Integration key of the Mission organisation.", kind="secret"
    ),
    Setting("mission", "url", "--mission-url", "MIGRATE_MISSION_URL", "Base URL of the Mission API.", value="URL"),
    Setting(
        "mission",
        "organization",
        "--organization",
        "MIGRATE_ORGANIZATION",
        "Slug of the Mission organisation.",
        value="SLUG",
        form=SLUG_FORM,
    ),
    Setting(
        "import",
        "time_zone",
        "--time-zone",
        "MIGRATE_TIME_ZONE",
        "The church's IANA time zone, such as America/Chicago; Rock does not say whose its local times are.",
        value="ZONE",
        form="a text such as America/Chicago",
    ),
    Setting(
        "import",
        "entities",
        "--entity",
        "MIGRATE_ENTITIES",
        "Move only these: people, families, groups, contributions, attendance, prayer_requests.",
        kind="list",
        value="ENTITY",
        form="a list of their names",
    ),
    Setting(
        "import",
        "campus_ids",
        "--campus",
        "MIGRATE_CAMPUS_IDS",
        "Move only these campuses, by the ids that test-connection lists.",
        kind="list",
        value="ID",
        form="a list of whole numbers, such as [1, 2]; on the command line --campus 1 --campus 2",
    ),
    Setting(
        "import",
        "date_range_start",
        "--since",
        "MIGRATE_DATE_RANGE_START",
        "First day (YYYY-MM-DD) of the contributions and attendance to move.",
        value="DATE",
        form="a day such as 2020-01-31",
    ),
    Setting(
        "import",
        "include_group_types",
        "--group-type",
        "MIGRATE_INCLUDE_GROUP_TYPES",
        "Move only groups of these types, by GUID; by default all but Rock's own.",
        kind="list",
        value="GUID",
        form="a list of GUIDs",
    ),
    Setting(
        "import",
        "value_maps",
        None,
        None,
        "Tables payment_method, status and group_type: Rock GUID = Mission's word, over the built-in mapping.",
        kind="table",
        form='tables payment_method, status and group_type, each with lines "GUID" = "word"',
    ),
    Setting(
        "import",
        "batch_size",
        "--batch-size",
        "MIGRATE_BATCH_SIZE",
        "Records a request, 1 to 500 (500).",
        value="N",
        form="a whole number from 1 to 500",
    ),
    Setting(
        "import",
        "concurrency",
        "--concurrency",
        "MIGRATE_CONCURRENCY",
        "Requests at a time, 1 to 32 (4).",
        value="N",
        form="a whole number from 1 to 32",
    ),
    Setting(
        "import",
        "resend",
        "--resend",
        "MIGRATE_RESEND",
        "Send every record, also what Mission has accepted before.",
        kind="switch",
        form="true or false",
    ),
    Setting(
        "import",
        "job_id",
        "--job",
        "MIGRATE_JOB",
        "Name of the job and its folder; by default the open job with the same settings, else a new one.",
        value="NAME",
        form="up to 64 letters, digits, dots, hyphens and underscores, a letter or digit first",
    ),
    Setting(
        "azure",
        "connection_string",
        None,
        "AZURE_STORAGE_CONNECTION_STRING",
        "Connection string of the storage account that copy, archive and sync write to.",
        kind="secret",
    ),
    Setting(
        "azure",
        "sas_token",
        None,
        "AZURE_STORAGE_SAS_TOKEN",
        "Shared access signature of the account or the container, instead of the connection string.",
        kind="secret",
    ),
    Setting(
        "azure",
        "endpoint",
        None,
        "AZURE_STORAGE_BLOB_ENDPOINT",
        "Address of the account's blob service where it is not https://ACCOUNT.blob.core.windows.net.",
    ),
)

BY_PLACE: Mapping[Place, Setting] = {setting.place: setting for setting in SETTINGS}
OTHER_VARIABLES = ("MIGRATE_CONFIG", "MIGRATE_HOME")
"""Read elsewhere: the config file's name, and the folder of the jobs for `dagster dev`."""


def keys_of(section: str) -> list[str]:
    """The keys that a section of the config file may have; empty for a section that there is not."""
    return [setting.key for setting in SETTINGS if setting.section == section]
