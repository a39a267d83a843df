"""Opening whatever holds messages: what is found by looking, what prefixes force, names, errors as values."""

import bz2
import gzip
import io
import lzma
import os
import sys
import threading
from pathlib import Path

import pytest

from blaze.core.errors import BlazeError, DataError, InputOutputError, NoInputError
from blaze.core.store import atomic, source
from blaze.core.store.source import Entry, Reading, iter_entries, iter_stored, read_message

MESSAGE = b"Subject: hi\n\nHello\n"
FROM = b"From a@example.org Mon Jan  1 00:00:00 2024\n"
MBOX = FROM + b"A: 1\n\none\n\n" + FROM + b"A: 2\n\ntwo\n\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("message.eml").write_bytes(MESSAGE)
    Path("box").write_bytes(MBOX)
    for place in ("md", "md/.Sent", "md/.Lists.python"):
        for part in ("cur", "new", "tmp"):
            Path(place, part).mkdir(parents=True)
    Path("md/new/1700000002.M5P1.h").write_bytes(b"A: new\n\n")
    Path("md/cur/1700000001.M9P1.h:2,FS").write_bytes(b"A: old\n\n")
    Path("md/cur/1700000001.M10P1.h!2,ab").write_bytes(b"A: later\n\n")
    Path("md/tmp/1700000000.M1P1.h").write_bytes(b"A: half")
    Path("md/.Sent/cur/1700000003.M1P1.h:2,S").write_bytes(b"A: sent\n\n")
    Path("md/dovecot-keywords").write_text("0 work\n1 $Junk\n")
    Path("eml/sub").mkdir(parents=True)
    Path("eml/b.eml").write_bytes(b"A: b\n\n")
    Path("eml/sub/c.EML").write_bytes(b"A: c\n\n")
    Path("eml/notes.txt").write_bytes(b"no message")
    Path("eml/.hidden.eml").write_bytes(b"no message")
    return tmp_path


def read(*files: str) -> list[tuple[str, bytes]]:
    entries = []
    for found in iter_entries(files):
        if isinstance(found, BlazeError):
            raise found
        entries.append((found.name, found.octets))
    return entries


