"""What an agent could only refuse is refused where it is asked for: by its own rules, with their codes and remedies."""

from __future__ import annotations

from collections.abc import Sequence

from migrate_api.errors import refused_by
from migrate_api.protocol.spec import BlobDestination, Destination, JobSpec
from migrate_transfer.backends.azure.prefix import folder_of
from migrate_transfer.core.patterns import written_out


def require_prefix(prefix: str, field: str) -> None:
    """Raises Refusal 400 BAD_PREFIX."""
    with refused_by(field):
        folder_of(prefix)


def require_place(destination: Destination | None, field: str) -> None:
    """Raises Refusal 400 BAD_PREFIX."""
    if isinstance(destination, BlobDestination):
        require_prefix(destination.prefix, f"{field}.prefix")


def require_words(spec: JobSpec) -> None:
    """Raises Refusal 400: BAD_PREFIX, BAD_PATTERN."""
    require_place(spec.destination, "destination")
    _require_patterns(spec.filters.include_patterns, "filters.include_patterns")
    _require_patterns(spec.filters.exclude_patterns, "filters.exclude_patterns")


def _require_patterns(patterns: Sequence[str], field: str) -> None:
    with refused_by(field):
        written_out(patterns)
