"""Names as people and programs make them: each file ends in one outcome, under a name that leads back to it, and none
leaves the prefix."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from migrate_transfer.backends.azure.access import BlobAccess
from migrate_transfer.backends.azure.destination import AzureBlob, BlobConfig
from migrate_transfer.backends.local.source import LocalSource
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import InvalidRequest
from migrate_transfer.core.names import path_of
from migrate_transfer.manifest import read_lines, verify, write_manifest
from migrate_transfer.net.lane import Link
from tests.fakes.azurite import ACCOUNT
from tests.migrate_transfer.engine.conftest import Site, reached

PREFIX = "in/here"
NAMES = [
    *(b"a..b", b"...", b"..a", b"a..", b". .", b" ", b"  lead", b"trail ", b"trail.", b"a. ", b"-rf", b"~", b"$HOME"),
    *(b"new\nline", b"\n", b"\r\nx-ms-meta-evil: 1", b"tab\t", b"bell\x07", b"del\x7f", b"\x1b[31mred", b"\xc2\x85"),
    *(b"back\\slash", b"..\\..\\up", b"C:\\x", b"%41", b"A", b"%2541", b"%", b"%%41", b"100%.txt", b"%2e%2e", b"%2F"),
    *(
        b"?x=1&y=2",
        b"#frag",
        b"a?sig=b",
        b"a&b",
        b"a+b",
        b"a b",
        b"a;b=c",
        b"'\"`",
        b"<xml>&amp;",
        b"*|:",
        b"[1]",
        b"{a}",
    ),
    *(b"\xff\xfe", b"gro\xdf", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80.txt", b"\xef\xbf\xbe", b"\xe2\x80\xaetxt.exe"),
    *("caf\u00e9".encode(), "cafe\u0301".encode(), b"README", b"readme", b"Readme", b"CON", b"nul.txt", b"desktop.ini"),
    *(
        b".migrate-probe",
        b".hidden",
        b"x" * 255,
        "\u00e9".encode() * 127,
        b"data:text/html,x",
        b"http:",
        b"manifest.jsonl",
    ),
]


def write(site: Site, path: bytes, data: bytes) -> None:
    full = os.path.join(os.fsencode(site.files), path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "wb") as file:
        file.write(data)


def within(site: Site) -> AzureBlob:
    """The site's container, below a prefix."""
    made = reached(site)
    config = replace(made.config, prefix=PREFIX)
    return AzureBlob(config, made._door.access, Link(Control()))


@pytest.fixture
def hostile(site: Site) -> dict[bytes, bytes]:
    """Every name as a file and as a folder with a file in it, with a content of its own."""
    made = {}
    for number, name in enumerate(NAMES):
        for path in (name, b"folders/" + name + b"/" + name):
            made[path] = b"%d %d" % (number, len(path))
            write(site, path, made[path])
    return made


def test_every_name_arrives_as_itself(site: Site, hostile: dict[bytes, bytes]) -> None:
    site.destination = within(site)
    totals = site.run()
    assert (totals.counts.discovered, totals.counts.done, totals.counts.failed) == (len(hostile), len(hostile), 0)
    there = site.stored()
    assert all(name.startswith(PREFIX + "/") for name in there)
    back = {path_of(name.removeprefix(PREFIX + "/")): digest for name, digest in there.items()}
    assert back == {path: hashlib.sha256(data).hexdigest() for path, data in hostile.items()}
    assert site.run("second").counts.unchanged == len(hostile)


def test_every_name_is_read_back_and_deleted_by_its_own_name(site: Site, hostile: dict[bytes, bytes]) -> None:
    site.destination = within(site)
    assert site.run(delete_source=True).counts.done == len(hostile)
    assert site.digests() == {}


