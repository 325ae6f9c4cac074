"""An import from SQL Server by its own protocol: encrypted, through each driver, of an old release, with bad luck."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from migrate_etl.job import ImportJob
from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_etl.sandbox.rock import make_sample
from migrate_transfer.core.retry import RetryPolicy
from tests.conftest import Postgres
from tests.fakes import certificates
from tests.fakes.drivers import FREETDS, MICROSOFT
from tests.fakes.tds import Trouble
from tests.journeys.church import KEY, Church, outcomes, violations
from tests.migrate_etl.rock.conftest import SqlServer, fit_for_sql_server, running

DEADLOCK = Trouble(1205, "Transaction (Process ID 51) was deadlocked.", 13, after_rows=1)
KILLED = Trouble(596, "Cannot continue the execution because the session is in the kill state.", 21, after_rows=1)


@pytest.fixture(scope="module")
def rock(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlServer]:
    """A church of v8.0, the oldest release that can be imported."""
    url = postgres.create("journey")
    make_sample(url, people=40, seed=3, years=2, release="v8")
    fit_for_sql_server(postgres, "journey")
    _, context = certificates.make(tmp_path_factory.mktemp("certificates"))
    yield from running(postgres, "journey", url, context)


@pytest.mark.parametrize("driver", [FREETDS, MICROSOFT])
@pytest.mark.parametrize("snapshot", [0, 1], ids=["pages", "snapshot"])
def test_every_record_arrives_whatever_the_server_does(
    rock: SqlServer, tmp_path: Path, driver: str, snapshot: int
) -> None:
    rock.tds.snapshot_state = snapshot
    so_far = rock.tds.answers
    rock.tds.troubles = {so_far + at: KILLED if at % 60 else DEADLOCK for at in range(40, 400, 20)}
    rock.tds.hang_up_after = so_far + 75
    with MissionSandbox.start(tmp_path / "mission", "grace", KEY) as mission:
        over = Church(tmp_path / "over", rock.through(driver, Encrypt="yes"), mission)
        with ImportJob(over.workspace(), over.secrets, retry=RetryPolicy(first=0.0)) as job:
            verification = job.run().verification
            found = outcomes(job)
        assert violations(job.workspace) == []
    with (
        MissionSandbox.start(tmp_path / "other", "grace", KEY) as mission,
        Church(tmp_path / "straight", rock.url, mission).job("straight") as job,
    ):
        job.run()
        assert found == outcomes(job)
    assert verification is not None
    assert (verification.scope_match, verification.clean) == (True, True)
    assert rock.tds.answers > so_far + 75
