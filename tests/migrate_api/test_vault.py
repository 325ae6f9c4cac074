"""Secrets at rest: sealed, bound to their owner, and re-sealed under a new key."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import sqlalchemy as sa

from migrate_api.bootstrap import make_tenant
from migrate_api.database import Database
from migrate_api.tables import SealedSecret
from migrate_api.vault import Vault, key_file
from migrate_transfer.core.errors import VaultError

SECRET = {"connection_string": "Password=hush"}


def test_what_is_sealed_opens_and_does_not_show(database: Database) -> None:
    vault = Vault(Vault.new_key())
    with database.transaction() as session:
        tenant = make_tenant(session, "grace")
        vault.seal(session, tenant.id, "job:1", SECRET)
        session.flush()
        assert vault.open(session, tenant.id, "job:1") == SECRET
        assert vault.open(session, "another", "job:1") is None
        assert "hush" not in str(session.execute(sa.text("SELECT * FROM sealed_secrets")).all())
        vault.forget(session, tenant.id, "job:1")
        assert vault.open(session, tenant.id, "job:1") is None


@pytest.mark.parametrize(("tenant", "owner"), [("grace", "job:2"), ("other", "job:1")])
def test_a_sealed_text_that_was_moved_does_not_open(tenant: str, owner: str) -> None:
    vault = Vault(Vault.new_key())
    sealed = vault.seal_text("grace", "job:1", SECRET)
    with pytest.raises(VaultError) as caught:
        vault.open_text(tenant, owner, sealed)
    assert caught.value.error_code == "VAULT_TAMPERED"


def test_after_a_rotation_the_old_key_is_not_needed(database: Database) -> None:
    old, new = Vault.new_key(), Vault.new_key()
    with database.transaction() as session:
        tenant = make_tenant(session, "grace")
        Vault(old).seal(session, tenant.id, "job:1", SECRET)
        session.flush()
        both = Vault(f"{new},{old}")
        assert both.open(session, tenant.id, "job:1") == SECRET
        assert (both.rotate(session), both.rotate(session)) == (1, 0)
        assert Vault(new).open(session, tenant.id, "job:1") == SECRET
        assert session.scalars(sa.select(SealedSecret.key_id)).all() == [new.partition("=")[0]]


@pytest.mark.parametrize("keys", ["nonsense", "a=QQ==", "=QQ==", "a=!!"])
def test_keys_that_are_none_are_refused_without_repeating_them(keys: str) -> None:
    with pytest.raises(VaultError) as caught:
        Vault(keys)
    assert caught.value.error_code == "VAULT_KEY_BAD"
    assert keys not in caught.value.message


def test_without_a_key_nothing_is_sealed() -> None:
    with pytest.raises(VaultError):
        Vault("").seal_text("grace", "job:1", SECRET)


def test_a_key_file_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "vault.key"
    assert key_file(file) == key_file(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