def test_a_manifest_of_such_names_is_verified(site: Site, hostile: dict[bytes, bytes], tmp_path: Path) -> None:
    site.run()
    with site.books() as ledger:
        write_manifest(ledger, site.spec(), tmp_path / "manifest.jsonl")
    assert len(list(read_lines(tmp_path / "manifest.jsonl"))) == len(hostile)
    found = verify(tmp_path / "manifest.jsonl", site.destination, 4, Control(), lambda count: None)
    assert found.counts == {"same": len(hostile)}


def test_paths_too_long_for_azure_fail_alone(site: Site) -> None:
    parts = [b"p" * 200] * 5
    write(site, b"/".join([*parts, b"f" * 19]), b"1,024 bytes")
    write(site, b"/".join([*parts, b"f" * 20]), b"1,025 bytes")
    write(site, b"/".join([*parts, b"d" * 200, b"deep"]), b"deeper")
    site.run()
    outcomes = {len(key): outcome for key, outcome in site.outcomes().items()}
    assert outcomes == {1_024: "done", 1_025: "NAME_TOO_LONG", 1_210: "NAME_TOO_LONG"}
    assert len(site.stored()) == 1


def test_an_emoji_counts_as_two_characters_of_a_name(site: Site) -> None:
    """As Azure counts; a name on disk has at most 255 bytes, so these are paths."""
    emoji = "\U0001f600".encode()
    folders = b"/".join([emoji * 63] * 8)  # 8 * 126 and 7 strokes: 1,015
    for last in (b"a" * 7, b"a" * 8, b"a" * 9, emoji * 4, emoji * 5):
        write(site, folders + b"/" + last, b"-")
    site.run()
    outcomes = {path_of(key).rpartition(b"/")[2]: outcome for key, outcome in site.outcomes().items()}
    assert outcomes == {
        b"a" * 7: "done",
        b"a" * 8: "done",
        b"a" * 9: "NAME_TOO_LONG",
        emoji * 4: "done",
        emoji * 5: "NAME_TOO_LONG",
    }
    assert len(site.stored()) == 3


@pytest.mark.parametrize("year", [1910, 1969, 1970, 2262, 2300, 2440])
def test_a_file_of_any_time_arrives_and_is_unchanged_the_next_time(site: Site, year: int) -> None:
    """Nanoseconds in 64 bits end in 2262: what is later is kept as of then."""
    write(site, b"a", b"content")
    seconds = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    os.utime(site.files / "a", ns=(seconds * 10**9 + 5,) * 2)
    for name, outcome in (("first", "done"), ("second", "unchanged")):
        site.run(name, verify=False)
        assert site.outcomes(name, verify=False) == {"a": outcome}
    kept = site.container.get_blob_client("a").get_blob_properties().metadata["mtime"]
    assert kept.startswith(str(min(year, 2262)))


def test_the_first_moment_of_1970_is_a_time_like_others(site: Site) -> None:
    """Archives made alike everywhere have it; it counted as not known, and was sent again each time."""
    write(site, b"a", b"content")
    os.utime(site.files / "a", ns=(0, 0))
    for name, outcome in (("first", "done"), ("second", "unchanged")):
        site.run(name, verify=False)
        assert site.outcomes(name, verify=False) == {"a": outcome}
    kept = site.container.get_blob_client("a").get_blob_properties().metadata["mtime"]
    assert kept == "1970-01-01T00:00:00.000000001Z"


@pytest.mark.parametrize("prefix", ["..", "a/../../b", "./a", "a//b", "a/./b", "a\\b", "a.", "a\nb", "a./b", "\udcff"])
def test_a_prefix_that_leads_elsewhere_is_refused(prefix: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        AzureBlob(BlobConfig(ACCOUNT, "container", prefix), BlobAccess(), Link(Control()))
    assert caught.value.error_code == "BAD_PREFIX"


def test_a_root_that_is_no_unicode_can_be_named(site: Site, tmp_path: Path) -> None:
    root = os.fsdecode(os.path.join(os.fsencode(tmp_path), b"gro\xdf"))
    os.mkdir(root)
    Path(root, "a").write_bytes(b"1")
    site.source = LocalSource(root)
    assert site.run().counts.done == 1
