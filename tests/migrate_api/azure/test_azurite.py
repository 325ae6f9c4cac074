"""The service's few words to a storage account, said to Microsoft's own emulator. It knows no delegation keys: of those
only the fake has told."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.core.credentials import AccessToken
from azure.storage.blob import BlobServiceClient, ContainerSasPermissions, generate_container_sas

from migrate_api.azure.blobs import require_writable
from migrate_api.database import Database
from migrate_transfer.backends.azure.access import BlobAccess
from migrate_transfer.backends.azure.destination import AzureBlob, BlobConfig
from migrate_transfer.backends.memory import Memory
from migrate_transfer.core.backend import Receipt, Streams, Upload
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import AccessDenied, InvalidRequest
from migrate_transfer.engine.passage import Passage
from migrate_transfer.net.lane import Link
from tests.fakes.azurite import ACCOUNT, KEY, Azurite, running
from tests.fakes.microsoft import FakeMicrosoft
from tests.migrate_api.azure.ground import ADA, CONTAINER, ground_on


def signature(container: str, permission: ContainerSasPermissions) -> str:
    ends = datetime.now(UTC) + timedelta(hours=1)
    return generate_container_sas(ACCOUNT, container, account_key=KEY, permission=permission, expiry=ends)


def test_the_try_leaves_nothing_behind(azurite: Azurite) -> None:
    container = azurite.container("tried")
    require_writable(azurite.endpoint, "tried", signature=signature("tried", ContainerSasPermissions(write=True)))
    assert list(container.list_blobs()) == []


def test_who_may_only_read_is_found_out(azurite: Azurite) -> None:
    azurite.container("read-only")
    sas = signature("read-only", ContainerSasPermissions(read=True))
    with pytest.raises(AccessDenied) as refused:
        require_writable(azurite.endpoint, "read-only", signature=sas)
    assert refused.value.error_code == "AZURE_ROLE_MISSING"


def test_a_container_that_is_not_there_is_found_out(azurite: Azurite) -> None:
    sas = signature("nowhere", ContainerSasPermissions(write=True))
    with pytest.raises(InvalidRequest) as refused:
        require_writable(azurite.endpoint, "nowhere", signature=sas)
    assert refused.value.error_code == "AZURE_CONTAINER_MISSING"


class Credential:
    """A token as azure-core takes it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        return AccessToken(self._token, int(ends()))


@pytest.fixture
def by_token(fake: FakeMicrosoft, tmp_path: Path) -> Iterator[Azurite]:
    """An emulator that asks for tokens, over TLS under the fake Microsoft's authority."""
    files = tmp_path / "azurite"
    files.mkdir()
    server = str(fake.authority.with_name("server.pem"))
    with running(files, "--oauth", "basic", "--cert", server, "--key", server, scheme="https") as found:
        yield found


def test_from_signing_in_to_a_blob_by_token(database: Database, fake: FakeMicrosoft, by_token: Azurite) -> None:
    with ground_on(database, fake, azure_access="bearer") as ground:
        fake.account(ACCOUNT, CONTAINER).endpoint = by_token.endpoint
        trusted = str(fake.authority)
        key = {"account_name": ACCOUNT, "account_key": KEY}
        owner = BlobServiceClient(by_token.endpoint, key, connection_verify=trusted)
        owner.create_container(CONTAINER)
        project, agent = ground.site.project("file_migration"), ground.site.agent()
        ground.sign_in(project, ADA)
        assert ground.choose(project, account=ACCOUNT, container="not-there")[1]["code"] == "AZURE_CONTAINER_MISSING"
        assert ground.choose(project, account=ACCOUNT)[0] == 200
        access = ground.take_up(agent, ground.job(agent, project))[1]["storage"]
        service = BlobServiceClient(access["endpoint"], Credential(access["bearer_token"]), connection_verify=trusted)
        blob = service.get_blob_client(access["container"], "hello.txt")
        blob.upload_blob(b"hello")
        assert owner.get_blob_client(CONTAINER, "hello.txt").download_blob().readall() == b"hello"
        engine = AzureBlob(
            BlobConfig(access["account"], access["container"], endpoint=access["endpoint"], chunk=2**20),
            BlobAccess(token=lambda: (access["bearer_token"], ends())),
            Link(Control(), authorities=trusted),
        )
        source = Memory()
        source.keep("small", b"small")
        source.keep("large", secrets.token_bytes(3 * 2**20))
        sender = engine.sender(Streams(2), Control())
        uploads = [Passage(source, Upload(n, source.item(key))) for n, key in enumerate(source.objects)]
        assert [type(result) for _, result in sender.put_all(iter(uploads))] == [Receipt, Receipt]
        sender.close()
        assert owner.get_blob_client(CONTAINER, "large").download_blob().readall() == source.objects["large"].data


def ends() -> float:
    return (datetime.now(UTC) + timedelta(minutes=30)).timestamp()
