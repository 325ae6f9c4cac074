"""Blocks that lie uncommitted under a name: ours, from an attempt that was broken off, and those of somebody else.
Azure drops them after a week; until then blocks whose ids are of another length cannot be added to them."""

from __future__ import annotations

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobClient, BlobProperties, StandardBlobTier

from migrate_transfer.backends.azure.answers import busy
from migrate_transfer.core.backend import Upload


def staged(blob: BlobClient) -> dict[str, int]:
    """Sizes of the blocks that lie there uncommitted, by their ids before they are put into base64: so Microsoft's
    client gives them."""
    try:
        _, blocks = blob.get_block_list("uncommitted")
    except ResourceNotFoundError:
        return {}
    return {block.id: block.size for block in blocks}


def discard(blob: BlobClient, address: str, upload: Upload) -> None:
    """Remove what somebody else left uncommitted under the name of `upload`, and nothing else; an object that it may
    replace has another etag then. `address`: the object's, with access. Raises ItemError where something is committed
    that `upload` may not replace."""
    try:
        found = blob.get_blob_properties()
    except ResourceNotFoundError:
        _commit_nothing(blob, upload)
        return
    if not upload.overwrite and found.etag.strip('"') != upload.replaces:
        raise busy()
    upload.replaces = _copied_onto_itself(blob, address, found)


def _commit_nothing(blob: BlobClient, upload: Upload) -> None:
    """An empty list of blocks drops them all. The empty object is removed; should that fail, it bears our mark."""
    kept = dict(upload.properties)
    made = blob.commit_block_list([], metadata=kept, match_condition=MatchConditions.IfMissing)
    blob.delete_blob(etag=str(made["etag"]), match_condition=MatchConditions.IfNotModified)


def _copied_onto_itself(blob: BlobClient, address: str, found: BlobProperties) -> str:
    """The etag of the same object without what lay uncommitted beside it. Copy Blob to the source's own name "removes
    any uncommitted blocks"; its content is there all the time, whether it was written in blocks or in one request.
    https://learn.microsoft.com/rest/api/storageservices/copy-blob"""
    tier = None if found.blob_tier_inferred else found.blob_tier
    done = blob.start_copy_from_url(
        address,
        standard_blob_tier=StandardBlobTier(tier) if tier else None,
        etag=found.etag,
        match_condition=MatchConditions.IfNotModified,
        source_etag=found.etag,
        source_match_condition=MatchConditions.IfNotModified,
    )
    if done["copy_status"] != "success":
        raise busy()
    return str(done["etag"]).strip('"')
