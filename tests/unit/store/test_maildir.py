"""Maildir: delivery, flags, folders, names, what other programs do meanwhile."""

import errno
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from blaze.core.errors import BlazeError, CannotCreateError, DataError, InputOutputError, NoInputError
from blaze.core.store import maildir, maildirwrite
from blaze.core.store.delivery import Delivery, of_octets
from blaze.core.store.flags import Marks
from blaze.core.store.source import Entry, iter_entries

MESSAGE = b"Subject: hi\n\nHello\n"


def deliver(root: Path, *deliveries: Delivery) -> list[str]:
    with maildirwrite.Writer(str(root)) as writer:
        names = [writer.deliver(delivery) for delivery in deliveries]
        writer.commit()
    return names


def entries(root: Path) -> list[Entry]:
    return [found for found in iter_entries([f"maildir:{root}"]) if not isinstance(found, BlazeError)]


def test_deliver_puts_a_new_message_into_new(tmp_path: Path) -> None:
    (name,) = deliver(tmp_path / "md", of_octets(MESSAGE, marks=Marks(is_new=True), date_ns=123_456_789_012))
    path = tmp_path / "md" / "new" / name
    assert path.read_bytes() == MESSAGE
    assert path.stat().st_mtime_ns == 123_456_789_012
    assert path.stat().st_mode & 0o777 == 0o600
    assert not list((tmp_path / "md" / "tmp").iterdir())


def test_deliver_puts_flags_and_keywords_into_the_name(tmp_path: Path) -> None:
    marks = Marks("FS", ("work", "two words", "$Junk", "work"), is_new=False)
    deliver(tmp_path, of_octets(MESSAGE, marks=marks), of_octets(MESSAGE, marks=Marks("", ("$Junk",), True)))
    assert [name.name.rpartition(":")[2] for name in sorted((tmp_path / "cur").iterdir())] == [
        "2,FSab",
        "2,b",
    ]
    assert (tmp_path / "dovecot-keywords").read_text() == "0 work\n1 $Junk\n"
    assert [(entry.flags, entry.labels) for entry in entries(tmp_path)] == [
        ("FS", ("work", "$Junk", "two words")),
        ("", ("$Junk",)),
    ]


def test_deliver_keeps_the_keywords_that_dovecot_has(tmp_path: Path) -> None:
    (tmp_path / "dovecot-keywords").write_text("0 old\n2 other\n")
    deliver(tmp_path, of_octets(MESSAGE, marks=Marks("", ("new", "other"))))
    assert (tmp_path / "dovecot-keywords").read_text() == "0 old\n1 new\n2 other\n"
    assert entries(tmp_path)[0].labels == ("new", "other")


def test_deliver_keeps_labels_beyond_the_alphabet(tmp_path: Path) -> None:
    labels = tuple(f"label{number:02}" for number in range(40))
    deliver(tmp_path, of_octets(MESSAGE, marks=Marks("", labels)))
    assert set(entries(tmp_path)[0].labels) == set(labels)


def test_deliver_names_sort_in_the_order_of_delivery(tmp_path: Path) -> None:
    deliver(
        tmp_path, *(of_octets(b"%d\n" % number, marks=Marks(is_new=number % 3 == 0)) for number in range(120))
    )
    assert [entry.octets for entry in entries(tmp_path)] == [b"%d\n" % number for number in range(120)]


def test_deliver_into_a_folder(tmp_path: Path) -> None:
    deliver(tmp_path, Delivery(MESSAGE, 0, len(MESSAGE), folder="Lists/python.org"))
    assert (tmp_path / ".Lists.python_org" / "maildirfolder").is_file()
    assert [(entry.folder, entry.octets) for entry in entries(tmp_path)] == [("Lists/python_org", MESSAGE)]


@pytest.mark.parametrize("folder", ["x\0", "y" * 300, "/".join(["y" * 100] * 3)])
def test_deliver_refuses_what_is_no_folder_name(tmp_path: Path, folder: str) -> None:
    with pytest.raises(DataError):
        deliver(tmp_path, Delivery(MESSAGE, 0, len(MESSAGE), folder=folder))


