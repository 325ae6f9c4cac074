"""Secrets at rest. Each is sealed under a key of its own, which is wrapped by the newest of the service's keys; so keys
can be changed without touching what they protect, and a sealed text opens only for the owner it was sealed for."""

from __future__ import annotations

import base64
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.orm import Session

from migrate_api.tables import QueuedCommand, SealedSecret
from migrate_transfer.core.errors import VaultError

KEY_BYTES, NONCE_BYTES = 32, 12
AT_ONCE = 500


class Vault:
    """AES-256-GCM. `keys`: `id=base64 of 32 bytes`, comma-separated, the newest first.

    Raises VaultError for keys that are none (VAULT_KEY_BAD), and later for texts whose key is missing.
    """

    def __init__(self, keys: str) -> None:
        pairs = [pair.partition("=") for pair in keys.split(",") if pair.strip()]
        try:
            self._keys = {name.strip(): base64.b64decode(key, validate=True) for name, _, key in pairs}
        except ValueError as error:
            raise _bad_keys() from error
        if not all(name and len(key) == KEY_BYTES for name, key in self._keys.items()):
            raise _bad_keys()
        self._newest = next(iter(self._keys), None)

    @staticmethod
    def new_key() -> str:
        """A fresh key, as it stands in the setting."""
        return f"{datetime.now(UTC):%Y%m%d}-{os.urandom(3).hex()}={base64.b64encode(os.urandom(KEY_BYTES)).decode()}"

    def seal(self, session: Session, tenant_id: str, owner: str, value: dict[str, Any]) -> None:
        """Keep a secret for its owner (`job:<id>` …), instead of an older one."""
        sealed = self.seal_text(tenant_id, owner, value)
        row = SealedSecret(
            owner=owner, tenant_id=tenant_id, key_id=self._key_id(), sealed=sealed, created_at=datetime.now(UTC)
        )
        session.merge(row)

    def open(self, session: Session, tenant_id: str, owner: str) -> dict[str, Any] | None:
        """The owner's secret, or None if there is none."""
        row = session.get(SealedSecret, owner)
        if row is None or row.tenant_id != tenant_id:
            return None
        return self.open_text(tenant_id, owner, row.sealed)

    def forget(self, session: Session, tenant_id: str, owner: str) -> None:
        secret = sa.delete(SealedSecret).where(SealedSecret.owner == owner, SealedSecret.tenant_id == tenant_id)
        session.execute(secret)

    def seal_text(self, tenant_id: str, owner: str, value: dict[str, Any]) -> str:
        """A sealed text: `v1.<key id>.<wrapped key>.<sealed value>`."""
        own, context = os.urandom(KEY_BYTES), _context(tenant_id, owner)
        content = _sealed(own, json.dumps(value).encode(), context)
        return ".".join(("v1", self._key_id(), _sealed(self._key(self._key_id()), own, context), content))

    def open_text(self, tenant_id: str, owner: str, sealed: str) -> dict[str, Any]:
        """Raises VaultError where the key is missing or the text is another owner's or was changed."""
        _, key_id, wrapped, content = sealed.split(".")
        context = _context(tenant_id, owner)
        try:
            own = _opened(self._key(key_id), wrapped, context)
            found: dict[str, Any] = json.loads(_opened(own, content, context))
        except InvalidTag as error:
            raise VaultError(
                f"The secret of {owner} does not open.",
                code="VAULT_TAMPERED",
                remedy="The stored text was changed or moved: enter the secret again.",
            ) from error
        return found

    def rotate(self, session: Session) -> int:
        """Wrap every kept key under the newest one; returns how many were."""
        count = 0
        old = sa.select(SealedSecret).where(SealedSecret.key_id != self._key_id()).limit(AT_ONCE)
        while rows := session.scalars(old).all():
            for row in rows:
                row.sealed, row.key_id = self._rewrapped(row.tenant_id, row.owner, row.sealed), self._key_id()
            session.flush()
            count += len(rows)
        for command in session.scalars(sa.select(QueuedCommand).where(QueuedCommand.sealed.is_not(None))):
            assert command.sealed is not None
            command.sealed = self._rewrapped(command.tenant_id, f"command:{command.id}", command.sealed)
            count += 1
        return count

    def _rewrapped(self, tenant_id: str, owner: str, sealed: str) -> str:
        version, key_id, wrapped, content = sealed.split(".")
        context = _context(tenant_id, owner)
        own = _opened(self._key(key_id), wrapped, context)
        return ".".join((version, self._key_id(), _sealed(self._key(self._key_id()), own, context), content))

    def _key_id(self) -> str:
        if self._newest is None:
            raise VaultError("The service has no key to seal secrets with.")
        return self._newest

    def _key(self, key_id: str) -> bytes:
        if key_id not in self._keys:
            raise VaultError(f"The key {key_id} is not among the service's keys.")
        return self._keys[key_id]


def key_file(path: Path) -> str:
    """The keys in a file, made with a fresh one at first use; only its owner may read it."""
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(Vault.new_key() + "\n")
    return ",".join(path.read_text().split())


def _context(tenant_id: str, owner: str) -> bytes:
    return f"{tenant_id}\n{owner}".encode()


def _sealed(key: bytes, content: bytes, context: bytes) -> str:
    nonce = os.urandom(NONCE_BYTES)
    return base64.urlsafe_b64encode(nonce + AESGCM(key).encrypt(nonce, content, context)).decode()


def _opened(key: bytes, sealed: str, context: bytes) -> bytes:
    raw = base64.urlsafe_b64decode(sealed)
    return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], context)


def _bad_keys() -> VaultError:
    return VaultError(
        "MIGRATE_VAULT_KEYS is not understood.",
        code="VAULT_KEY_BAD",
        remedy="Write it as id=base64 of 32 bytes, comma-separated, the newest first. See `migrate vault new-key`.",
    )
