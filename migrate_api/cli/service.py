"""serve (run the job API) and what its keeper needs: organisations, tokens, vault keys, the histories' audit."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer

from migrate_api import history
from migrate_api.bootstrap import make_tenant, make_token
from migrate_api.cli.errors import STORAGE
from migrate_api.cli.output import Json, console, page, write_json
from migrate_api.database import Database
from migrate_api.listening import at, listen
from migrate_api.principals import Role
from migrate_api.serving import prepare
from migrate_api.serving import serve as run_service
from migrate_api.settings import ApiSettings
from migrate_api.tables import Tenant
from migrate_api.vault import Vault
from migrate_transfer.core.errors import InvalidRequest, StorageError

Folder = Annotated[Path, typer.Option("--folder", help="Where the embedded database and its vault key are kept.")]
DatabaseUrl = Annotated[
    str | None,
    typer.Option("--database-url", help="postgresql://… without a password, which comes from PGPASSWORD or a file."),
]
DEFAULT = Path("out/service")


@contextmanager
def database_answers() -> Iterator[None]:
    """Raises StorageError DATABASE_UNREACHABLE. The driver's own words may name people: `--debug` has them."""
    try:
        yield
    except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
        raise StorageError(
            "The service's database cannot be reached, or refuses the login.",
            code="DATABASE_UNREACHABLE",
            remedy="See that PostgreSQL runs, and that MIGRATE_DATABASE_URL and PGPASSWORD or ~/.pgpass are right; of"
            " an embedded one, that this user may write to --folder and the disk has space.",
        ) from error


vault_app = typer.Typer(help="Keys that seal secrets at rest.", no_args_is_help=True)
tenant_app = typer.Typer(help="Organisations.", no_args_is_help=True)
token_app = typer.Typer(help="API tokens of scripts.", no_args_is_help=True)


@database_answers()
def serve(
    folder: Folder = DEFAULT,
    database_url: DatabaseUrl = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8700,
    public_url: Annotated[str | None, typer.Option("--public-url", help="Where people and agents reach it.")] = None,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=64, help="Processes; more than one on PostgreSQL.")
    ] = 1,
) -> None:
    """Run the job API until Ctrl-C: on an embedded database with nothing to install, or on PostgreSQL."""
    _refuse_password(database_url)
    sockets = listen(host, port)
    url = public_url or f"http://{at(host, port)}"
    started = prepare(folder, database_url, url)
    _require_ready(started.settings, workers)
    console().print(f"Serving {url}; its description: {url}/docs", soft_wrap=True, highlight=False)
    if started.token_file:
        console().print(f"The first owner's API token is in {started.token_file}", soft_wrap=True, highlight=False)
    with suppress(KeyboardInterrupt):  # it has ended in good order: that is how one ends a service
        run_service(started.settings, sockets, workers)


def _require_ready(settings: ApiSettings, workers: int) -> None:
    """Before the log begins: what is wrong is told as every command tells it."""
    Vault(settings.vault_keys.get_secret_value())
    database = Database(settings.database_url)
    if workers > 1 and not database.postgresql:
        raise InvalidRequest("An embedded database serves one process.", remedy="Use PostgreSQL for --workers.")
    database.migrate()
    database.close()


def _refuse_password(url: str | None) -> None:
    try:
        password = sa.make_url(url).password if url else None
    except sa.exc.ArgumentError:
        raise InvalidRequest(
            "--database-url is no URL.", remedy="Give one such as postgresql://host/database."
        ) from None
    if password:
        raise InvalidRequest(
            "A password does not belong in an argument.",
            remedy="Set MIGRATE_DATABASE_URL, or PGPASSWORD, or a password file (~/.pgpass).",
        )


@database_answers()
def audit(folder: Folder = DEFAULT, database_url: DatabaseUrl = None, as_json: Json = False) -> None:
    """Check that no line of any job's history was changed, taken out or put in."""
    _require_service(folder, database_url)
    database = _database(folder, database_url)
    with database.transaction() as session:
        found = list(history.flaws(session))
    if as_json:
        write_json({"whole": not found, "flaws": found})
        sys.exit(STORAGE if found else 0)
    for flaw in found:
        page().print(flaw, highlight=False, soft_wrap=True)
    if found:
        raise StorageError(
            f"{len(found)} flaws in the histories.",
            code="HISTORY_BROKEN",
            remedy="Somebody wrote to the database past the service: compare it with a backup.",
        )
    page().print("The histories are whole.")


def _require_service(folder: Path, database_url: str | None) -> None:
    """A new service has nothing to complain of: a folder misspelt would be called whole."""
    elsewhere = database_url or os.environ.get("MIGRATE_DATABASE_URL")
    if not elsewhere and not (folder / "migrate.sqlite").exists():
        raise InvalidRequest(
            f"There is no service in {folder}.",
            code="NO_SUCH_SERVICE",
            remedy="Give the --folder that `migrate serve` was given, or --database-url.",
        )


def _database(folder: Path, database_url: str | None) -> Database:
    _refuse_password(database_url)
    return Database(prepare(folder, database_url, "http://127.0.0.1").settings.database_url)


@vault_app.command("new-key")
def new_key() -> None:
    """Print a new key for MIGRATE_VAULT_KEYS; put it in front of the older ones, restart, then rotate."""
    print(Vault.new_key())


@vault_app.command("rotate")
@database_answers()
def rotate(folder: Folder = DEFAULT, database_url: DatabaseUrl = None) -> None:
    """Seal every secret under the newest key; the older keys can then be dropped."""
    _require_service(folder, database_url)
    settings = prepare(folder, database_url, "http://127.0.0.1").settings
    with Database(settings.database_url).transaction() as session:
        count = Vault(settings.vault_keys.get_secret_value()).rotate(session)
    page().print(f"{count} secrets sealed under the newest key.")


@tenant_app.command("create")
@database_answers()
def create_tenant(slug: str, folder: Folder = DEFAULT, database_url: DatabaseUrl = None) -> None:
    """Make an organisation before Hub has sent anybody of it."""
    with _database(folder, database_url).transaction() as session:
        page().print(make_tenant(session, slug).id)


@token_app.command("create")
@database_answers()
def create_token(
    slug: Annotated[str, typer.Argument(help="The organisation.")],
    name: Annotated[str, typer.Argument(help="What the token is for.")],
    role: Annotated[str, typer.Option("--role", help="viewer, member, admin or owner.")] = "member",
    folder: Folder = DEFAULT,
    database_url: DatabaseUrl = None,
) -> None:
    """Print a new API token, shown this once."""
    if role.upper() not in Role.__members__:
        raise InvalidRequest(f"{role} is no role.", remedy="Roles are viewer, member, admin and owner.")
    with _database(folder, database_url).transaction() as session:
        tenant = session.scalar(sa.select(Tenant).where(Tenant.slug == slug))
        if tenant is None:
            raise InvalidRequest(f"There is no organisation {slug}.", remedy="Make it with `migrate tenant create`.")
        print(make_token(session, tenant.id, name, Role.named(role)))
