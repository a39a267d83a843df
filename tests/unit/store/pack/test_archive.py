"""Archives: what is put in comes out, once stored, in order, with all that is known of it."""

import fcntl
import json
import os
import random
import sys
import time
from pathlib import Path

import pytest

from blaze.core.errors import (
    BlazeError,
    CannotCreateError,
    ConfigurationError,
    DataError,
    NoInputError,
    TemporaryError,
)
from blaze.core.mail import message
from blaze.core.store import convert, source
from blaze.core.store.delivery import Delivery, of_octets
from blaze.core.store.flags import Marks
from blaze.core.store.manifest import read_manifest
from blaze.core.store.pack import index, stems, trees
from blaze.core.store.pack.archive import Archive, manifest_path, open_archive, pack_names
from blaze.core.store.pack.archivewrite import Archiver, Options
from blaze.core.store.pack.collect import clean, collect_garbage
from blaze.core.store.pack.objects import BLOB, STEM, TREE
from blaze.core.store.pack.packfile import PackFile
from blaze.core.store.pack.verify import Verified, index_rows, verify
from blaze.core.store.source import Entry

A = b"From: a@example.org\r\nMessage-ID: <a@x>\r\n\r\nHello\r\n"
B = b"From: b@example.org\nMessage-ID: <b@x>\nIn-Reply-To: <a@x>\n\nHello there\n"
C = b"From: c@example.org\nMessage-ID: <c@x>\nIn-Reply-To: <a@x>\n\nRunning, she ran.\n"
UNSYNCED = Options(sync=False)


def make(path: Path, *messages: bytes | Delivery, options: Options = UNSYNCED) -> list[str]:
    with Archiver(str(path), options) as archiver:
        names = [
            archiver.add(each if isinstance(each, Delivery) else of_octets(each)).hex() for each in messages
        ]
        archiver.finish()
    return names


def messages(path: Path) -> list[bytes]:
    found = list(source.iter_entries([str(path)]))
    return [_entry(each).octets for each in found]


def _entry(found: Entry | BlazeError) -> Entry:
    if isinstance(found, BlazeError):
        raise found
    return found


def problems(archive: Archive) -> list[str]:
    return [str(found) for found in verify(archive) if not isinstance(found, Verified)]


def names_of(archive: Archive, kind: int) -> list[bytes]:
    return [
        name for pack in archive.packs for offset, name in pack.iter_names() if pack.kind_at(offset) == kind
    ]


def test_messages_come_back_in_order_with_all_that_is_known(tmp_path: Path) -> None:
    path = tmp_path / "a.pack"
    marks = Marks("FS", ("work", "ünï"), is_new=False)
    known = of_octets(B, marks=marks, date_ns=1_700_000_000_123_456_789)._replace(
        folder="Sub/x", name="1.eml"
    )
    make(path, C, A, known, A)
    assert messages(path) == [C, A, B, A]
    found = [_entry(each) for each in source.iter_entries([str(path)])][2]
    assert (found.flags, found.labels, found.folder) == ("FS", ("work", "ünï"), "Sub/x")
    assert found.date_ns == 1_700_000_000_123_456_789
    assert found.name == f"{path}#{found.id}"
    assert not problems(open_archive(str(path)))


def test_one_message_is_found_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.pack"
    names = make(path, A, B)
    assert source.read_message(f"{path}#{names[1]}").octets == B
    assert source.read_message(f"pack:{path}#{names[1][:12]}").octets == B
    with pytest.raises(NoInputError):
        source.read_message(f"{path}#{'0' * 40}")
    with pytest.raises(NoInputError):
        source.read_message(f"{path}#1")


def test_without_manifest_or_index_messages_come_with_crlf(tmp_path: Path) -> None:
    path = tmp_path / "a.pack"
    make(path, A, B)
    os.remove(manifest_path(str(path)))
    assert messages(path) == [A, B.replace(b"\n", b"\r\n")]
    os.remove(index.path_of(str(path)))
    assert messages(path) == [A, B.replace(b"\n", b"\r\n")]


def test_index_made_anew_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.pack"
    make(path, A, B, C)
    found = PackFile(str(path), path.read_bytes())
    octets = b"".join(index.iter_octets(index_rows(found), found.trailer))
    assert octets == Path(index.path_of(str(path))).read_bytes()


