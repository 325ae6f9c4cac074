"""The first rows: an organisation that Hub has not sent anybody of yet, and a token for its scripts."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session

from migrate_api.credentials import new_credential
from migrate_api.principals import Role
from migrate_api.tables import ApiToken, Tenant
from migrate_etl.slug import SLUG_FORM, is_slug
from migrate_transfer.core.errors import InvalidRequest


def make_tenant(session: Session, slug: str) -> Tenant:
    """Raises InvalidRequest for what is no slug, and where there is one of that name."""
    if not is_slug(slug):
        raise InvalidRequest("The organisation's slug is not understood.", remedy=f"Give {SLUG_FORM}.")
    if session.scalar(sa.select(Tenant.id).where(Tenant.slug == slug)):
        raise InvalidRequest(f"The organisation {slug} exists already.", remedy="Choose another slug.")
    tenant = Tenant(id=uuid4().hex, slug=slug, created_at=datetime.now(UTC))
    session.add(tenant)
    session.flush()
    return tenant


def make_token(session: Session, tenant_id: str, name: str, role: Role) -> str:
    """A new API token; only its hash is kept."""
    token, digest = new_credential("mat")
    session.add(
        ApiToken(
            id=uuid4().hex,
            tenant_id=tenant_id,
            name=name,
            role=role.word,
            hash=digest,
            created_by="console",
            created_at=datetime.now(UTC),
        )
    )
    session.flush()
    return token
