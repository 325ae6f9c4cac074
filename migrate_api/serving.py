"""Starting the service: settings completed with the embedded defaults, tables, the first organisation, uvicorn."""

from __future__ import annotations

import gc
import os
import resource
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from migrate_api.app import create_app
from migrate_api.bootstrap import make_tenant, make_token
from migrate_api.database import Database
from migrate_api.observability import log_as_json
from migrate_api.principals import Role
from migrate_api.settings import ApiSettings
from migrate_api.tables import Tenant
from migrate_api.vault import key_file
from migrate_transfer.core.errors import InvalidRequest, StorageError

GRACE_SECONDS = 3
"""Command polls that wait when the service stops are cut off after so long; agents ask again."""
KEEP_ALIVE_SECONDS = 75
"""Idle connections are kept longer than callers keep them, our agents five seconds, proxies mostly sixty: the one who
closes must be the caller, which alone knows that nothing is on its way. Each costs ten kilobytes."""
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


def serve(settings: ApiSettings, sockets: list[socket.socket], workers: int = 1) -> None:
    """Serve on sockets that listen, until told to stop. Several workers are so many replicas on one address; they need
    PostgreSQL. Raises StorageError SERVICE_NOT_STARTED where the application does not come up; the log says why."""
    log_as_json()
    _raise_file_limit()
    if workers == 1:
        server = _Server(_config(create_app(settings)))
        _require_started(_ended(lambda: server.run(sockets)))
        return
    os.environ |= {
        "MIGRATE_DATABASE_URL": settings.database_url,
        "MIGRATE_VAULT_KEYS": settings.vault_keys.get_secret_value(),
        "MIGRATE_PUBLIC_URL": settings.public_url,
    }
    replicas = Multiprocess(_config("migrate_api.serving:replica", workers), sockets)
    replicas.run()
    _require_started(*(process.exitcode for process in replicas.processes))


def _ended(run: Callable[[], None]) -> int | str | None:
    """uvicorn ends the process itself where the application does not come up."""
    try:
        run()
    except SystemExit as ended:
        return ended.code
    return None


def _require_started(*codes: int | str | None) -> None:
    if STARTUP_FAILURE in codes:
        raise StorageError(
            "The service did not start: see its log.",
            code="SERVICE_NOT_STARTED",
            remedy="Mend what the last lines of the log say, and start it again.",
        )


def replica() -> FastAPI:
    """The application of a worker, whose settings its parent has put into the environment."""
    log_as_json()
    app = create_app(ApiSettings())
    _collect_less()
    return app


def _config(app: FastAPI | str, workers: int = 1) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        workers=workers,
        factory=isinstance(app, str),
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )


def _raise_file_limit() -> None:
    """Every waiting poll is an open connection."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _collect_less() -> None:
    """Thousands of waiting polls are hundreds of thousands of living objects; looking them all over for garbage every
    few hundred new ones took three quarters of the service's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


class _Server(uvicorn.Server):
    """Answers the polls that wait before it waits for them."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        _collect_less()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        application = self.config.loaded_app
        while not hasattr(application, "state"):
            application = application.app  # what uvicorn has put around it
        application.state.services.waker.close()
        super().handle_exit(sig, frame)
