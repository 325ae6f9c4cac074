"""What may be wrong with an agent: can it reach the service, is its key valid, its clock right, its disk free, the SQL
Server there? And a bundle of it for support, without secrets."""

from __future__ import annotations

import json
import platform
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from migrate_api.agent.control_plane import ControlPlane
from migrate_api.agent.home import Home
from migrate_api.agent.redaction import redacted
from migrate_api.agent.settings import AgentSettings
from migrate_etl.rock.diagnose import test_connection
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import MigrateError, Refused

SKEW_SECONDS = 60
LEAST_FREE = 2 * 10**9
LOG_BYTES = 5 * 10**6


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    said: str
    remedy: str = ""


def checks(home: Home, environment: Mapping[str, str]) -> list[Check]:
    """Everything, in the order in which it makes sense to mend it."""
    found = [_disk(home)]
    try:
        settings = AgentSettings.gather(home.config, environment)
    except MigrateError as error:
        return [*found, Check("registration", False, error.message, error.remedy)]
    found += _service(settings)
    if connection := environment.get("MIGRATE_ROCK_CONNECTION"):
        rock = test_connection(connection)
        found.append(Check("sql server", rock.ok, f"{rock.code}: {rock.message}", rock.remedy or ""))
    return found


def _disk(home: Home) -> Check:
    place = home.state
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    said = f"{free / 1e9:.1f} GB free for {home.state}"
    return Check("disk", free >= LEAST_FREE, said, "" if free >= LEAST_FREE else "Free some space.")


def _service(settings: AgentSettings) -> list[Check]:
    """Reachability, key and clock, by one heartbeat that holds no jobs."""
    try:
        with ControlPlane(settings, Control()) as plane:
            at_work, time = _met(plane)
    except MigrateError as error:
        name = "key" if error.error_code == "AGENT_KEY_REFUSED" else "service"
        return [Check(name, False, f"{settings.url}: {error.message}", error.remedy)]
    skew = (datetime.now(UTC) - time).total_seconds()
    right = abs(skew) <= SKEW_SECONDS
    return [
        Check("service", True, f"{settings.url} answers and knows this agent{at_work}"),
        Check("clock", right, f"{skew:+.0f} seconds off the service's", "" if right else "Set the clock by NTP."),
    ]


def _met(plane: ControlPlane) -> tuple[str, datetime]:
    """Whether the agent is at work, in words, and the service's clock. One at work is no less to be diagnosed."""
    try:
        return "", plane.heartbeat((), None).server_time
    except Refused as refused:
        if refused.error_code != "SUPERSEDED":
            raise
        return ", which is at work already", plane.health().time


def bundle(file: Path, home: Home, found: list[Check]) -> None:
    """A zip of the checks, the machine's facts and the ends of the logs, with what looks like a secret blacked out."""
    facts = {
        "version": version("migrate"),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "time": datetime.now(UTC).isoformat(),
        "checks": [asdict(check) for check in found],
    }
    logs = [*home.logs.glob("*.log*"), *home.jobs.glob("*/attempt.log")]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("facts.json", redacted(json.dumps(facts, indent=1)))
        for log in logs:
            name = f"{log.parent.name}/{log.name}" if log.parent != home.logs else log.name
            out.writestr(name, redacted(log.read_bytes()[-LOG_BYTES:].decode(errors="replace")))
