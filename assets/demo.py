"""Where a run finds its church and its Mission: named in the environment, or else a sample church and a Mission sandbox
that live in the home, so that `dagster dev` works with no set-up at all."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from pydantic import ValidationError

from assets.home import Home, exclusive
from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_etl.sandbox.rock import make_sample
from migrate_etl.spec import ImportSecrets, RockImportSpec
from migrate_etl.workspace import Workspace
from migrate_transfer.core.errors import InvalidRequest, TargetError

SECRETS = ("MIGRATE_ROCK_CONNECTION", "MIGRATE_MISSION_KEY")
OPTIONS = {
    "MIGRATE_MISSION_URL": "mission_url",
    "MIGRATE_ORGANIZATION": "organization",
    "MIGRATE_TIME_ZONE": "time_zone",
    "MIGRATE_CAMPUS_IDS": "campus_ids",
    "MIGRATE_DATE_RANGE_START": "date_range_start",
    "MIGRATE_ENTITIES": "entities",
    "MIGRATE_INCLUDE_GROUP_TYPES": "include_group_types",
    "MIGRATE_BATCH_SIZE": "batch_size",
    "MIGRATE_CONCURRENCY": "concurrency",
    "MIGRATE_RESEND": "resend",
}
LISTS = ("campus_ids", "entities", "include_group_types")
SAMPLE_PEOPLE = 500
A_WHILE = 24 * 3600


@contextmanager
def church_and_mission(home: Home, job_id: str | None) -> Iterator[tuple[Workspace, ImportSecrets]]:
    """The run's job and its secrets. Raises InvalidRequest where the environment names half of what is needed."""
    environment = os.environ
    if any(name in environment for name in SECRETS):
        asked = [field for name, field in OPTIONS.items() if environment.get(name)]
        yield home.current(_spec_from(environment), job_id, asked), _secrets_from(environment)
        return
    workspace = home.current(_sample_spec(), job_id)
    connection = _sample_church(home)
    key = secrets.token_hex(16)
    with _sandbox(home, workspace.spec, key):
        yield workspace, ImportSecrets.model_validate({"rock_connection": connection, "mission_key": key})


def _secrets_from(environment: Mapping[str, str]) -> ImportSecrets:
    missing = [name for name in SECRETS if not environment.get(name)]
    if missing:
        raise InvalidRequest(
            f"The environment lacks {' and '.join(missing)}.",
            remedy="Give both secrets, or neither to work on the sample church.",
        )
    connection, key = (environment[name] for name in SECRETS)
    return ImportSecrets.model_validate({"rock_connection": connection, "mission_key": key})


def _spec_from(environment: Mapping[str, str]) -> RockImportSpec:
    given: dict[str, Any] = {field: environment[name] for name, field in OPTIONS.items() if environment.get(name)}
    given.update({field: [part.strip() for part in given[field].split(",")] for field in LISTS if field in given})
    try:
        return RockImportSpec.model_validate({**given, "job_id": "import", "started_on": datetime.now(UTC).date()})
    except ValidationError as error:
        fields = {str(problem["loc"][0]) for problem in error.errors() if problem["loc"]}
        names = sorted(name for name, field in OPTIONS.items() if field in fields)
        raise InvalidRequest(
            f"The environment lacks {', '.join(names)}, or they are not understood.",
            remedy="Give Mission's address, the organisation's slug and its IANA time zone at least.",
        ) from None


def _sample_spec() -> RockImportSpec:
    """For a home without a job yet: any free port, which the job then keeps."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    return RockImportSpec(
        job_id="sample",
        organization="sample-church",
        mission_url=f"http://127.0.0.1:{port}",
        time_zone="America/Chicago",
        started_on=datetime.now(UTC).date(),
    )


def _sample_church(home: Home) -> str:
    """The connection string of the home's sample; of several runs one makes it."""
    path = home.folder / "rock.sqlite"
    with exclusive(home.folder / ".rock.lock", seconds=A_WHILE):
        if not path.exists():
            make_sample(path, people=SAMPLE_PEOPLE)
    return f"sqlite:///{path}"


@contextmanager
def _sandbox(home: Home, spec: RockImportSpec, key: str) -> Iterator[None]:
    """A sandbox at the job's address that takes the key, shared by the runs that need it at the same time.

    The run that started it stops it, once the others are done with it.
    """
    users = home.folder / ".mission.users"
    ours: MissionSandbox | None = None
    try:
        with _shared(users):
            with exclusive(home.folder / ".mission.lock"):
                if not _answers(spec.mission_url):
                    ours = _start(home, spec, key)
                _admit(spec, key)
            yield
    finally:
        if ours is not None:
            with exclusive(users, seconds=A_WHILE), ours:
                pass


@contextmanager
def _shared(path: Path) -> Iterator[None]:
    """Be one of the users of something; `exclusive` on the same path waits until there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=A_WHILE, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield


def _start(home: Home, spec: RockImportSpec, key: str) -> MissionSandbox:
    address = urlsplit(spec.mission_url)
    try:
        return MissionSandbox.start(home.folder / "mission", spec.organization, key, port=address.port or 80)
    except RuntimeError as error:
        raise TargetError(
            f"The Mission sandbox does not come up at {spec.mission_url}.",
            remedy="See mission/mission.log in the home; if another program has the port, stop it or begin a new home.",
        ) from error


def _answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/sandbox/requests", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def _admit(spec: RockImportSpec, key: str) -> None:
    """Let this run's own key in: each run makes one, none is kept."""
    body = json.dumps({"organization": spec.organization, "key": key}).encode()
    request = Request(f"{spec.mission_url}/sandbox/keys", body, {"Content-Type": "application/json"})
    with urlopen(request, timeout=5):
        pass
