"""Packs that are cut, flipped or hostile: never a crash, never wrong octets, and the rest still comes out."""

import os
import struct
import zlib
from hashlib import sha1
from pathlib import Path

import pytest

from blaze.core.errors import BlazeError, DataError
from blaze.core.store.delivery import of_octets
from blaze.core.store.pack import delta, entry, index, packfile
from blaze.core.store.pack.archive import open_archive
from blaze.core.store.pack.archivewrite import Archiver, Options
from blaze.core.store.pack.objects import BLOB, Object
from blaze.core.store.pack.packfile import PackFile
from blaze.core.store.pack.verify import Verified, verify

LONG = b"".join(b"line %d of a text that is long enough\r\n" % (7 * n) for n in range(30))
MESSAGES = [
    b"From: a@example.org\r\nSubject: hi\r\n\r\nHello\r\n",
    b"From: b@example.org\r\n\r\n" + LONG,
    b"From: c@example.org\nIn-Reply-To: <x@y>\n\n" + LONG.replace(b"\r", b"") + b"one more line\n",
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--\r\n",
]


def make(path: Path, messages: list[bytes] = MESSAGES) -> list[str]:
    with Archiver(str(path), Options(sync=False)) as archiver:
        names = [archiver.add(of_octets(octets)).hex() for octets in messages]
        archiver.finish()
    return names


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pack") / "a.pack"
    make(path)
    return path


def everything(
    path: str, pack: bytes, idx: bytes | None
) -> tuple[dict[bytes, Object], list[bytes | BlazeError]]:
    """All objects and all messages that come out of a pack and an index."""
    found = PackFile(path, pack, index_of(idx))
    objects = {}
    for _, name in found.iter_names():
        try:
            objects[name] = found.read(name)
        except BlazeError as error:
            assert name.hex() in str(error)
    archive = open_archive(path)
    archive.packs = [PackFile(path, pack, index_of(idx))]
    messages: list[bytes | BlazeError] = []
    for message in archive.iter_messages():
        try:
            messages.append(bytes(archive.read_message(message.name, message.record.newline)[:]))
        except BlazeError as error:
            messages.append(error)
    for verified in verify(archive):
        assert isinstance(verified, Verified | BlazeError)
    return objects, messages


def index_of(idx: bytes | None) -> index.Index | None:
    try:
        return index.Index(idx) if idx is not None else None
    except DataError:
        return None


def intact(good: PackFile, spoiled: range) -> set[bytes]:
    """The objects whose entries, and whose bases' entries, lie outside the spoiled octets."""
    located = {found.offset: found for found in good.located.values()}
    names = set()
    for found in located.values():
        link = found
        while not (link.offset < spoiled.stop and spoiled.start < link.end):
            if link.base is None:
                names.add(found.name)
                break
            link = located[link.base]
    return names


def variants(octets: bytes) -> list[tuple[range, bytes]]:
    """Every octet flipped in two ways, and the octets cut everywhere."""
    flipped = [
        (range(at, at + 1), octets[:at] + bytes([octets[at] ^ mask]) + octets[at + 1 :])
        for at in range(len(octets))
        for mask in (0x01, 0xFF)
    ]
    return flipped + [(range(at, len(octets)), octets[:at]) for at in range(len(octets))]


@pytest.mark.parametrize("with_index", [True, False])
def test_every_octet_of_a_pack_flipped_and_cut(made: Path, with_index: bool) -> None:
    octets, idx = made.read_bytes(), Path(index.path_of(str(made))).read_bytes()
    good = PackFile(str(made), octets)
    right = {name: good.read(name) for _, name in good.iter_names()}
    assert len(right) == 14
    assert any(found.depth for found in good.located.values())
    for spoiled, changed in variants(octets):
        try:
            found, messages = everything(str(made), changed, idx if with_index else None)
        except DataError as error:
            assert spoiled.start < 8, error  # the magic or the version
            continue
        for name, content in found.items():
            if name in right:
                assert content == right[name], spoiled
        assert all(isinstance(message, BlazeError) or message in MESSAGES for message in messages), spoiled
        if spoiled.stop - spoiled.start == 1 or with_index:
            assert found.keys() >= intact(good, spoiled), spoiled


