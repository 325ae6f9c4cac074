"""Connection strings and signatures as Microsoft's client reads and makes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from azure.storage.blob import BlobServiceClient, ContainerSasPermissions, generate_container_sas

from migrate_transfer.backends.azure.access import BlobAccess, Door
from migrate_transfer.backends.azure.keys import RIGHTS, account_of, signed, text_to_sign
from migrate_transfer.core.errors import InvalidRequest
from tests.fakes.azurite import KEY

STRINGS = [
    f"DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={KEY};EndpointSuffix=core.windows.net",
    f"DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={KEY};EndpointSuffix=core.chinacloudapi.cn;",
    f"AccountName=acme;AccountKey={KEY}",
    f"accountname=acme;ACCOUNTKEY={KEY};defaultEndpointsProtocol=http;EndpointSuffix=core.windows.net",
    f"AccountName=devstoreaccount1;AccountKey={KEY};BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1/",
    "BlobEndpoint=https://acme.blob.core.windows.net/;SharedAccessSignature=sv=2024-11-04&sig=a%2Fb%3D",
    "AccountName=acme;SharedAccessSignature=?sv=2024-11-04&sig=a%2Fb%3D",
]


@pytest.mark.parametrize("string", STRINGS)
def test_a_connection_string_leads_where_microsofts_client_goes(string: str) -> None:
    found, theirs = account_of(string), BlobServiceClient.from_connection_string(string)
    assert found.url == theirs.url.partition("?")[0].rstrip("/")
    assert (found.key != b"") == ("ACCOUNTKEY" in string.upper())
    assert found.signature == ("" if found.key else "sv=2024-11-04&sig=a%2Fb%3D")
    assert not found.key or found.name == theirs.account_name


@pytest.mark.parametrize(
    "string",
    [
        "nonsense",
        "AccountName=acme",
        "AccountName=acme;AccountKey=",
        "AccountName=acme;AccountKey=no base64",
        f"AccountKey={KEY}",
        "SharedAccessSignature=sv=1",
        "AccountName=acme;;AccountKey",
    ],
)
def test_one_that_is_not_complete_is_none(string: str) -> None:
    with pytest.raises(ValueError):
        account_of(string)


def test_a_connection_string_by_signature_is_that_of_the_account_in_its_address() -> None:
    """As Azure's page writes it, without a name: files went to another account than the one that was named."""
    door = Door("other", "files", "", BlobAccess(connection_string=STRINGS[5]))
    with pytest.raises(InvalidRequest) as caught:
        door.signature()
    assert caught.value.error_code == "OTHER_ACCOUNT"


@pytest.mark.parametrize("hours", [-30, 5])
def test_what_is_signed_bears_the_time_of_the_world_and_not_of_this_machine(hours: int) -> None:
    world = datetime.now(UTC) + timedelta(hours=hours)
    access = BlobAccess(connection_string=f"AccountName=acme;AccountKey={KEY}", clock=lambda: world)
    said = parse_qs(Door("acme", "files", "", access).signature())
    start, end = (datetime.fromisoformat(said[name][0]) for name in ("st", "se"))
    assert start < world < end


def test_a_signature_is_made_as_microsofts_client_makes_it() -> None:
    """It writes the version that it speaks itself; the rest is the same."""
    start, end, theirs = datetime(2026, 11, 21, 9, tzinfo=UTC), datetime(2026, 11, 22, 9, tzinfo=UTC), list[str]()
    generate_container_sas(
        "acme",
        "files",
        account_key=KEY,
        permission=ContainerSasPermissions(read=True, write=True, create=True, delete=True, list=True),
        start=start,
        expiry=end,
        sts_hook=theirs.append,
    )
    version = theirs[0].split("\n")[7]
    assert theirs == [text_to_sign("acme", "files", "2026-11-21T09:00:00Z", "2026-11-22T09:00:00Z", version)]
    made = parse_qs(signed(account_of(STRINGS[0]), "files", start, end))
    assert (made["sp"], made["sr"]) == ([RIGHTS], ["c"])
    assert made["se"] == ["2026-11-22T09:00:00Z"]


def test_a_signature_ends_when_it_says() -> None:
    now = datetime.now(UTC)
    made = parse_qs(signed(account_of(STRINGS[0]), "files", now, now + timedelta(hours=1)))
    assert datetime.fromisoformat(made["se"][0]) - datetime.fromisoformat(made["st"][0]) == timedelta(hours=1)
