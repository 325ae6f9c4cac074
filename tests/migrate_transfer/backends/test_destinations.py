"""What every destination must do, whatever it is; Azure Blob Storage is Microsoft's own emulator here."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator

import pytest

from migrate_transfer.backends.memory import Memory
from migrate_transfer.core.backend import Destination, Receipt, Sender, Streams, Upload
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import ItemError
from migrate_transfer.engine.passage import Passage
from tests.fakes.azurite import Azurite, destination

MIB = 2**20
EMPTY = hashlib.sha256().hexdigest()


@pytest.fixture(params=["memory", "azure"])
def there(request: pytest.FixtureRequest) -> Destination:
    if request.param == "memory":
        return Memory()
    azurite: Azurite = request.getfixturevalue("azurite")
    made = destination(azurite.endpoint, f"c{secrets.token_hex(6)}", "some/prefix", chunk=MIB)
    made.prepare()
    return made


@pytest.fixture
def sender(there: Destination) -> Iterator[Sender]:
    made = there.sender(Streams(4), Control())
    yield made
    made.close()


def put(sender: Sender, source: Memory, *uploads: Upload) -> dict[str, Receipt | Exception]:
    return {upload.item.key: result for upload, result in sender.put_all(Passage(source, one) for one in uploads)}


def holding(**objects: bytes) -> Memory:
    source = Memory()
    for key, data in objects.items():
        source.keep(key, data, 1_700_000_000_123_456_789)
    return source


def upload(source: Memory, key: str, number: int = 1) -> Upload:
    return Upload(number, source.item(key))


@pytest.mark.parametrize("size", [0, 1, 1_000, MIB, MIB + 1, 5 * MIB, 5 * MIB + 7])
def test_what_is_put_is_there(there: Destination, sender: Sender, size: int) -> None:
    data = secrets.token_bytes(size)
    source = holding(a=data)
    receipt = put(sender, source, upload(source, "a"))["a"]
    assert isinstance(receipt, Receipt)
    found = there.find("a")
    assert found is not None
    assert (found.size, found.etag, found.sha256) == (size, receipt.etag, hashlib.sha256(data).hexdigest())
    assert dict(sender.reread_all(iter(["a"]))) == {"a": found.sha256}


def test_time_and_digest_are_kept(there: Destination, sender: Sender) -> None:
    source = holding(a=b"hello")
    put(sender, source, upload(source, "a"))
    (listed,) = there.stored()
    assert listed == there.find("a")
    assert (listed.key, listed.size, listed.modified) == ("a", 5, 1_700_000_000_123_456_789)


def test_many_at_once_each_end_once(there: Destination, sender: Sender) -> None:
    objects = {f"folder {n % 7}/é{n} +%&#?=;.txt": secrets.token_bytes(n * 37_000) for n in range(60)}
    source = holding(**objects)
    ended = put(sender, source, *(upload(source, key, n) for n, key in enumerate(objects)))
    assert ended.keys() == objects.keys()
    assert {one.key: one.sha256 for one in there.stored()} == {
        key: hashlib.sha256(data).hexdigest() for key, data in objects.items()
    }
    assert all(isinstance(one, Receipt) for one in ended.values())


def test_nothing_is_replaced_unasked(there: Destination, sender: Sender) -> None:
    first, second = holding(a=b"first"), holding(a=b"second")
    put(sender, first, upload(first, "a"))
    refused = put(sender, second, upload(second, "a"))["a"]
    assert isinstance(refused, ItemError)
    assert refused.error_code == "DESTINATION_EXISTS"
    found = there.find("a")
    assert found is not None
    assert found.size == 5


def test_a_name_that_was_taken_since_the_listing_is_worth_a_retry(there: Destination, sender: Sender) -> None:
    """It may be an object of this very source, put by another job: then it is replaced."""
    first, second = holding(a=b"first"), holding(a=b"second")
    put(sender, first, upload(first, "a"))
    refused = put(sender, second, upload(second, "a"))["a"]
    assert isinstance(refused, ItemError)
    assert "retry" in refused.remedy.lower()


@pytest.mark.parametrize("size", [10, 3 * MIB])
def test_the_same_content_again_is_a_success(there: Destination, sender: Sender, size: int) -> None:
    """The answer to the first try was lost: the second finds what the first has put."""
    source = holding(a=secrets.token_bytes(size))
    first = put(sender, source, upload(source, "a"))["a"]
    second = put(sender, source, upload(source, "a"))["a"]
    assert isinstance(first, Receipt)
    assert isinstance(second, Receipt)
    assert second.etag == first.etag


@pytest.mark.parametrize("size", [10, 3 * MIB])
def test_what_is_known_may_be_replaced(there: Destination, sender: Sender, size: int) -> None:
    old, new = holding(a=b"old"), holding(a=secrets.token_bytes(size))
    first = put(sender, old, upload(old, "a"))["a"]
    assert isinstance(first, Receipt)
    again = upload(new, "a")
    again.replaces = first.etag
    assert isinstance(put(sender, new, again)["a"], Receipt)
    found = there.find("a")
    assert found is not None
    assert found.size == size


def test_what_changed_meanwhile_is_not_replaced(there: Destination, sender: Sender) -> None:
    old, other, new = holding(a=b"old"), holding(a=b"other"), holding(a=b"new")
    first = put(sender, old, upload(old, "a"))["a"]
    assert isinstance(first, Receipt)
    meanwhile = upload(other, "a")
    meanwhile.overwrite = True
    put(sender, other, meanwhile)
    late = upload(new, "a")
    late.replaces = first.etag
    refused = put(sender, new, late)["a"]
    assert isinstance(refused, ItemError)
    assert refused.error_code == "DESTINATION_EXISTS"


@pytest.mark.parametrize("size", [3, 3 * MIB])
def test_an_item_that_cannot_be_read_is_no_object(there: Destination, sender: Sender, size: int) -> None:
    source = holding(gone=secrets.token_bytes(size), here=b"here")
    uploads = [upload(source, "gone", 1), upload(source, "here", 2)]
    del source.objects["gone"]
    ended = put(sender, source, *uploads)
    assert isinstance(ended["gone"], ItemError)
    assert isinstance(ended["here"], Receipt)
    assert [one.key for one in there.stored()] == ["here"]


def test_a_source_that_changes_in_the_middle_is_no_object(there: Destination, sender: Sender) -> None:
    source = holding(a=secrets.token_bytes(4 * MIB))

    class Changing(Passage):
        def read(self, size: int) -> bytes:
            data = super().read(size)
            source.keep("a", secrets.token_bytes(4 * MIB))
            return data

    ended = [result for _, result in sender.put_all(iter([Changing(source, upload(source, "a"))]))]
    assert [type(one) for one in ended] == [ItemError]
    assert list(there.stored()) == []


def test_deleting_takes_only_that_object(there: Destination, sender: Sender) -> None:
    source = holding(a=b"1", b=b"2")
    put(sender, source, upload(source, "a", 1), upload(source, "b", 2))
    etags = {one.key: one.etag for one in there.stored()}
    ended = dict(sender.delete_all(iter([("a", etags["a"]), ("b", "0xOTHER"), ("c", "0xNONE")])))
    assert ended["a"] is None
    assert isinstance(ended["b"], ItemError)
    assert isinstance(ended["c"], ItemError)
    assert [one.key for one in there.stored()] == ["b"]


def test_reading_back_what_is_not_there_is_an_error_of_the_item(there: Destination, sender: Sender) -> None:
    source = holding(a=b"1")
    put(sender, source, upload(source, "a"))
    ended = dict(sender.reread_all(iter(["missing", "a"])))
    assert isinstance(ended["missing"], ItemError)
    assert ended["a"] == hashlib.sha256(b"1").hexdigest()


def test_a_large_object_is_read_back_in_ranges(there: Destination, sender: Sender) -> None:
    data = secrets.token_bytes(MIB) * 129
    source = holding(a=data)
    put(sender, source, upload(source, "a"))
    assert dict(sender.reread_all(iter(["a"]))) == {"a": hashlib.sha256(data).hexdigest()}


def test_tiers(there: Destination, sender: Sender) -> None:
    source = holding(a=b"1")
    put(sender, source, upload(source, "a"))
    assert there.features.tiers
    assert dict(sender.tier_all(iter(["a"]), "archive")) == {"a": None}
    found = there.find("a")
    assert found is not None
    assert found.tier == "archive"


def test_a_stopped_sender_takes_no_more(there: Destination) -> None:
    control = Control()
    sender = there.sender(Streams(2), control)
    source = holding(a=b"1")
    control.stop("paused")
    with pytest.raises(BaseException, match="paused"):
        put(sender, source, upload(source, "a"))
    sender.close()
    assert list(there.stored()) == []
