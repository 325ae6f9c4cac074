"""A job's way into its container, as the service gives it: renewed in time, and at once when it is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
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

    def service_time(self) -> datetime:
        return datetime.now(UTC)


class FarService:
    """Its clock, which is right, is hours off this machine's."""

    asked = 0

    def __init__(self, hours: int) -> None:
        self.off = timedelta(hours=hours)

    def service_time(self) -> datetime:
        return datetime.now(UTC) + self.off

    def storage_access(self, job: str, token: int) -> StorageAccess:
        self.asked += 1
        ends = self.service_time() + timedelta(hours=4 if self.asked == 1 else -1)
        sas = SecretStr(f"sig={self.asked}")
        return StorageAccess(endpoint="", account="acme", container="files", sas=sas, expires_at=ends)


@pytest.mark.parametrize("hours", [-5, 5])
def test_access_lasts_by_the_clock_of_who_gave_it(hours: int) -> None:
    service = FarService(hours)
    assignment = Assignment.model_construct(job_id="job", token=1, storage=None)
    access = Way(service, assignment, Control()).blob_access()  # type: ignore[arg-type]
    assert access.signature is not None
    assert [access.signature() for _ in range(3)] == ["sig=1"] * 3
    service.off += timedelta(hours=2, minutes=1)
    assert access.signature() == "sig=2"


def test_a_token_that_is_refused_is_asked_for_anew_until_the_service_answers() -> None:
    service = Service()
    assignment = Assignment.model_construct(job_id="job", token=1, storage=None)
    access = Way(service, assignment, Control()).blob_access()  # type: ignore[arg-type]
    assert access.token is not None
    assert access.renew is not None
    assert [access.token()[0], access.token()[0]] == ["token 1", "token 1"]
    access.renew()
    assert (access.token()[0], service.asked) == ("token 3", 3)