def test_index_of_another_pack_is_not_used(tmp_path: Path) -> None:
    one, two = tmp_path / "a.pack", tmp_path / "b.pack"
    make(one, A)
    make(two, B)
    os.replace(tmp_path / "b.idx", tmp_path / "a.idx")
    assert messages(one) == [A]


def test_offsets_past_two_gigabytes_are_in_the_index() -> None:
    rows = [index.Row(bytes([n]) * 20, n, offset) for n, offset in enumerate([12, 1 << 31, (1 << 40) + 5])]
    found = index.Index(b"".join(index.iter_octets(index.Rows(rows), b"x" * 20)))
    assert list(found) == rows
    assert [found.find(row.name) for row in rows] == [row.offset for row in rows]
    assert found.is_intact
    assert found.checksum == b"x" * 20
    assert found.matches(b"\x01") == [b"\x01" * 20]
    assert found.matches(b"", half=0) == [bytes(20), b"\x01" * 20]


def test_attachment_of_a_thousand_messages_is_stored_once(tmp_path: Path) -> None:
    path = tmp_path / "a.pack"
    attachment = b"".join(b"%076d\r\n" % (n * n) for n in range(2000))

    def message(number: int) -> bytes:
        head = b"Subject: %d\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" % number
        parts = b"--b\r\n\r\ntext %d\r\n--b\r\nContent-Type: image/png\r\n\r\n" % number
        octets = head + parts + attachment + b"\r\n--b--\r\n"
        return octets if number % 2 else octets.replace(b"\r\n", b"\n")

    made = [message(number) for number in range(1000)]
    make(path, *made)
    archive = open_archive(str(path))
    large = [name for name in names_of(archive, BLOB) if len(archive.read(name).content) == len(attachment)]
    assert len(large) == 1
    assert path.stat().st_size < 300_000
    assert messages(path) == made


def test_large_message_is_held_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.pack"
    octets = b"Subject: large\n\n" + b"".join(b"%d: some text\n" % n for n in range(400_000))
    make(path, octets, b"Subject: other\n\n" + octets[-1_000_000:])
    assert messages(path) == [octets, b"Subject: other\n\n" + octets[-1_000_000:]]
    assert not problems(open_archive(str(path)))


def test_pack_that_exists_is_refused_replaced_or_grown(tmp_path: Path) -> None:
    path = tmp_path / "a.pack"
    make(path, A)
    with pytest.raises(CannotCreateError):
        make(path, B)
    assert messages(path) == [A]
    make(path, B, A, options=Options(grow=True, sync=False))
    assert messages(path) == [A, B, A]
    assert not problems(open_archive(str(path)))
    make(path, C, options=Options(force=True, sync=False))
    assert messages(path) == [C]
    assert sorted(os.listdir(tmp_path)) == ["a.idx", "a.pack", "a.pack.manifest.jsonl"]


def test_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), Archiver(str(tmp_path / "a.pack"), UNSYNCED) as archiver:
        archiver.add(of_octets(A))
        raise RuntimeError
    assert os.listdir(tmp_path) == []


def test_pack_without_a_path_is_named_by_its_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        with Archiver(None, UNSYNCED) as archiver:
            archiver.add(of_octets(A))
            path = archiver.finish()
        assert path is not None
        assert path == f"pack-{Path(path).read_bytes()[-20:].hex()}.pack"
    assert len(os.listdir(tmp_path)) == 3


SKIPPING = Options(skip_held=True, sync=False)


def test_folder_of_packs_grows_by_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "archive.d"
    make(path, A, B, options=SKIPPING)
    first = {name: (path / name).read_bytes() for name in os.listdir(path)}
    make(path, A, B, options=SKIPPING)
    assert {name: (path / name).read_bytes() for name in os.listdir(path)} == first
    make(path, C, A, A, options=SKIPPING)
    assert messages(path) == [A, B, C, A]
    archive = open_archive(str(path))
    blobs = names_of(archive, BLOB)
    assert len(blobs) == len(set(blobs))
    assert all((path / name).read_bytes() == octets for name, octets in first.items())
    assert not problems(archive)


