"""Starting the service: settings completed with the embedded defaults, tables, the first organisation, uvicorn."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import sqlalchemy as sa
import uvicorn
from pydantic import SecretStr

from migrate_api.app import create_app
from migrate_api.bootstrap import make_tenant, make_token
from migrate_api.database import Database
from migrate_api.observability import log_as_json
from migrate_api.principals import Role
from migrate_api.settings import ApiSettings
from migrate_api.tables import Tenant
from migrate_api.vault import key_file
from migrate_transfer.core.errors import InvalidRequest

GRACE_SECONDS = 3
"""Command polls that wait when the service stops are cut off after so long; agents ask again."""
FIRST_TENANT = "local"


@dataclass(frozen=True, slots=True)
class Started:
    """Where the service will listen, and where the first owner's token lies, if this is the first start."""

    settings: ApiSettings
    token_file: Path | None


def prepare(folder: Path, database_url: str | None, public_url: str) -> Started:
    """Settings for a service over `folder` or a database elsewhere; makes tables, and on an empty embedded database
    the organisation `local` with an owner's token. Raises InvalidRequest where a database elsewhere has no key."""
    given = ApiSettings(public_url=public_url)
    url = database_url or os.environ.get("MIGRATE_DATABASE_URL")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = given.vault_keys.get_secret_value()
    if url is None:
        keys = keys or key_file(folder / "vault.key")
        url = f"sqlite:///{(folder / 'migrate.sqlite').absolute()}"
    elif not keys:
        raise InvalidRequest(
            "MIGRATE_VAULT_KEYS is not set.",
            code="VAULT_KEY_MISSING",
            remedy="Make a key with `migrate vault new-key`, keep it safe, and set it for every replica.",
        )
    settings = given.model_copy(update={"database_url": url, "vault_keys": SecretStr(keys)})
    return Started(settings, _first_owner(settings, folder) if database_url is None else None)


def _first_owner(settings: ApiSettings, folder: Path) -> Path | None:
    database = Database(settings.database_url)
    try:
        database.migrate()
        with database.transaction() as session:
            if session.scalar(sa.select(sa.func.count()).select_from(Tenant)):
                return None
            tenant = make_tenant(session, FIRST_TENANT)
            token = make_token(session, tenant.id, "first owner", Role.OWNER)
    finally:
        database.close()
    file = folder / "owner.token"
    file.touch(mode=0o600)
    file.write_text(token + "\n")
    return file


def serve(settings: ApiSettings, host: str, port: int) -> None:
    """Serve until told to stop."""
    log_as_json()
    app = create_app(settings)
    config = uvicorn.Config(
        app, host=host, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=GRACE_SECONDS
    )
    _Server(config).run()


class _Server(uvicorn.Server):
    """Answers the polls that wait before it waits for them."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.config.app.state.services.waker.close()  # type: ignore[union-attr]
        super().handle_exit(sig, frame)