@pytest.mark.usefixtures("folder")
class TestIterEntries:
    @pytest.mark.parametrize("name", ["message.eml", "eml:message.eml"])
    def test_message(self, name: str) -> None:
        assert read(name) == [("message.eml", MESSAGE)]

    @pytest.mark.parametrize("name", ["box", "mbox:box"])
    def test_mbox(self, name: str) -> None:
        assert read(name) == [("box#1", b"A: 1\n\none\n"), ("box#2", b"A: 2\n\ntwo\n")]

    def test_mbox_forced_to_be_a_message(self) -> None:
        assert read("eml:box") == [("box", MBOX)]

    def test_maildir_by_time_then_its_folders(self) -> None:
        assert read("md/") == [
            ("md#1700000001.M9P1.h", b"A: old\n\n"),
            ("md#1700000001.M10P1.h", b"A: later\n\n"),
            ("md#1700000002.M5P1.h", b"A: new\n\n"),
            ("md/.Sent#1700000003.M1P1.h", b"A: sent\n\n"),
        ]

    def test_maildir_flags_labels_folders_dates(self) -> None:
        os.utime("md/cur/1700000001.M9P1.h:2,FS", ns=(5, 1_234_567_890_123_456_789))
        entries = [found for found in iter_entries(["md"]) if isinstance(found, Entry)]
        assert [(e.flags, e.labels, e.is_new, e.folder) for e in entries] == [
            ("FS", (), False, ""),
            ("", ("work", "$Junk"), False, ""),
            ("", (), True, ""),
            ("S", (), False, "Sent"),
        ]
        assert entries[0].date_ns == 1_234_567_890_123_456_789
        assert entries[0].path == "md/cur/1700000001.M9P1.h:2,FS"

    def test_folder_of_eml(self) -> None:
        assert read("eml") == [("eml/b.eml", b"A: b\n\n"), ("eml/sub/c.EML", b"A: c\n\n")]

    @pytest.mark.parametrize(
        ("name", "octets"),
        [
            ("box#2", b"A: 2\n\ntwo\n"),
            ("mbox:box#1", b"A: 1\n\none\n"),
            ("md#1700000001.M9P1.h", b"A: old\n\n"),
            ("md#1700000001.M9P1.h:2,FS", b"A: old\n\n"),
            ("md/.Sent#1700000003.M1P1.h", b"A: sent\n\n"),
        ],
    )
    def test_name_of_one_message(self, name: str, octets: bytes) -> None:
        assert [found for _, found in read(name)] == [octets]

    def test_every_name_given_opens_the_same_message_again(self) -> None:
        for name, octets in read("message.eml", "box", "md", "eml"):
            assert read(name) == [(name, octets)]

    def test_path_that_exists_wins_over_a_message_of_a_store(self) -> None:
        Path("box#2").write_bytes(b"A: file\n\n")
        assert read("box#2") == [("box#2", b"A: file\n\n")]

    def test_maildir_name_with_a_number_sign(self) -> None:
        Path("md/cur/1700000009.#5M1.h:2,").write_bytes(b"A: sign\n\n")
        assert read("md#1700000009.#5M1.h") == [("md#1700000009.#5M1.h", b"A: sign\n\n")]

    @pytest.mark.parametrize("name", ["box#3", "box#0", "box#x", "box#", "md#gone", "nothing#1", "nothing"])
    def test_what_is_not_there_is_an_error_in_its_place(self, name: str) -> None:
        found = list(iter_entries([name, "message.eml"]))
        assert isinstance(found[0], NoInputError)
        assert found[0].where == name
        assert isinstance(found[1], Entry)

    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("mbox:message.eml", DataError),
            ("maildir:box", DataError),
            ("mbox:md", DataError),
            ("empty", DataError),
            ("maildir:empty", NoInputError),
        ],
    )
    def test_what_is_something_else_is_an_error(self, name: str, kind: type[BlazeError]) -> None:
        Path("empty").mkdir()
        assert [type(found) for found in iter_entries([name])] == [kind]

    def test_from_line_without_a_date_is_no_mbox(self) -> None:
        Path("text").write_bytes(b"From here on\n\nit goes\n")
        assert len(read("text")) == 1

    @pytest.mark.parametrize("before", [b"\n", b"\n\n", b"\r\n", b"\r\n\n"])
    def test_mbox_after_empty_lines(self, before: bytes) -> None:
        Path("blank").write_bytes(before + Path("box").read_bytes())
        assert [octets for _, octets in read("blank")] == [octets for _, octets in read("box")]

    def test_empty_lines_before_anything_else_are_a_message(self) -> None:
        Path("text").write_bytes(b"\n\nFrom here on\n")
        assert len(read("text")) == 1

    def test_empty_file_is_an_empty_message(self) -> None:
        Path("nothing").write_bytes(b"")
        assert read("nothing") == [("nothing", b"")]

    def test_unreadable_message_of_a_store_leaves_the_others(self) -> None:
        Path("md/cur/1700000001.M9P1.x:2,S").mkdir()
        found = list(iter_entries(["md"]))
        assert [type(each).__name__ for each in found].count("NoInputError") == 1
        assert len(found) == 5

    def test_maildir_message_moved_meanwhile_is_found_again(self) -> None:
        entries = iter_entries(["md"])
        next(entries)
        Path("md/new/1700000002.M5P1.h").rename("md/cur/1700000002.M5P1.h:2,S")
        Path("md/cur/1700000001.M10P1.h!2,ab").unlink()
        rest = [found for found in entries if isinstance(found, Entry)]
        assert [(each.octets, each.flags) for each in rest] == [(b"A: new\n\n", "S"), (b"A: sent\n\n", "S")]