def test_gc_makes_one_pack_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "archive.d"
    make(path, A, B, options=SKIPPING._replace(stems=True, trees=True))
    make(path, C, options=SKIPPING)
    before = [
        (each.octets, each.flags, each.date_ns) for each in map(_entry, source.iter_entries([str(path)]))
    ]
    done = collect_garbage(str(path), options=UNSYNCED)
    assert done.messages == 3
    assert len(pack_names(str(path))) == 1
    assert len(os.listdir(path)) == 3
    after = [
        (each.octets, each.flags, each.date_ns) for each in map(_entry, source.iter_entries([str(path)]))
    ]
    assert after == before
    archive = open_archive(str(path))
    assert not problems(archive)
    assert len(names_of(archive, STEM)) == 2
    assert len(names_of(archive, TREE)) == 1


def test_gc_interrupted_before_old_packs_are_gone_shows_no_doubles(tmp_path: Path) -> None:
    path = tmp_path / "archive.d"
    make(path, A, options=SKIPPING)
    make(path, B, options=SKIPPING)
    old = {name: (path / name).read_bytes() for name in os.listdir(path)}
    archive = open_archive(str(path))
    with Archiver(str(path), Options(alone=True, sync=False)) as new:
        for found in archive.iter_messages():
            new.copy(archive, found.name)
            new.describe(found.name, found.record)
        new.finish(replaces=[os.path.basename(pack.path) for pack in archive.packs])
    assert set(old) < set(os.listdir(path))
    assert messages(path) == [A, B]
    make(path, B, C, options=SKIPPING)
    assert messages(path) == [A, B, C]
    clean(str(path))
    assert messages(path) == [A, B, C]
    assert not set(old) & set(os.listdir(path))
    assert len(os.listdir(path)) == 6


def test_delete_takes_the_message_and_what_no_other_needs(tmp_path: Path) -> None:
    path = tmp_path / "a.pack"
    names = make(path, A, B, C, options=Options(stems=True, sync=False))
    secret = b"Running, she ran."
    assert any(secret in archived(path, name) for name in names_of(open_archive(str(path)), BLOB))
    collect_garbage(str(path), drop=[bytes.fromhex(names[2])], options=UNSYNCED)
    assert messages(path) == [A, B]
    archive = open_archive(str(path))
    assert not any(secret in archived(path, name) for name in names_of(archive, BLOB))
    assert len(names_of(archive, STEM)) == 2
    assert [record.id for record in read_manifest(manifest_path(str(path)))] == names[:2]


def archived(path: Path, name: bytes) -> bytes:
    return bytes(open_archive(str(path)).read(name).content[:])


def test_gc_of_a_damaged_archive_leaves_it_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "archive.d"
    make(path, A, B, options=SKIPPING)
    (name,) = pack_names(str(path))
    octets = bytearray((path / name).read_bytes())
    octets[20] ^= 0xFF
    (path / name).write_bytes(octets)
    before = sorted(os.listdir(path))
    with pytest.raises(DataError):
        collect_garbage(str(path), options=UNSYNCED)
    assert sorted(os.listdir(path)) == before


def test_folder_made_anew_is_changed_by_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "archive.d"
    make(path, A, options=SKIPPING)
    with Archiver(str(path), SKIPPING) as first:
        first.add(of_octets(B))
        make(path, C, options=SKIPPING)
        with pytest.raises(TemporaryError):
            collect_garbage(str(path), options=UNSYNCED)
        first.finish()
    with Archiver(str(path), Options(alone=True, sync=False)), pytest.raises(TemporaryError):
        make(path, A, options=SKIPPING)
    assert sorted(messages(path)) == sorted([A, B, C])
    assert collect_garbage(str(path), options=UNSYNCED).messages == 3


@pytest.mark.parametrize("options", [Options(grow=True, sync=False), Options(force=True, sync=False)])
def test_pack_that_grows_is_changed_by_nobody_else(tmp_path: Path, options: Options) -> None:
    path = tmp_path / "a.pack"
    (name,) = make(path, A)
    with Archiver(str(path), Options(grow=True, sync=False)) as growing:
        growing.add(of_octets(B))
        with pytest.raises(TemporaryError):
            make(path, C, options=options)
        with pytest.raises(TemporaryError):
            collect_garbage(str(path), drop=[bytes.fromhex(name)], options=UNSYNCED)
        growing.finish()
    assert messages(path) == [A, B]
    assert len(os.listdir(tmp_path)) == 3


def test_lock_of_a_pack_that_was_replaced_meanwhile_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.pack"
    make(path, A)
    flock = fcntl.flock

    def replaced_before(fd: int, kind: int) -> None:
        monkeypatch.undo()
        make(path, B, options=Options(grow=True, sync=False))
        flock(fd, kind)

    monkeypatch.setattr(fcntl, "flock", replaced_before)
    make(path, C, options=Options(grow=True, sync=False))
    assert messages(path) == [A, B, C]