def test_every_octet_of_an_index_flipped_and_cut(made: Path) -> None:
    octets, idx = made.read_bytes(), Path(index.path_of(str(made))).read_bytes()
    good = PackFile(str(made), octets)
    right = {name: good.read(name) for _, name in good.iter_names()}
    step = 1 if os.environ.get("CI") else 3
    for _, changed in variants(idx)[::step]:
        found = PackFile(str(made), octets, index_of(changed))
        for name, content in right.items():
            try:
                assert found.read(name) == content
            except BlazeError as error:
                assert name.hex() in str(error)
        for _, name in found.iter_names():
            try:
                assert found.read(name) == right.get(name)
            except BlazeError:
                continue


def test_damaged_object_is_named_with_its_offset(made: Path) -> None:
    octets = made.read_bytes()
    good = PackFile(str(made), octets)
    offset, name = list(good.iter_names())[3]
    changed = octets[: offset + 4] + b"\xff\xff" + octets[offset + 6 :]
    found = packfile.PackFile(str(made), changed, packfile.open_index(index.path_of(str(made))))
    with pytest.raises(DataError) as caught:
        found.read(name)
    assert name.hex() in str(caught.value)
    assert caught.value.where == f"{made}:{offset}"


def pack_of(*entries: bytes, count: int | None = None) -> bytes:
    octets = b"PACK" + struct.pack(">II", 2, len(entries) if count is None else count) + b"".join(entries)
    return octets + sha1(octets).digest()


def plain(content: bytes, *, size: int | None = None, kind: int = BLOB) -> bytes:
    return entry.head_octets(kind, len(content) if size is None else size) + zlib.compress(content)


def ofs(distance: int, instructions: bytes) -> bytes:
    head = entry.head_octets(entry.OFS_DELTA, len(instructions)) + entry.distance_octets(distance)
    return head + zlib.compress(instructions)


def ref(name: bytes, instructions: bytes) -> bytes:
    return entry.head_octets(entry.REF_DELTA, len(instructions)) + name + zlib.compress(instructions)


BASE = b"0123456789" * 10
COPY_ALL = bytes([100, 100, 0x90, 100])


def test_deltas_by_name_before_and_after_their_base() -> None:
    name = Object(BLOB, BASE).name
    grown = bytes([100, 101, 0x90, 100, 1]) + b"x"
    found = PackFile("p", pack_of(ref(name, grown), plain(BASE), ref(name, COPY_ALL + b"")))
    assert {bytes(found.read(each).content[:]) for _, each in found.iter_names()} == {BASE, BASE + b"x"}
    assert not found.faults


def test_deltas_by_name_in_a_circle_end() -> None:
    one, two = bytes(20), bytes([1] * 20)
    octets = pack_of(ref(two, COPY_ALL), ref(one, COPY_ALL))
    rows = [index.Row(one, 0, 12), index.Row(two, 0, 12 + len(ref(two, COPY_ALL)))]
    idx = index.Index(b"".join(index.iter_octets(index.Rows(rows), octets[-20:])))
    with pytest.raises(DataError, match="deltas are on top of one another"):
        PackFile("p", octets, idx).read(one)
    assert len(PackFile("p", octets).located) == 0


HOSTILE = {
    "size too large": plain(BASE, size=1 << 40),
    "size too small": plain(BASE, size=3),
    "size of more than 64 bits": b"\xbf" + b"\xff" * 30,
    "no such type": plain(BASE, kind=5),
    "type 0": plain(BASE, kind=0),
    "base before the pack": ofs(200, COPY_ALL),
    "base is itself": ofs(0, COPY_ALL),
    "base of another size": plain(b"x") + ofs(len(plain(b"x")), COPY_ALL),
    "copy from outside": plain(BASE) + ofs(len(plain(BASE)), bytes([100, 120, 0x90, 120])),
    "makes too much": plain(BASE) + ofs(len(plain(BASE)), bytes([100, 10, 0x90, 100])),
    "makes too little": plain(BASE) + ofs(len(plain(BASE)), bytes([100, 120, 0x90, 100])),
    "makes a terabyte": plain(BASE)
    + ofs(len(plain(BASE)), bytes([100, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20]) + b"\x90\x64" * 1000),
    "cut instruction": plain(BASE) + ofs(len(plain(BASE)), bytes([100, 100, 0xFF])),
    "cut insertion": plain(BASE) + ofs(len(plain(BASE)), bytes([100, 100, 0x64]) + b"x"),
    "reserved instruction": plain(BASE) + ofs(len(plain(BASE)), bytes([100, 100, 0])),
    "no sizes": plain(BASE) + ofs(len(plain(BASE)), b""),
    "not deflated": entry.head_octets(BLOB, 10) + b"not deflated",
}


