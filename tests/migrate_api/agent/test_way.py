"""A job's way into its container, as the service gives it: renewed in time, and at once when it is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from migrate_api.agent.transfer_runner import Way
from migrate_api.protocol.messages import Assignment, StorageAccess
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import TransientError


class Service:
    """Gives another token each time it is asked; the second time it is away."""

    asked = 0

    def storage_access(self, job: str, token: int) -> StorageAccess:
        self.asked += 1
        if self.asked == 2:
            raise TransientError("away", retry_after=0.0)
        ends = datetime.now(UTC) + timedelta(hours=1)
        bearer = SecretStr(f"token {self.asked}")
        return StorageAccess(endpoint="", account="acme", container="files", bearer_token=bearer, expires_at=ends)


def test_a_token_that_is_refused_is_asked_for_anew_until_the_service_answers() -> None:
    service = Service()
    assignment = Assignment.model_construct(job_id="job", token=1, storage=None)
    access = Way(service, assignment, Control()).blob_access()  # type: ignore[arg-type]
    assert access.token is not None
    assert access.renew is not None
    assert [access.token()[0], access.token()[0]] == ["token 1", "token 1"]
    access.renew()
    assert (access.token()[0], service.asked) == ("token 3", 3)
