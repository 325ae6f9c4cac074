"""What the name of an organisation in addresses looks like."""

from __future__ import annotations

import re

SLUG = r"^[a-z0-9][a-z0-9-]{0,62}$"
SLUG_FORM = "the slug: lower-case letters, digits and hyphens, at most 63 and no hyphen first"


def is_slug(text: str) -> bool:
    """Whether an organisation can be called so."""
    return re.fullmatch(SLUG, text) is not None