@pytest.mark.parametrize("folder", ["..", "../x", "a/../../x"])
def test_deliver_never_leaves_the_maildir(tmp_path: Path, folder: str) -> None:
    root = tmp_path / "md"
    deliver(root, Delivery(MESSAGE, 0, len(MESSAGE), folder=folder))
    assert [path.name for path in tmp_path.iterdir()] == ["md"]


def test_deliver_where_no_colon_may_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def without_colon(path: str, *arguments: Any, **options: Any) -> int:
        if ":" in Path(path).name:
            raise OSError(errno.EINVAL, "Invalid argument")
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "open", without_colon)
    (name,) = deliver(tmp_path, of_octets(MESSAGE, marks=Marks("S")))
    assert (tmp_path / "cur" / f"{name}!2,S").is_file()
    assert [(entry.id, entry.flags) for entry in entries(tmp_path)] == [(name, "S")]
    assert maildirwrite.move(str(tmp_path), name, "F") == f"cur/{name}!2,FS"


def test_delivery_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(maildirwrite.atomic, "write_all", fail)
    with pytest.raises(InputOutputError, match="No space"):
        deliver(tmp_path, of_octets(MESSAGE))
    assert not any(file for part in ("tmp", "new", "cur") for file in (tmp_path / part).iterdir())


def test_maildir_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CannotCreateError):
        deliver(tmp_path / "file", of_octets(MESSAGE))


def test_move_from_new_to_cur_and_flags(tmp_path: Path) -> None:
    (name,) = deliver(tmp_path, of_octets(MESSAGE, marks=Marks(is_new=True)))
    place = str(tmp_path)
    assert maildirwrite.move(place, name, "") == f"cur/{name}"
    assert maildirwrite.move(place, name, "SF") == f"cur/{name}:2,FS"
    assert maildirwrite.move(place, name, "R") == f"cur/{name}:2,FRS"
    assert maildirwrite.move(place, name, "T", keep=False) == f"cur/{name}:2,T"
    with pytest.raises(NoInputError):
        maildirwrite.move(place, "gone", "S")


def test_move_keeps_keywords(tmp_path: Path) -> None:
    (name,) = deliver(tmp_path, of_octets(MESSAGE, marks=Marks("", ("work",))))
    assert maildirwrite.move(str(tmp_path), name, "S") == f"cur/{name}:2,Sa"


def test_move_keeps_flags_of_other_programs(tmp_path: Path) -> None:
    deliver(tmp_path)
    (tmp_path / "cur" / "1.x:2,SXa").write_bytes(MESSAGE)
    assert maildirwrite.move(str(tmp_path), "1.x", "F") == "cur/1.x:2,FSXa"


def test_move_while_another_program_renames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (name,) = deliver(tmp_path, of_octets(MESSAGE, marks=Marks(is_new=True)))
    real = os.rename
    calls: list[str] = []

    def rename(source: str, target: str, **options: Any) -> None:
        if not calls:
            calls.append(source)
            real(f"{tmp_path}/new/{name}", f"{tmp_path}/cur/{name}:2,F")
        real(source, target, **options)

    monkeypatch.setattr(os, "rename", rename)
    assert maildirwrite.move(str(tmp_path), name, "S") == f"cur/{name}:2,FS"


def test_remove_stale_takes_only_what_is_old(tmp_path: Path) -> None:
    maildirwrite.make(str(tmp_path))
    now = time.time()
    for name, age in (("old", 37 * 3600), ("young", 35 * 3600)):
        (tmp_path / "tmp" / name).write_bytes(b"half")
        os.utime(tmp_path / "tmp" / name, (now - age, now - age))
    assert maildirwrite.remove_stale(str(tmp_path), now) == 1
    assert [path.name for path in (tmp_path / "tmp").iterdir()] == ["young"]


def test_old_folder_in_tmp_is_in_nobodys_way(tmp_path: Path) -> None:
    maildirwrite.make(str(tmp_path))
    for name in ("a", "b", "c"):
        (tmp_path / "tmp" / name).mkdir() if name == "b" else (tmp_path / "tmp" / name).write_bytes(b"half")
        os.utime(tmp_path / "tmp" / name, (0, 0))
    assert maildirwrite.remove_stale(str(tmp_path), time.time()) == 2
    assert [path.name for path in (tmp_path / "tmp").iterdir()] == ["b"]


