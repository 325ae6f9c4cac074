"""A bearer token that is refused before its time: one fresh one is fetched, and what was refused is sent again."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from migrate_transfer.backends.azure.access import BlobAccess
from migrate_transfer.backends.azure.destination import AzureBlob, BlobConfig
from migrate_transfer.backends.memory import Memory
from migrate_transfer.core.backend import Receipt, Streams, Upload
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import AccessDenied, TransientError
from migrate_transfer.engine.passage import Passage
from migrate_transfer.net.lane import Link
from tests.fakes import certificates
from tests.migrate_transfer.net.server import Scripted, answer, serving

REFUSED = answer(401, b"Lifetime validation failed.", x_ms_error_code="InvalidAuthenticationInfo")
STORED = answer(201, b"", ETag='"1"')
PROBED = answer(201, b"")
"""To the first question: whether checksums are looked at."""
EMPTY = answer(
    200,
    b'<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs></Blobs><NextMarker/></EnumerationResults>',
    Content_Type="application/xml",
)


Tls = tuple[Path, ssl.SSLContext]


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    return certificates.make(tmp_path)


@dataclass
class Tokens:
    """Gives the same token until another one is asked for."""

    given: list[str] = field(default_factory=lambda: ["token1"])
    away: bool = False

    def renew(self) -> None:
        if self.away:
            raise TransientError("The service is away.")
        self.given.append(f"token{len(self.given) + 1}")

    def destination(self, url: str, authorities: Path) -> AzureBlob:
        access = BlobAccess(token=lambda: (self.given[-1], time.time() + 3_600), renew=self.renew)
        config = BlobConfig("account", "container", endpoint=url)
        return AzureBlob(config, access, Link(Control(), authorities=str(authorities)))


def put(target: AzureBlob, files: int = 1, streams: int = 1) -> list[Receipt | Exception]:
    source = Memory()
    for number in range(files):
        source.keep(f"file{number}", b"content")
    sender = target.sender(Streams(streams), Control())
    uploads = [Passage(source, Upload(number, source.item(key))) for number, key in enumerate(source.objects)]
    try:
        return [result for _, result in sender.put_all(iter(uploads))]
    finally:
        sender.close()


def used(server: Scripted) -> list[str]:
    """The tokens of the requests, in their order."""
    return [request.split(b"Bearer ")[1].split(b"\r\n")[0].decode() for request in server.requests]


def test_an_upload_whose_token_is_refused_goes_on_with_a_fresh_one(tls: Tls) -> None:
    tokens = Tokens()
    with serving(PROBED, REFUSED, STORED, tls=tls[1]) as server:
        assert put(tokens.destination(server.url, tls[0]), files=2) == [Receipt("1", 7), Receipt("1", 7)]
    assert used(server) == ["token1", "token1", "token2", "token2"]


def test_all_that_was_under_way_is_refused_together_and_one_token_is_fetched(tls: Tls) -> None:
    tokens = Tokens()

    def by_token(request: bytes) -> bytes:
        return REFUSED if b"token1" in request else STORED

    with serving(PROBED, by_token, tls=tls[1]) as server:
        assert [type(result) for result in put(tokens.destination(server.url, tls[0]), files=9, streams=4)] == [
            Receipt
        ] * 9
    assert tokens.given == ["token1", "token2"]


def test_a_fresh_token_that_is_refused_too_ends_the_job(tls: Tls) -> None:
    tokens = Tokens()
    with serving(PROBED, REFUSED, tls=tls[1]) as server, pytest.raises(AccessDenied) as caught:
        put(tokens.destination(server.url, tls[0]))
    assert caught.value.error_code == "AZURE_CREDENTIALS_EXPIRED"
    assert used(server) == ["token1", "token1", "token2"]


def test_a_refusal_without_a_word_is_one_of_the_token(tls: Tls) -> None:
    """The answer to a HEAD has no body."""
    with serving(PROBED, answer(401, b""), tls=tls[1]) as server, pytest.raises(AccessDenied) as caught:
        put(Tokens().destination(server.url, tls[0]))
    assert caught.value.error_code == "AZURE_CREDENTIALS_EXPIRED"


def test_a_service_that_is_away_while_a_token_is_fetched_is_no_refusal(tls: Tls) -> None:
    with serving(PROBED, REFUSED, tls=tls[1]) as server, pytest.raises(TransientError):
        put(Tokens(away=True).destination(server.url, tls[0]))


def test_a_listing_goes_on_with_a_fresh_token_too(tls: Tls) -> None:
    tokens = Tokens()
    with serving(REFUSED, EMPTY, tls=tls[1]) as server:
        assert list(tokens.destination(server.url, tls[0]).stored()) == []
    assert used(server) == ["token1", "token2"]


def test_a_listing_does_not_go_on_for_ever(tls: Tls) -> None:
    with serving(REFUSED, tls=tls[1]) as server, pytest.raises(AccessDenied) as caught:
        list(Tokens().destination(server.url, tls[0]).stored())
    assert caught.value.error_code == "AZURE_CREDENTIALS_EXPIRED"
    assert used(server) == ["token1", "token2"]
