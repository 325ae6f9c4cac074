"""The fake Microsoft speaks as Azure's own libraries expect, and refuses what the real one refuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient, ContainerClient, ContainerSasPermissions, generate_container_sas

from tests.fakes.microsoft import FakeMicrosoft
from tests.fakes.microsoft_azure import STORAGE
from tests.fakes.microsoft_server import microsoft

NAME = "ada@example.org"


class Credential:
    """A token as azure-core takes it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        return AccessToken(self._token, int((datetime.now(UTC) + timedelta(hours=1)).timestamp()))


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeMicrosoft]:
    with microsoft(tmp_path) as found:
        found.account("acme123", "backups")
        found.person(NAME, acme123="contributor")
        ends = datetime.now(UTC) + timedelta(hours=1)
        found.access["good"] = {"person": NAME, "resource": STORAGE, "ends": ends}
        found.access["other-service"] = {"person": NAME, "resource": found.url, "ends": ends}
        yield found


def service(fake: FakeMicrosoft, token: str = "good") -> BlobServiceClient:
    url, trusted = f"{fake.url}/blobs/acme123", str(fake.authority)
    return BlobServiceClient(url, Credential(token), connection_verify=trusted, retry_total=0)


def container(fake: FakeMicrosoft, sas: str) -> ContainerClient:
    url, trusted = f"{fake.url}/blobs/acme123", str(fake.authority)
    return ContainerClient(url, "backups", credential=sas, connection_verify=trusted, retry_total=0)


def signature(fake: FakeMicrosoft, **changes: object) -> str:
    start = datetime.now(UTC) - timedelta(minutes=5)
    ends = start + timedelta(hours=1)
    key = service(fake).get_user_delegation_key(start, ends)
    given = {"permission": ContainerSasPermissions(read=True, write=True), "expiry": ends, **changes}
    return generate_container_sas("acme123", "backups", user_delegation_key=key, **given)  # type: ignore[arg-type]


def test_azures_own_client_gets_a_key_and_writes_with_its_signature(fake: FakeMicrosoft) -> None:
    blob = container(fake, signature(fake)).get_blob_client("a.txt")
    blob.upload_blob(b"hello")
    assert blob.download_blob().readall() == b"hello"


def test_a_signature_that_was_changed_is_refused(fake: FakeMicrosoft) -> None:
    longer = signature(fake).replace("sp=rw", "sp=rwd")
    with pytest.raises(HttpResponseError) as refused:
        container(fake, longer).upload_blob("a.txt", b"x")
    assert refused.value.error_code == "AuthenticationFailed"


def test_a_signature_for_reading_does_not_write(fake: FakeMicrosoft) -> None:
    sas = signature(fake, permission=ContainerSasPermissions(read=True))
    with pytest.raises(HttpResponseError) as refused:
        container(fake, sas).upload_blob("a.txt", b"x")
    assert refused.value.error_code == "AuthorizationPermissionMismatch"


def test_a_token_for_another_service_is_refused(fake: FakeMicrosoft) -> None:
    with pytest.raises(HttpResponseError):
        service(fake, "other-service").get_user_delegation_key(
            datetime.now(UTC), datetime.now(UTC) + timedelta(hours=1)
        )


def test_a_key_for_more_than_seven_days_is_refused(fake: FakeMicrosoft) -> None:
    start = datetime.now(UTC)
    with pytest.raises(HttpResponseError):
        service(fake).get_user_delegation_key(start, start + timedelta(days=8))