@pytest.mark.parametrize(
    ("file", "unique", "info"),
    [
        ("1.M2P3.h", "1.M2P3.h", ""),
        ("1.M2P3.h:2,", "1.M2P3.h", ""),
        ("1.M2P3.h:2,FS", "1.M2P3.h", "FS"),
        ("1.M2P3.h,S=12:2,Sab", "1.M2P3.h,S=12", "Sab"),
        ("1.M2P3.h!2,R", "1.M2P3.h", "R"),
        ("1.M2P3.h;2,R", "1.M2P3.h", "R"),
        ("1.M2P3.h:1,experimental", "1.M2P3.h:1,experimental", ""),
        ("", "", ""),
    ],
)
def test_names(file: str, unique: str, info: str) -> None:
    assert maildir.unique_name(file) == unique
    assert maildir.info(file) == info


@given(st.lists(st.integers(0, 999_999), min_size=1))
def test_delivery_order_is_that_of_numbers(micros: list[int]) -> None:
    names = [f"1700000000.M{micro}P{7 * micro % 13}.h" for micro in micros]
    ordered = sorted(names, key=maildir.delivery_order)
    assert [int(name.partition(".M")[2].partition("P")[0]) for name in ordered] == sorted(micros)


def test_host_part() -> None:
    assert maildirwrite.host_part("a/b:c,d") == r"a\057b\072c\054d"


def test_planted_pipe_or_device_is_no_message(tmp_path: Path) -> None:
    deliver(tmp_path, of_octets(MESSAGE))
    os.mkfifo(tmp_path / "cur" / "0000000000.pipe")
    (tmp_path / "cur" / "0000000001.endless").symlink_to("/dev/zero")
    (tmp_path / "cur" / "0000000002.folder").mkdir()
    *faults, message = maildir.iter_entries(str(tmp_path))
    assert [str(fault) for fault in faults] == [
        f"cannot read: not a file: {tmp_path}/cur/0000000000.pipe",
        f"cannot read: not a file: {tmp_path}/cur/0000000001.endless",
        f"is a directory: {tmp_path}/cur/0000000002.folder",
    ]
    assert isinstance(message, Entry)
    assert message.octets == MESSAGE


def test_many_messages_renamed_or_deleted_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folders are not listed anew for each: that would take hours in a large Maildir."""
    maildirwrite.make(str(tmp_path))
    names = [f"{1_700_000_000 + number}.M1P1.h" for number in range(300)]
    for name in names:
        (tmp_path / "new" / name).write_bytes(name.encode())
    reader = maildir.iter_entries(str(tmp_path))
    found = [next(reader)]
    for number, name in enumerate(names):
        if number % 3:
            (tmp_path / "new" / name).rename(tmp_path / "cur" / f"{name}:2,S")
        else:
            (tmp_path / "new" / name).unlink()
    listings = 0
    listdir = os.listdir

    def counted(path: str) -> list[str]:
        nonlocal listings
        listings += 1
        return listdir(path)

    monkeypatch.setattr(os, "listdir", counted)
    for number, entry in enumerate(reader):
        found.append(entry)
        if number == 100:  # and once more, what is renamed already
            for path in list((tmp_path / "cur").iterdir()):
                path.rename(f"{path}F")
    assert [entry.octets.decode() for entry in found if isinstance(entry, Entry)] == [
        name for number, name in enumerate(names) if number % 3 or number == 0
    ]
    assert listings < 20


def test_renamed_message_that_cannot_be_read_leaves_the_others(tmp_path: Path) -> None:
    maildirwrite.make(str(tmp_path))
    for name in ("1.x", "2.x", "3.x"):
        (tmp_path / "new" / name).write_bytes(MESSAGE)
    reader = maildir.iter_entries(str(tmp_path))
    next(reader)
    (tmp_path / "new" / "2.x").unlink()
    (tmp_path / "cur" / "2.x:2,").mkdir()
    fault, last = reader
    assert str(fault) == f"is a directory: {tmp_path}/new/2.x"
    assert isinstance(last, Entry)
    assert last.id == "3.x"