def test_stems_are_counted_by_language() -> None:
    pytest.importorskip("Stemmer")
    counts = stems.count("Running runs, ran. The RUNNER's runs; naïve_x", "english")
    assert counts == {b"run": 3, b"ran": 1, b"the": 1, b"runner": 1, b"s": 1, "naïv".encode(): 1, b"x": 1}
    assert stems.count("Les chevaux", "french") == {b"le": 1, b"cheval": 1}


def test_text_of_html_is_what_a_person_reads() -> None:
    octets = (
        b"Content-Type: text/html\n\n<p>R&eacute;sum&eacute;s<!-- not this --> <b>un</b>til<style>x{}</style>"
    )
    assert stems.text_of(message.parse(octets)).split() == ["Résumés", "until"]


@pytest.mark.parametrize("piece", [b"<!--", b"<script ", b"<script>", b"<script></script ", b"<a", b"</"])
def test_text_of_html_takes_linear_time(piece: bytes) -> None:
    part = message.parse(b"Content-Type: text/html\n\n" + (piece * 50 + b"\n") * 4_000)
    begun = time.process_time()
    stems.text_of(part)
    assert time.process_time() - begun < 5


def test_stem_object_has_the_bytes_of_the_format() -> None:
    made = stems.Stem(b"m" * 20, b"b" * 20, {b"run": 2, b"a": 1})
    octets = (
        b"m" * 20
        + b"b" * 20
        + bytes(7)
        + b"\x02"
        + b"a\0"
        + bytes(7)
        + b"\x01"
        + b"run\0"
        + bytes(7)
        + b"\x02"
    )
    assert made.to_bytes() == octets
    assert stems.parse(octets) == made
    for cut in range(len(octets)):
        with pytest.raises(DataError):
            stems.parse(octets[:cut])


def test_stems_are_those_of_the_decoded_text(tmp_path: Path) -> None:
    pytest.importorskip("Stemmer")
    path = tmp_path / "a.pack"
    octets = (
        b"Content-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n"
        b"Content-Language: fr\r\n\r\n<p class=3Dx>Les =E9tudes\r\n"
    )
    (name,) = make(path, octets, options=Options(stems=True, sync=False))
    archive = open_archive(str(path))
    (stem,) = [stems.parse(archive.read(each).content) for each in names_of(archive, STEM)]
    assert stem.mail.hex() == name
    assert stem.counts == {b"le": 1, "étud".encode(): 1}


def test_tree_objects(tmp_path: Path) -> None:
    path = tmp_path / "a.pack"
    names = make(path, B, A, C, options=Options(trees=True, sync=False))
    archive = open_archive(str(path))
    (name,) = names_of(archive, TREE)
    content = bytes(archive.read(name).content[:])
    assert content == b"<a@x>\0" + bytes.fromhex(names[1]) + b"<b@x>\0<c@x>\0"
    assert trees.parse(content) == trees.Tree(b"a@x", bytes.fromhex(names[1]), (b"b@x", b"c@x"))
    for octets in (b"", b"<a@x>", b"<a@x>\0" + bytes(19), content[:-1]):
        with pytest.raises(DataError):
            trees.parse(octets)


def test_convert_to_a_pack_and_back(tmp_path: Path) -> None:
    mbox = tmp_path / "a.mbox"
    mbox.write_bytes(b"".join(b"From a@x Thu Jan  1 00:00:00 2026\n" + each + b"\n" for each in (B, C, B)))
    path = tmp_path / "a.pack"
    options = convert.Options(verify=True, sync=False)
    report = convert.convert(str(mbox), f"pack:{path}", options)
    assert (report.copied, report.problems) == (3, [])
    assert convert.convert(str(mbox), f"pack:{path}", options).present == 3
    assert messages(path) == [B, C, B]
    report = convert.convert(f"pack:{path}", f"eml:{tmp_path / 'eml'}", options)
    assert (report.copied, report.problems) == (3, [])
    assert sorted(each.read_bytes() for each in (tmp_path / "eml").glob("*.eml")) == sorted([B, C, B])


