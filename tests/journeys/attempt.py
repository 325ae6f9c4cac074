"""One attempt at an import in a process of its own, to be killed: a line of output for every step it takes.

`python -m tests.journeys.attempt FOLDER`, the secrets as JSON on stdin; the last line is `completed` or an error code.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from migrate_etl.job import ImportJob
from migrate_etl.spec import ImportSecrets
from migrate_etl.stages import Progress
from migrate_etl.workspace import Workspace
from migrate_transfer.core.errors import MigrateError
from migrate_transfer.core.retry import RetryPolicy


def main() -> int:
    if len(sys.argv) > 2:  # a disk that is full once a file has so many bytes
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    secrets = ImportSecrets.model_validate_json(sys.stdin.read())
    try:
        with ImportJob(
            Workspace.open(Path(sys.argv[1])), secrets, listener=_tell, retry=RetryPolicy(first=0.01)
        ) as job:
            job.run()
    except MigrateError as error:
        print(error.error_code, flush=True)
        return 1
    print("completed", flush=True)
    return 0


def _tell(step: Progress) -> None:
    print(step.stage, step.entity, step.partition, step.rows, flush=True)


if __name__ == "__main__":
    sys.exit(main())
