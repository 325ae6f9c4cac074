"""Which prefixes a container can have: asked before a job is made, and again when its way is opened."""

from __future__ import annotations

import re

from migrate_transfer.core.errors import InvalidRequest

_ASTRAY = re.compile(r"//|\.(?=/|\Z)|[\x00-\x1f\x7f-\x9f\\\ud800-\udfff]")
"""Clients resolve "." and "..", Azure drops a dot at the end of a part, some take "\\\\" for "/"."""


def folder_of(prefix: str) -> str:
    """What the names of all objects begin with. Raises InvalidRequest."""
    bare = prefix.strip("/")
    if _ASTRAY.search(bare):
        raise InvalidRequest(
            f"{bare!r} cannot be a prefix.",
            code="BAD_PREFIX",
            remedy="No part of it may be empty or end with a dot; no backslash, no control characters.",
        )
    return bare + "/" if bare else ""