def test_convert_into_a_folder_of_packs(tmp_path: Path) -> None:
    path = tmp_path / "archive.d"
    make(path, B)
    eml = tmp_path / "eml"
    eml.mkdir()
    for number, octets in enumerate((B, B, A)):
        (eml / f"{number}.eml").write_bytes(octets)
    report = convert.convert(str(eml), str(path), convert.Options(sync=False))
    assert (report.copied, report.present) == (2, 1)
    assert messages(path) == [B, B, A]


def test_manifest_lines_have_the_keys_of_the_format(tmp_path: Path) -> None:
    path = tmp_path / "a.pack"
    (name,) = make(path, of_octets(B, date_ns=0, marks=Marks(is_new=False))._replace(name="b.eml"))
    (line,) = Path(manifest_path(str(path))).read_text().splitlines()
    assert json.loads(line) == {
        "id": name,
        "newline": "lf",
        "flags": "",
        "labels": [],
        "date": "1970-01-01T00:00:00Z",
        "name": "b.eml",
    }


@pytest.mark.corpus
def test_corpus_comes_back_from_less_than_half(corpus: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / "a.pack"
    make(path, *corpus)
    size = path.stat().st_size + os.path.getsize(index.path_of(str(path)))
    assert size < sum(map(len, corpus)) / 2
    assert messages(path) == corpus


@pytest.mark.corpus
def test_mutated_corpus_comes_back(corpus: list[bytes], tmp_path: Path) -> None:
    chance = random.Random(5)
    made = []
    for octets in corpus[::7]:
        data = bytearray(octets)
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(data))
            match chance.randrange(5):
                case 0:
                    data[at : at + chance.randrange(200)] = b""
                case 1:
                    data[at:at] = chance.choice([b"\0", b"\r", b"\r\n", b"\n", b"--", b"\n\n", b"\xff"])
                case 2:
                    data[at] = chance.randrange(256)
                case 3:
                    data[at:at] = data[chance.randrange(len(data)) :][:300]
                case _:
                    data = data.replace(b"\n", b"\r\n", chance.choice([-1, 1, 20]))
        made.append(bytes(data))
    path = tmp_path / "a.pack"
    make(path, *made)
    assert messages(path) == made
    assert not problems(open_archive(str(path)))


def test_pack_of_the_same_objects_keeps_its_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for octets in (B, B.replace(b"\n", b"\r\n")):
        with Archiver(None, UNSYNCED) as archiver:
            archiver.add(of_octets(octets))
            if octets == B:
                path = archiver.finish()
            else:
                with pytest.raises(CannotCreateError):
                    archiver.finish()
    assert path is not None
    assert messages(tmp_path / path) == [B]


@pytest.mark.parametrize("stop", ["idx", "pack"])
def test_replacing_a_pack_may_stop_between_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: str
) -> None:
    path = tmp_path / "a.pack"
    names = make(path, A, B, C)
    replace = os.replace

    def until(source_path: str, target: str) -> None:
        if target.endswith(stop):
            raise OSError(5, "stopped")
        replace(source_path, target)

    monkeypatch.setattr(os, "replace", until)
    with pytest.raises(BlazeError, match="stopped"):
        collect_garbage(str(path), drop=[bytes.fromhex(names[0])], options=UNSYNCED)
    assert messages(path) == [A, B, C]
    monkeypatch.undo()
    collect_garbage(str(path), drop=[bytes.fromhex(names[0])], options=UNSYNCED)
    assert messages(path) == [B, C]


def test_pack_grows_without_its_index(tmp_path: Path) -> None:
    path = tmp_path / "a.pack"
    make(path, A, B)
    os.remove(index.path_of(str(path)))
    make(path, C, options=Options(grow=True, sync=False))
    assert messages(path) == [A, B, C]
    assert not problems(open_archive(str(path)))


def test_stems_without_a_stemmer_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "Stemmer", None)
    stems._stemmer.cache_clear()
    with pytest.raises(ConfigurationError, match="PyStemmer"):
        make(tmp_path / "a.pack", A, options=Options(stems=True, sync=False))
    assert os.listdir(tmp_path) == []


def test_preamble_and_epilogue_without_end_cost_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blaze.core.store.pack.dissect.MAX_TEXT", 50)
    head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    body = b"--b\r\n\r\nx\r\n--b--\r\n"
    made = [head + b"x" * 60 + b"\r\n" + body, head + body + b"y" * 60, head + body]
    make(tmp_path / "a.pack", *made)
    archive = open_archive(str(tmp_path / "a.pack"))
    assert messages(tmp_path / "a.pack") == made
    headers = [archive.read_mail(found.name).root.header for found in archive.iter_messages()]
    assert [len(archive.read(header).content) for header in headers] == [0, 0, len(head)]