COMPRESSIONS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.mark.usefixtures("folder")
class TestCompressed:
    @pytest.mark.parametrize("ending", COMPRESSIONS)
    def test_mbox(self, ending: str) -> None:
        packed = COMPRESSIONS[ending](MBOX[: len(MBOX) // 2]) + COMPRESSIONS[ending](MBOX[len(MBOX) // 2 :])
        Path("packed").write_bytes(packed)
        assert [octets for _, octets in read("packed")] == [b"A: 1\n\none\n", b"A: 2\n\ntwo\n"]
        assert read("packed#2") == [("packed#2", b"A: 2\n\ntwo\n")]

    def test_zstd(self) -> None:
        zstandard = pytest.importorskip("zstandard")
        Path("packed").write_bytes(zstandard.compress(MBOX))
        assert len(read("packed")) == 2

    def test_zstd_frames_follow_one_another(self) -> None:
        zstandard = pytest.importorskip("zstandard")
        skippable = b"\x50\x2a\x4d\x18\x03\0\0\0abc"  # RFC 8878 §3.1.2
        packed = zstandard.compress(MBOX[:20]) + skippable + zstandard.compress(MBOX[20:])
        Path("packed").write_bytes(packed)
        assert [octets for _, octets in read("packed")] == [b"A: 1\n\none\n", b"A: 2\n\ntwo\n"]

    def test_zstd_that_is_cut_off_is_said_to_be(self) -> None:
        zstandard = pytest.importorskip("zstandard")
        packed = zstandard.compress(MBOX) + zstandard.compress(MBOX)
        for size in (len(packed) - 1, len(packed) * 3 // 4, len(packed) // 2 - 1, 5):
            Path("packed").write_bytes(packed[:size])
            found = list(iter_entries(["packed"]))
            assert isinstance(found[-1], DataError), size
            assert "damaged" in found[-1].what
            assert all(isinstance(each, Entry) and each.end > each.start for each in found[:-1])

    def test_zstd_without_its_library_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "zstandard", None)
        Path("packed").write_bytes(b"\x28\xb5\x2f\xfd rest")
        (found,) = iter_entries(["packed"])
        assert isinstance(found, DataError)
        assert "zstandard" in (found.hint or "")

    def test_nothing_before_the_damage_is_no_message(self) -> None:
        Path("packed").write_bytes(bz2.compress(MBOX)[:20])
        (found,) = iter_entries(["packed"])
        assert isinstance(found, DataError)

    @pytest.mark.parametrize("ending", COMPRESSIONS)
    def test_message(self, ending: str) -> None:
        Path("packed").write_bytes(COMPRESSIONS[ending](MESSAGE))
        assert read("packed") == [("packed", MESSAGE)]

    @pytest.mark.parametrize("ending", ["gz", "xz"])
    def test_damaged_gives_what_comes_before_the_damage(self, ending: str) -> None:
        many = b"".join(
            FROM + b"A: %d\n\n%b\n\n" % (number, os.urandom(20).hex().encode()) for number in range(9000)
        )
        packed = COMPRESSIONS[ending](many)
        Path("packed").write_bytes(packed[: len(packed) * 9 // 10])
        found = list(iter_entries(["packed"]))
        assert isinstance(found[-1], DataError)
        assert "damaged" in found[-1].what
        assert len(found) > 4000
        assert all(isinstance(each, Entry) for each in found[:-1])


class Stdin:
    def __init__(self, octets: bytes) -> None:
        self.buffer = io.BytesIO(octets)


class TestStdin:
    @pytest.mark.parametrize(
        ("octets", "names"), [(MESSAGE, ["-"]), (MBOX, ["-#1", "-#2"]), (gzip.compress(MBOX), ["-#1", "-#2"])]
    )
    def test_message_or_mbox(self, monkeypatch: pytest.MonkeyPatch, octets: bytes, names: list[str]) -> None:
        monkeypatch.setattr(sys, "stdin", Stdin(octets))
        assert [name for name, _ in read("-")] == names

    def test_forced_and_chosen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", Stdin(MBOX))
        assert read("mbox:-#2") == [("-#2", b"A: 2\n\ntwo\n")]


def test_named_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    large = MESSAGE + b"x" * 3_000_000
    writer = threading.Thread(target=pipe.write_bytes, args=(large,))
    writer.start()
    try:
        assert [octets for _, octets in read(str(pipe))] == [large]
    finally:
        writer.join()


def test_large_file_is_mapped_and_small_one_read(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(MESSAGE + b"x" * atomic.SMALL)
    (tmp_path / "small").write_bytes(MESSAGE)
    kinds = [
        type(found.buffer)
        for found in iter_entries([f"{tmp_path}/large", f"{tmp_path}/small"])
        if isinstance(found, Entry)
    ]
    assert [kind.__name__ for kind in kinds] == ["mmap", "bytes"]


def test_iter_stored_finds_nothing_in_a_file_without_octets(tmp_path: Path) -> None:
    """As an mbox is whose messages are all gone; an empty message in a store is one."""
    box = tmp_path / "box"
    box.write_bytes(b"")
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "1.eml").write_bytes(b"")
    assert list(iter_stored([str(box), f"mbox:{box}"])) == []
    found = list(iter_stored([f"eml:{box}", str(tmp_path / "f"), f"{tmp_path}/none"]))
    assert [type(one) is NoInputError for one in found] == [False, False, True]


def test_read_message_wants_exactly_one(folder: Path) -> None:
    assert read_message("message.eml").octets == MESSAGE
    assert read_message("box#2").octets == b"A: 2\n\ntwo\n"
    with pytest.raises(DataError, match="several"):
        read_message("box")
    with pytest.raises(NoInputError):
        read_message("nowhere")
    with pytest.raises(NoInputError):
        read_message("maildir:md/.Lists.python")


def test_doubts_and_kind_go_through_the_reading(folder: Path) -> None:
    Path("doubtful").write_bytes(MBOX + b"x\n" + FROM)
    reading = Reading()
    assert len(list(iter_entries(["doubtful"], reading))) == 2
    assert [doubt.path for doubt in reading.doubts] == ["doubtful"]


def test_reading_failure_is_an_error_of_ours(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(source.os, "read", fail)
    (found,) = iter_entries(["message.eml"])
    assert isinstance(found, InputOutputError)


def test_folder_that_cannot_be_listed_leaves_the_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_list, real_scan = os.listdir, os.scandir

    def listdir(path: str) -> list[str]:
        if path == "md/.Lists.python/cur":
            raise PermissionError(13, "Permission denied", path)
        return real_list(path)

    def scandir(path: str) -> "os._ScandirIterator[str]":
        if path == "eml/sub/":
            raise PermissionError(13, "Permission denied", path)
        return real_scan(path)

    monkeypatch.setattr(os, "listdir", listdir)
    monkeypatch.setattr(os, "scandir", scandir)
    found = list(iter_entries(["md", "eml"]))
    assert [found[at].where for at in (3, 6) if isinstance(found[at], NoInputError)] == [
        "md/.Lists.python",
        "eml/sub/",
    ]
    assert len(found) == 7


FROM_LINE = b"From ann@example.org Sat Nov 28 12:00:00 2026\n"


@pytest.mark.parametrize(
    ("octets", "given"),
    [
        (FROM_LINE + b"A: b\n\nhi\n\n", FROM_LINE + b"A: b\n\nhi\n\n"),
        (FROM_LINE + b"A: b\n\n>From here\n\n", b"A: b\n\nFrom here\n"),  # quoted: another message
        (b"\n" + FROM_LINE + b"A: b\n\nhi\n\n", b"A: b\n\nhi\n"),
        (b"A: b\n\nhi\n", b"A: b\n\nhi\n"),
    ],
)
def test_read_message_with_its_from_line(tmp_path: Path, octets: bytes, given: bytes) -> None:
    path = tmp_path / "one"
    path.write_bytes(octets)
    entry = source.read_message(str(path), with_from_line=True)
    assert entry.buffer[entry.start : entry.end] == given
    path.write_bytes(FROM_LINE + b"A: b\n\nhi\n\n" + FROM_LINE + b"A: b\n\nhi\n\n")
    with pytest.raises(DataError, match="several messages"):
        source.read_message(str(path), with_from_line=True)
    entry = source.read_message(f"{path}#2", with_from_line=True)
    assert entry.buffer[entry.start : entry.end] == b"A: b\n\nhi\n"