@pytest.mark.parametrize("octets", HOSTILE.values(), ids=HOSTILE)
def test_hostile_entries_are_refused(octets: bytes) -> None:
    found = PackFile(
        "p", pack_of(octets, plain(b"the good one"), count=2 + octets.count(zlib.compress(BASE)))
    )
    assert any(bytes(each.content[:]) == b"the good one" for each in map(found.read, found.located))
    assert found.faults
    assert all(fault.where for fault in found.faults)


def test_count_that_lies_costs_nothing() -> None:
    found = PackFile("p", pack_of(plain(b"x"), count=0xFFFF_FFFF))
    assert len(found.located) == 1
    assert "1 of 4294967295" in found.faults[0].what


def test_long_chain_is_read_without_recursion_and_a_longer_one_refused() -> None:
    entries = [plain(BASE)]
    for _ in range(packfile.MAX_CHAIN + 1):
        entries.append(ofs(len(entries[-1]), COPY_ALL))
    octets = pack_of(*entries)
    offset = 12 + sum(map(len, entries[:-2]))
    assert PackFile("p", octets).read_at(offset).content == BASE
    with pytest.raises(DataError, match="deltas are on top of one another"):
        PackFile("p", octets).read_at(offset + len(entries[-2]))


def test_traps_for_the_search_of_entries_cost_no_more_than_the_budget() -> None:
    trap = (zlib.compress(b"\0" * 100_000)[:-4] + b"oops") * 2000
    found = PackFile("p", pack_of(b"\x00" + trap, plain(b"x")))
    assert found.located.keys() <= {Object(BLOB, b"x").name}
    assert found.faults


def test_delta_result_is_bounded() -> None:
    instructions = bytes([100, *b"\x80\x80\x80\x80\x20"]) + b"\x90\x64"
    with pytest.raises(DataError, match="larger than is read"):
        list(delta.apply(BASE, instructions))


def test_pack_that_is_damaged_is_not_added_to(made: Path, tmp_path: Path) -> None:
    path = tmp_path / "b.pack"
    octets = bytearray(made.read_bytes())
    octets[-1] ^= 1
    path.write_bytes(octets)
    with pytest.raises(DataError, match="is damaged"), Archiver(str(path), Options(grow=True)):
        pass


def test_deltas_that_all_wait_for_the_last_object_cost_linear_time() -> None:
    """A chain by names, its end first: each object becomes known only after all that follow it."""
    contents = [BASE]
    entries = [plain(BASE)]
    for number in range(3000):
        instructions = bytes([100, 100, 0x90, 90, 10]) + b"%010d" % number
        entries.append(ref(Object(BLOB, contents[-1]).name, instructions))
        contents.append(BASE[:90] + b"%010d" % number)
    found = PackFile("p", pack_of(*reversed(entries)))
    assert len(found.located) == 3001
    assert not found.faults


def test_circles_of_deltas_are_followed_once() -> None:
    names = [b"%020d" % number for number in range(5000)]
    entries = [ref(names[number - 1], COPY_ALL) for number in range(5000)]
    octets = pack_of(*entries)
    rows, offset = [], 12
    for name, made in zip(names, entries, strict=True):
        rows.append(index.Row(name, 0, offset))
        offset += len(made)
    found = PackFile("p", octets, index.Index(b"".join(index.iter_octets(index.Rows(rows), octets[-20:]))))
    for row in rows:
        with pytest.raises(DataError):
            found.kind_at(row.offset)
        with pytest.raises(DataError):
            found.read_at(row.offset)