def test_pack_made_anew_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a.pack"
    make(path, A)
    path.chmod(0o600)
    make(path, B, options=Options(grow=True, sync=False))
    assert {each.stat().st_mode & 0o777 for each in tmp_path.iterdir()} == {0o600}
    folder = tmp_path / "archive.d"
    make(folder, A, options=SKIPPING)
    for each in folder.iterdir():
        each.chmod(0o600)
    collect_garbage(str(folder), options=UNSYNCED)
    assert {each.stat().st_mode & 0o777 for each in folder.iterdir()} == {0o600}


def test_pack_behind_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    path, link = tmp_path / "data" / "a.pack", tmp_path / "b.pack"
    make(path, B)
    link.symlink_to(path)
    assert messages(link) == [B]
    make(link, A, options=Options(grow=True, sync=False))
    assert link.is_symlink()
    assert messages(path) == messages(link) == [B, A]


@pytest.mark.parametrize(
    "names", [("cur", "new", "tmp"), ("a.eml",), ("manifest.jsonl",), ("cur", "new", "a.pack")]
)
def test_folder_with_other_things_gets_no_packs(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (tmp_path / name).mkdir()
    for options in (UNSYNCED, UNSYNCED._replace(force=True), UNSYNCED._replace(grow=True, skip_held=True)):
        with pytest.raises(CannotCreateError, match="no archive of packs"):
            make(tmp_path, A, options=options)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


@pytest.mark.parametrize("left", [".blaze-pack.1-2.tmp", "000001-00.idx", "000001-00.pack.manifest.jsonl"])
def test_folder_with_what_a_killed_run_left_gets_packs(tmp_path: Path, left: str) -> None:
    (tmp_path / left).write_bytes(b"")
    make(tmp_path, A)
    assert messages(tmp_path) == [A]


def test_folder_that_cannot_be_looked_into_gets_no_packs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", fail)
    with pytest.raises(CannotCreateError, match="Permission denied"):
        make(tmp_path, A)


def test_messages_listed_are_those_of_the_manifest_or_all(tmp_path: Path) -> None:
    make(tmp_path / "a.pack", A, B)
    make(tmp_path / "b.pack", C)
    os.remove(manifest_path(f"{tmp_path}/b.pack"))
    manifest = Path(manifest_path(f"{tmp_path}/a.pack"))
    manifest.write_bytes(manifest.read_bytes().splitlines(keepends=True)[1])
    archive = open_archive(str(tmp_path))
    listed = [archive.read_message(found.name, "lf") for found in archive.iter_listed()]
    assert listed == [B, C]
    assert len(list(archive.iter_messages())) == 3


def test_adding_to_a_folder_does_not_read_the_packs_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, A, B)

    def fail(*_: object) -> int:
        raise AssertionError("an object was read")

    with monkeypatch.context() as patch:
        patch.setattr(PackFile, "kind_at", fail)
        with Archiver(str(tmp_path), UNSYNCED._replace(skip_held=True)) as archiver:
            for each in (B, C):
                archiver.add(of_octets(each))
            archiver.finish()
    assert (archiver.added, archiver.skipped) == (1, 1)
    assert messages(tmp_path) == [A, B, C]


@pytest.mark.parametrize("change", ["crc", "offset", "missing", "more"])
def test_verify_tells_of_an_index_that_is_wrong(tmp_path: Path, change: str) -> None:
    path = tmp_path / "a.pack"
    make(path, A, B, C)
    pack = open_archive(str(path)).packs[0]
    assert problems(open_archive(str(path))) == []
    first, *others = sorted(index_rows(pack))
    rows = {
        "crc": [first._replace(crc=first.crc ^ 1), *others],
        "offset": [first._replace(offset=others[0].offset), *others],
        "missing": others,
        "more": [first, *others, first._replace(name=b"x" * 20)],
    }[change]
    Path(index.path_of(str(path))).write_bytes(b"".join(index.iter_octets(index.Rows(rows), pack.trailer)))
    assert any("the index is wrong" in problem for problem in problems(open_archive(str(path))))
