"""Answers that are not whole, or not Azure's own: nothing is concluded from them."""

from __future__ import annotations

import pytest

from migrate_transfer.backends.azure.access import BlobAccess
from migrate_transfer.backends.azure.answers import written
from migrate_transfer.backends.azure.client import Client
from migrate_transfer.backends.azure.destination import AzureBlob, BlobConfig
from migrate_transfer.backends.memory import Memory
from migrate_transfer.core.backend import Streams, Upload
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import AccessDenied, ConnectionLost, FatalError, RejectedItem, TransientError
from migrate_transfer.core.retry import RetryPolicy
from migrate_transfer.engine.passage import Passage
from migrate_transfer.net.lane import Link
from tests.fakes.azurite import destination
from tests.migrate_transfer.net.server import answer, serving

HASTY = Link(Control(), retry=RetryPolicy(first=0.01, longest=0.02, patience=3))
MOVED = answer(200, b"", ETag='"0x1"', x_ms_meta_source="m", x_ms_meta_moved="2026-01-01T00:00:00Z")


def at(url: str) -> AzureBlob:
    return destination(f"{url}/account", "container", link=HASTY)


def test_an_object_whose_answer_was_cut_off_is_asked_for_again() -> None:
    """What was cut off is the mark: the only copy of a file would have been replaced, or removed."""
    whole = MOVED.index(b"x-ms-meta-moved")
    with serving(MOVED[:whole] + b"x-ms-cut", MOVED) as server:
        found = at(server.url).find("a")
        assert found is not None
        assert found.moved


def test_nobody_else_is_told_what_is_needed_to_get_in() -> None:
    with serving(answer(302, b"", Location="/elsewhere")) as server:
        there = at(server.url)
        with pytest.raises(FatalError):
            Client(there._door).staged("a")
        assert len(server.requests) == 1


def test_nothing_but_a_new_container_is_signed_with_the_time_of_this_machine() -> None:
    """Azure refuses it where that is wrong: a job with a large file under way could not go on."""
    with serving(answer(200, b"<BlockList/>", Content_Type="application/xml")) as server:
        Client(at(server.url)._door).staged("a")
    assert b"SharedKey" not in server.requests[0]


def test_azures_word_is_told_as_azure_says_it() -> None:
    """Microsoft's client makes a member of an enumeration of it: `StorageErrorCode.AUTHORIZATION_FAILURE`."""
    refused = answer(403, b"", x_ms_error_code="AuthorizationFailure")
    with serving(refused) as server, pytest.raises(AccessDenied, match=r"\(AuthorizationFailure\)"):
        Client(at(server.url)._door).staged("a")


def test_what_is_needed_to_get_in_is_not_logged_with_an_answer_that_was_cut_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with serving(b"HTTP/1.1 200 -\r\nServer: x\r\nx-ms-cut") as server:
        access = BlobAccess(signature=lambda: "sv=1&sig=secret")
        there = AzureBlob(BlobConfig("account", "container", endpoint=server.url), access, HASTY)
        with pytest.raises(ConnectionLost):
            Client(there._door).staged("a")
    assert "secret" not in caplog.text


def test_an_object_that_is_gone_when_it_is_to_be_replaced_is_told_as_gone() -> None:
    """Nobody's blocks are in the way: none are dropped."""
    source, gone = Memory(), answer(404, b"", x_ms_error_code="BlobNotFound")
    source.keep("a", b"new")
    with serving(answer(201), answer(412, b"", x_ms_error_code="ConditionNotMet"), gone) as server:
        sender = at(server.url).sender(Streams(1), Control())
        ((_, result),) = sender.put_all(iter([Passage(source, Upload(1, source.item("a"), replaces="0x1"))]))
        sender.close()
    assert isinstance(result, RejectedItem)
    assert (result.error_code, len(server.requests)) == ("DESTINATION_GONE", 3)


def test_without_verification_another_machines_object_is_not_taken_for_ours() -> None:
    """It was put there after the listing, and has the size and the time that our file has."""
    source = Memory()
    source.keep("a", b"ours!!")
    theirs = answer(200, b"theirs", x_ms_meta_source="another", x_ms_meta_mtime=written(1), ETag='"0x1"')[:-6]
    with serving(answer(201), answer(409, x_ms_error_code="BlobAlreadyExists"), theirs) as server:
        sender = at(server.url).sender(Streams(1), Control())
        ((_, result),) = sender.put_all(iter([Passage(source, Upload(1, source.item("a")), hashing=False)]))
        sender.close()
    assert isinstance(result, RejectedItem)


PAGE = answer(200, b"<html>Please sign in.</html>")
"""What a gateway says in the service's place."""


def test_a_gateways_page_says_nothing_of_an_object() -> None:
    with serving(PAGE, answer(404, b""), MOVED) as server:
        found = at(server.url).find("a")
        assert found is not None
        assert found.moved


@pytest.mark.parametrize("said", [PAGE, answer(404, b"<html>No such page.</html>")])
def test_a_gateways_page_is_no_removal(said: bytes) -> None:
    with serving(said) as server:
        sender = at(server.url).sender(Streams(1), Control())
        ((_, error),) = sender.delete_all(iter([("a", "0x1")]))
        sender.close()
    assert isinstance(error, RejectedItem)
    assert error.error_code == "REJECTED"


def test_metadata_are_not_replaced_by_what_a_gateways_page_has() -> None:
    with serving(PAGE) as server:
        sender = at(server.url).sender(Streams(1), Control())
        ((_, result),) = sender.mark_all(iter([("a", "0x1")]), moved=True)
        sender.close()
    assert isinstance(result, TransientError)
    assert len(server.requests) == 1


def test_a_gateways_page_is_not_what_an_object_has() -> None:
    """Read so twice, a good copy was removed as a wrong one."""
    with serving(PAGE) as server:
        sender = at(server.url).sender(Streams(1), Control())
        ((_, result),) = sender.reread_all(iter(["a"]))
        sender.close()
    assert isinstance(result, TransientError)


def test_how_large_an_object_is_in_an_answer_that_was_garbled_ends_no_job() -> None:
    """It ended with a fault in the program."""
    garbled = answer(206, b"data", ETag='"0x1"', Content_Range="bytes 0-3'4", x_ms_request_id="1")
    with serving(garbled) as server:
        sender = at(server.url).sender(Streams(1), Control())
        ((_, result),) = sender.reread_all(iter(["a"]))
        sender.close()
    assert isinstance(result, TransientError)


def test_a_page_that_a_gateway_keeps_is_not_what_an_object_has() -> None:
    """It has an etag too."""
    with serving(answer(200, b"<html>Checked.</html>", ETag='"page"')) as server:
        sender = at(server.url).sender(Streams(1), Control())
        ((_, result),) = sender.reread_all(iter(["a"]))
        sender.close()
    assert isinstance(result, TransientError)


@pytest.mark.parametrize("first", [b"HTTP/1>1 200", b"HTTP/9.1 200", b"HXTP/1.1 200"])
def test_a_first_line_that_was_garbled_is_asked_for_again(first: bytes) -> None:
    """It ended the job: the service's address was said to be no URL."""
    with serving(MOVED.replace(b"HTTP/1.1 200", first), MOVED) as server:
        assert at(server.url).find("a") is not None
