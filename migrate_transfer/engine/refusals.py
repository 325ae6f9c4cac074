"""Why an item fails for what lies at the destination, and what to do about it."""

from __future__ import annotations

from migrate_transfer.core.errors import ItemError


def occupied() -> ItemError:
    return ItemError(
        "Another object of this name is at the destination, and it is not from this source.",
        code="DESTINATION_EXISTS",
        remedy="Compare the two; then remove one of them, choose another prefix, or allow overwriting.",
    )


def only_copy(tier: str) -> ItemError:
    """What is archived cannot be overwritten."""
    way = "remove the object from the Archive tier and retry" if tier == "archive" else "allow overwriting"
    return ItemError(
        "The object of this name was moved, and is not what the file has now: it may be the only copy.",
        code="DESTINATION_EXISTS",
        remedy=f"Rename the file or choose another prefix; or {way}, if the moved one is not needed any more.",
    )


def replaced() -> ItemError:
    return ItemError(
        "The object at the destination was changed by somebody else after it was read back; the source stays.",
        code="DESTINATION_CHANGED",
        remedy="Let the other program end, then retry the failed items.",
    )


def archived() -> ItemError:
    return ItemError(
        "Another version of it lies in the Archive tier of the destination, which nothing can replace there.",
        code="DESTINATION_ARCHIVED",
        remedy="Rehydrate or remove the archived object, or choose another prefix; then retry the failed items.",
    )


def corrupted(removed: bool) -> ItemError:
    return ItemError(
        "What is stored at the destination is not what was read from the source.",
        code="VERIFICATION_FAILED",
        remedy="Retry the failed items: the wrong copy was removed, the source is untouched."
        if removed
        else "If no other program has written the object at the destination since, remove it; then retry the failed"
        " items. The source is untouched.",
    )


def damaged() -> ItemError:
    return ItemError(
        "What is stored at the destination is not what was moved there, and its source is gone: it was left as it is.",
        code="VERIFICATION_FAILED",
        remedy="Look for an earlier version of the object or a backup of the file before you remove it.",
    )


def unreadable() -> ItemError:
    return ItemError(
        "The object at the destination is in the Archive tier: it cannot be read back, so nothing was deleted for it.",
        code="DESTINATION_ARCHIVED",
        remedy="Rehydrate it and retry, or decide on the manifest's SHA-256 and delete the source yourself.",
    )
