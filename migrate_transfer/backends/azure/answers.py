"""What Azure Blob Storage's answers mean: its error codes in our words, its times in ours.

Codes: https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
"""

from __future__ import annotations

import re
from calendar import timegm
from datetime import UTC, datetime

from migrate_transfer.backends.azure.place import Place
from migrate_transfer.core.errors import (
    AccessDenied,
    FatalError,
    MigrateError,
    RejectedItem,
    TargetError,
)
from migrate_transfer.net.lane import Answer

API_VERSION = "2024-11-04"
"""The newest that the Azurite of our tests knows; all we use is older."""
EXPIRED = re.compile("not valid in the specified time frame|expired|lifetime validation failed", re.IGNORECASE)
CORRUPTED = ("Md5Mismatch", "Crc64Mismatch")
GARBLED = (*CORRUPTED, "InvalidOperation", "InvalidXmlDocument")
"""Said of a request that was not received as it was sent: the same one again may succeed. Azurite 3.35 says
InvalidOperation of a wrong MD5, and nobody of ours writes XML that is none."""
NOT_KNOWN = ("FeatureNotSupported", "UnsupportedHeader")
"""Said of a header by a service that is not Azure's own: an emulator, a gateway."""
DESTINATION_BUSY = "DESTINATION_BUSY"
"""Uncommitted blocks of another writer lie under the name."""
_BUSY = (
    DESTINATION_BUSY,
    "Parts of another writer's upload lie under this name.",
    "Let the other program that writes this object end, then retry the failed items.",
)
REFUSALS = {
    "InvalidBlobOrBlock": _BUSY,
    "BlockCountExceedsLimit": _BUSY,
    "InvalidBlockList": _BUSY,
    "InvalidBlockId": _BUSY,
    "BlobArchived": (
        "DESTINATION_ARCHIVED",
        "The object at the destination is in the Archive tier and cannot be read or replaced.",
        "Rehydrate or remove the archived object, or choose another prefix; then retry the failed items.",
    ),
    "LeaseIdMissing": (
        "DESTINATION_LEASED",
        "The object at the destination is leased to another program.",
        "Break the lease or wait for its end; then retry the failed items.",
    ),
    "InvalidBlobType": (
        "OTHER_BLOB_TYPE",
        "An append or page blob of this name is in the way.",
        "Remove it or choose another prefix; then retry the failed items.",
    ),
    "ConditionNotMet": (
        "DESTINATION_CHANGED",
        "The object at the destination was changed by somebody else meanwhile.",
        "Let the other program end, then retry the failed items.",
    ),
}
"""Azure's code, and ours with message and remedy, of what ends one item."""


def denied(code: str, text: str, *, lapsed: bool, status: int) -> AccessDenied:
    """Access was refused: because it has expired, or because it never was given. The answer does not always say which;
    `lapsed`: that it has ended is known without it."""
    details = {"status": status}
    if lapsed or EXPIRED.search(text):
        return AccessDenied(
            "Azure credentials expired — re-authenticate via dashboard",
            code="AZURE_CREDENTIALS_EXPIRED",
            remedy="Reconnect Azure Storage on the project's page, then create the job again; or set a new signature"
            " and run the command again: nothing that is there and verified is sent again. With an account key, see"
            " that this machine's clock is right.",
            details=details,
        )
    return AccessDenied(
        f"Azure Storage refused access ({code or 'no reason given'}).",
        code="AZURE_ACCESS_DENIED",
        remedy="Give the account the role Storage Blob Data Contributor on the storage account (a signature made by"
        " hand: the rights to read, create, write, delete and list), and let its firewall admit the agent's network; a"
        " new role takes some minutes to work. With an account key, see that this machine's clock is right.",
        details=details,
    )


def gone(container: str) -> TargetError:
    return TargetError(
        f"The container {container} is not there, or is being deleted.",
        code="CONTAINER_MISSING",
        remedy="Make the container again, or correct its name, then start the job again.",
    )


def refusal(answer: Answer, place: Place) -> MigrateError:
    """What an answer that is no success means for the item, or for the job."""
    code = answer.headers.get("x-ms-error-code", "")
    if answer.status in (401, 403):
        return denied(
            code, answer.content.decode("utf-8", "replace"), lapsed=place.lapsed(answer.status), status=answer.status
        )
    if code in ("ContainerNotFound", "ContainerBeingDeleted", "ContainerDisabled"):
        return gone(place.container)
    if code in REFUSALS:
        ours, message, remedy = REFUSALS[code]
        return RejectedItem(message, code=ours, remedy=remedy)
    if answer.status == 404 and code:  # without one, it is not Azure that has not found it
        return RejectedItem("The object is not there.", code="DESTINATION_GONE", remedy="Retry the failed items.")
    return RejectedItem(
        f"Azure Storage refused the object: {answer.status} {code}".rstrip() + ".",
        remedy="Look the code up in Azure's list of storage errors; correct the file or the settings and retry.",
    )


def refused_call(answer: Answer, place: Place) -> MigrateError:
    """The same of a call that is not about one item."""
    found = refusal(answer, place)
    if not isinstance(found, RejectedItem):
        return found
    code = answer.headers.get("x-ms-error-code", "")
    said = f"Azure Storage refused the call: {answer.status} {code}".rstrip()
    return FatalError(f"{said}.", code="AZURE_REFUSED", details={"code": code})


def busy() -> RejectedItem:
    code, message, remedy = _BUSY
    return RejectedItem(message, code=code, remedy=remedy)


def item_error(error: MigrateError) -> MigrateError:
    """The error of one item; raises the one that ends the job."""
    if isinstance(error, FatalError):
        raise error
    return error


def occupied() -> RejectedItem:
    """Whose it is, is not known: when the destination was listed, it was not there, or another one."""
    return RejectedItem(
        "Another object of this name was written at the destination after that was listed.",
        code="DESTINATION_EXISTS",
        remedy="Let the other program end, then retry the failed items: what is there is looked at anew.",
    )


def written(nanoseconds: int) -> str:
    """A time as rclone keeps it in the metadata `mtime`: RFC 3339 with nanoseconds."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    stamp = datetime.fromtimestamp(seconds, UTC) if -62_135_596_800 <= seconds < 253_402_300_800 else None
    return "" if stamp is None else f"{stamp.isoformat()[:19]}.{rest:09d}Z"


def moment(text: str) -> int:
    """Nanoseconds since 1970 of a time in RFC 3339 with a fraction of any length; 0 for what is none."""
    found = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", text)
    if found is None:
        return 0
    *parts, fraction, zone = found.groups()
    away = 0 if zone == "Z" else (int(zone[1:3]) * 60 + int(zone[4:])) * (60 if zone[0] == "+" else -60)
    try:
        whole = timegm(tuple(int(part) for part in parts)) - away
    except ValueError:  # a thirteenth month: anybody may write the metadata of an object
        return 0
    return whole * 1_000_000_000 + int((fraction or "0")[:9].ljust(9, "0"))
