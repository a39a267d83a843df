"""Converting stores: nothing lost on any path, taken up again, duplicates, verification, what is bad."""

import gzip
import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from blaze.core.errors import (
    BlazeError,
    CannotCreateError,
    DataError,
    InputOutputError,
    NoInputError,
    TemporaryError,
    UsageError,
)
from blaze.core.store import convert as conversion, destination, mboxstage, mboxwrite
from blaze.core.store.convert import Options, Report, convert
from blaze.core.store.delivery import Delivery, of_entry
from blaze.core.store.flags import Marks
from blaze.core.store.manifest import MANIFEST
from blaze.core.store.source import Reading, iter_entries

DATE = 1_704_067_200 * 10**9
QUICK = Options(sync=False)

MESSAGES = [
    Delivery(data, 0, len(data), marks=marks, date_ns=DATE + number * 10**9, folder=folder)
    for number, (data, marks, folder) in enumerate(
        [
            (b"Subject: plain\n\nHello\n", Marks("S"), ""),
            (b"Subject: new\n\nHello\n", Marks("", (), True), ""),
            (b"Subject: all\n\n>From x\nFrom y\n\n", Marks("DFPRST", ("work", "two words", "é,ö")), ""),
            (b"Subject: crlf\r\n\r\nFrom x\r\n\r\n", Marks("F"), ""),
            (b"Subject: same\n\nsame\n", Marks("S"), ""),
            (b"Subject: same\n\nsame\n", Marks("S"), ""),
            (b"Content-Length: 3\nSubject: lies\n\nlonger\n", Marks("R", ("work",)), ""),
            (b"X-Mozilla-Status: 0009\nX-Gmail-Labels: a\n\nFrom x\n", Marks("", ("a",)), ""),
            (b"NUL: \0\xff\n\n\0\r\r\n", Marks(""), ""),
            (b"no body\n", Marks(""), ""),
            (b"\n\nno header\n", Marks(""), ""),
            (b"", Marks("T"), ""),
            (b"Subject: sent\n\nHello\n", Marks("S"), "Sent"),
            (b"Subject: list\n\nHello\n", Marks("S", ("work",)), "Lists/python"),
        ]
    )
]
KINDS = ["mbox", "maildir", "eml", "pack"]


def make(kind: str, path: Path, deliveries: list[Delivery] = MESSAGES) -> str:
    store = destination.make(kind, str(path), sync=False)
    store.open()
    for delivery in deliveries:
        store.deliver(delivery)
    store.finish(has_strangers=False)
    store.close()
    return f"{kind}:{path}"


def state(name: str, mbox: str | None = None) -> list[tuple[bytes, str, list[str], bool, int | None, str]]:
    """All that must survive, in an order that does not depend on the folders'."""
    rows = []
    for found in iter_entries([name], Reading(mbox)):
        assert not isinstance(found, BlazeError), str(found)
        delivery = of_entry(found)
        octets = b"".join(delivery.iter_octets())
        marks = delivery.marks
        rows.append(
            (octets, marks.flags, sorted(marks.labels), marks.is_new, delivery.date_ns, delivery.folder)
        )
    return sorted(rows, key=lambda row: row[5])


EXPECTED = sorted(
    (
        (
            b"".join(m.iter_octets()),
            m.marks.flags,
            sorted(m.marks.labels),
            m.marks.is_new,
            m.date_ns,
            m.folder,
        )
        for m in MESSAGES
    ),
    key=lambda row: row[5],
)


@pytest.mark.parametrize("kinds", list(itertools.product(KINDS, KINDS, KINDS)), ids="-".join)
def test_every_path_and_back_keeps_everything(tmp_path: Path, kinds: tuple[str, str, str]) -> None:
    name = make(kinds[0], tmp_path / "0")
    assert state(name) == EXPECTED
    for step, kind in enumerate(kinds[1:], 1):
        following = f"{kind}:{tmp_path}/{step}"
        report = convert(name, following, Options(verify=True, sync=False))
        assert report.copied == len(MESSAGES)
        assert [problem.reason for problem in report.problems] == [
            "the message has no header",
            "the message is empty",
        ]
        name = following
    assert state(name) == EXPECTED


@pytest.mark.parametrize("kind", ["mboxrd", "mboxcl2"])
def test_kinds_of_mbox_keep_everything(tmp_path: Path, kind: str) -> None:
    name = make("maildir", tmp_path / "md")
    options = Options(mbox=kind, verify=True, sync=False)
    report = convert(name, f"mbox:{tmp_path}/box", options)
    assert (report.copied, report.ambiguous_lines) == (len(MESSAGES), 0)
    assert state(f"mbox:{tmp_path}/box") == EXPECTED


@pytest.mark.parametrize("kind", ["mboxo", "mboxcl"])
def test_kinds_of_mbox_that_lose_a_mark_count_it(tmp_path: Path, kind: str) -> None:
    name = make("maildir", tmp_path / "md")
    report = convert(name, f"mbox:{tmp_path}/box", Options(mbox=kind, verify=True, sync=False))
    assert report.ambiguous_lines == 1
    assert [problem.reason for problem in report.problems] == [
        "the message has no header",
        "the message is empty",
    ]
    expected = [(row[0].replace(b"\n>From ", b"\nFrom "), *row[1:]) for row in EXPECTED]
    assert state(f"mbox:{tmp_path}/box", kind) == expected
    assert convert(f"mbox:{tmp_path}/box", f"eml:{tmp_path}/eml", Options(mbox=kind)).copied == len(MESSAGES)
    assert [row[0] for row in state(f"eml:{tmp_path}/eml")] == [row[0] for row in expected]


@pytest.mark.parametrize("kind", KINDS)
def test_second_run_copies_nothing(tmp_path: Path, kind: str) -> None:
    name = make("maildir", tmp_path / "md")
    dest = f"{kind}:{tmp_path}/out"
    convert(name, dest, QUICK)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    report = convert(name, dest, QUICK)
    assert (report.copied, report.present) == (0, len(MESSAGES))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("kind", KINDS)
def test_run_again_copies_what_is_missing(tmp_path: Path, kind: str) -> None:
    dest = f"{kind}:{tmp_path}/out"
    some = [message for message in MESSAGES if not message.folder]
    convert(make("eml", tmp_path / "some", some[:3]), dest, QUICK)
    convert(make("eml", tmp_path / "more", some), dest, QUICK)
    assert state(dest) == [row for row in EXPECTED if not row[5]]


@pytest.mark.parametrize("mbox", ["mboxrd", "mboxo", "mboxcl", "mboxcl2"])
def test_mbox_that_was_left_half_written_is_taken_up(tmp_path: Path, mbox: str) -> None:
    messages = MESSAGES[:9]
    name = make("maildir", tmp_path / "md", messages)
    options = Options(mbox=mbox, sync=False)
    convert(name, f"mbox:{tmp_path}/whole", options)
    whole = (tmp_path / "whole").read_bytes()
    for cut in range(0, len(whole) + 1, 13):
        (tmp_path / ".out.blaze-partial").write_bytes(whole[:cut])
        report = convert(name, f"mbox:{tmp_path}/out", options)
        assert report.copied + report.present == len(messages)
        assert (tmp_path / "out").read_bytes() == whole
        (tmp_path / "out").unlink()
    assert report.present == len(messages) - 1  # the last one is never trusted


def test_half_written_mbox_of_something_else_is_begun_again(tmp_path: Path) -> None:
    name = make("maildir", tmp_path / "md", MESSAGES[:4])
    other = make("mbox", tmp_path / "other", MESSAGES[4:9])
    (tmp_path / ".out.blaze-partial").write_bytes((tmp_path / "other").read_bytes())
    assert other
    convert(name, f"mbox:{tmp_path}/out", QUICK)
    (tmp_path / "out2.mbox").write_bytes(b"")
    convert(name, f"mbox:{tmp_path}/out2.mbox", QUICK)
    assert (tmp_path / "out").read_bytes() == (tmp_path / "out2.mbox").read_bytes()
    (tmp_path / ".out3.blaze-partial").write_bytes(b"no mbox at all")
    convert(name, f"mbox:{tmp_path}/out3", QUICK)
    assert (tmp_path / "out").read_bytes() == (tmp_path / "out3").read_bytes()


@pytest.mark.parametrize("end", ["\n\n", "\n", ""])
@pytest.mark.parametrize("number", range(len(MESSAGES[:4])))
def test_run_that_was_killed_while_it_added_to_an_mbox(tmp_path: Path, end: str, number: int) -> None:
    """Killed at any octet: the next run completes it, and nothing comes twice or half."""
    name = make("maildir", tmp_path / "md", MESSAGES[: number + 1])
    before = f"From z Mon Jan  1 00:00:00 2024\nSubject: z\n\nbody{end}".encode()
    box, staged = tmp_path / "box", tmp_path / ".box.blaze-partial"
    box.write_bytes(before)
    gathered = b""

    def keep(fd: int, *_: object, sync: bool) -> None:
        nonlocal gathered
        gathered = os.pread(fd, 1 << 20, 0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mboxstage, "add", keep)
        convert(name, f"mbox:{box}", QUICK)
    assert box.read_bytes() == before and not staged.exists()
    convert(name, f"mbox:{box}", QUICK)
    whole = box.read_bytes()
    for size in range(len(before), len(whole) + 1):
        box.write_bytes(whole[:size])
        staged.write_bytes(gathered)
        report = convert(name, f"mbox:{box}", QUICK)
        assert report.copied == (0 if size == len(whole) else number + 1)
        assert box.read_bytes() == whole
        assert not staged.exists()


@pytest.mark.parametrize("left", [b"", b"rubbish\n", b"blaze: to be added to an mbox of 9 octets\n"])
def test_what_another_program_added_stays_whatever_a_killed_run_left(tmp_path: Path, left: bytes) -> None:
    name = make("maildir", tmp_path / "md", MESSAGES[:1])
    box = tmp_path / "box"
    before = b"From z Mon Jan  1 00:00:00 2024\nSubject: z\n\nbody\n\n"
    for octets in (left, mboxstage._HEAD % 3 + b"From", mboxstage._HEAD % len(before) + b"From a Mon"):
        box.write_bytes(before + b"From b Mon Jan  1 00:00:00 2024\nSubject: b\n\n\n")
        (tmp_path / ".box.blaze-partial").write_bytes(octets)
        convert(name, f"mbox:{box}", QUICK)
        assert box.read_bytes().startswith(before + b"From b Mon")
        assert box.read_bytes().count(b"\nFrom ") == 2


def test_mbox_that_is_added_to_stays_the_file_it_is(tmp_path: Path) -> None:
    """A program that has it open already, and waits for the lock, must not write into a nameless file."""
    box = tmp_path / "box"
    make("mbox", box, MESSAGES[:1])
    os.link(box, tmp_path / "link")
    with box.open("ab") as waiting:
        convert(make("eml", tmp_path / "more", MESSAGES[1:2]), f"mbox:{box}", QUICK)
        waiting.write(b"From b Mon Jan  1 00:00:00 2024\nSubject: b\n\n\n")
    assert len(state(f"mbox:{box}")) == 3
    assert box.samefile(tmp_path / "link")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_mbox_that_is_added_to_stays_its_owners(tmp_path: Path) -> None:
    box = tmp_path / "box"
    make("mbox", box, MESSAGES[:1])
    os.chown(box, 12345, 23456)
    box.chmod(0o660)
    convert(make("eml", tmp_path / "more", MESSAGES[1:2]), f"mbox:{box}", QUICK)
    status = box.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (12345, 23456, 0o660)


def test_mbox_in_use_is_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = make("maildir", tmp_path / "md", MESSAGES[:1])
    make("mbox", tmp_path / "box", MESSAGES[1:2])
    (tmp_path / "box.lock").write_bytes(b"")
    monkeypatch.setattr(destination, "Lock", lambda path: mboxwrite.Lock(path, patience=0.1))
    with pytest.raises(TemporaryError):
        convert(name, f"mbox:{tmp_path}/box", QUICK)
    assert len(state(f"mbox:{tmp_path}/box")) == 1


def test_two_runs_at_a_time_are_refused(tmp_path: Path) -> None:
    lines = ("import sys", "from blaze.core.store.mboxwrite import open_private as take", "take(sys.argv[1])")
    code = "\n".join((*lines, "print(flush=True)", "input()"))
    partial = f"{tmp_path}/.out.blaze-partial"
    with subprocess.Popen(
        [sys.executable, "-c", code, partial], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None and other.stdin is not None
        other.stdout.readline()
        with pytest.raises(CannotCreateError, match="another process"):
            convert(make("eml", tmp_path / "eml"), f"mbox:{tmp_path}/out", QUICK)
        other.stdin.write(b"\n")
        other.stdin.flush()


@pytest.mark.parametrize(("dedupe", "copied"), [("none", 6), ("raw", 5), ("message-id+body", 4)])
def test_duplicates(tmp_path: Path, dedupe: str, copied: int) -> None:
    messages = [
        b"Message-ID: <1@x>\nReceived: a\n\nbody\n",
        b"Message-ID: <1@x>\nReceived: b\n\nbody\n",
        b"Message-ID: <1@x>\nReceived: b\n\nbody\n",
        b"Message-ID: <1@x>\nReceived: b\n\nother body\n",
        b"Message-ID: <2@x>\nReceived: b\n\nbody\n",
        b"Subject: no id\n\nbody\n",
    ]
    name = make("eml", tmp_path / "eml", [Delivery(data, 0, len(data)) for data in messages])
    report = convert(name, f"maildir:{tmp_path}/md", Options(dedupe=dedupe, sync=False))
    assert (report.copied, report.duplicates) == (copied, 6 - copied)
    again = convert(name, f"maildir:{tmp_path}/md", Options(dedupe=dedupe, sync=False))
    assert (again.copied, again.duplicates) == (0, 6 - copied)


def test_verify_finds_what_the_disk_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = make("eml", tmp_path / "eml", MESSAGES[:3])

    def lossy(self: Delivery) -> "itertools.chain[bytes]":
        return itertools.chain([bytes(self.buffer[self.start : self.end]).replace(b"new", b"old")])

    from blaze.core.store import maildirwrite

    real = maildirwrite.Writer.deliver
    monkeypatch.setattr(
        maildirwrite.Writer,
        "deliver",
        lambda self, delivery: real(self, delivery._replace(buffer=next(lossy(delivery)))),
    )
    report = convert(name, f"maildir:{tmp_path}/md", Options(verify=True, sync=False))
    assert [(problem.path, problem.reason) for problem in report.problems] == [
        (f"{tmp_path}/eml/000002.eml", "what was written does not read back the same")
    ]


def test_bad_and_unreadable_messages_stop_nothing(tmp_path: Path) -> None:
    name = make("maildir", tmp_path / "md", MESSAGES[:2])
    (tmp_path / "md" / "cur" / "0.folder").mkdir()
    (tmp_path / "md" / "cur" / "1.bad").write_bytes(b"no header at all\n\nx\n")
    report = convert(name, f"eml:{tmp_path}/eml", QUICK)
    assert report.copied == 3
    assert [(Path(problem.path).name, problem.offset, problem.reason) for problem in report.problems] == [
        ("0.folder", None, "is a directory"),
        ("1.bad", 0, "the message has no header"),
    ]


def test_damaged_archive_gives_what_it_can(tmp_path: Path) -> None:
    make("mbox", tmp_path / "box", MESSAGES[:5])
    packed = gzip.compress((tmp_path / "box").read_bytes())
    (tmp_path / "box.gz").write_bytes(packed[:-20])
    report = convert(f"{tmp_path}/box.gz", f"maildir:{tmp_path}/md", QUICK)
    assert report.copied >= 1
    assert "damaged" in report.problems[-1].reason


def test_report_counts_deleted_and_doubtful(tmp_path: Path) -> None:
    line = b"From a Thu Jan  1 00:00:00 1970\n"
    (tmp_path / "box").write_bytes(line + b"X-Mozilla-Status: 0008\n\n" + line + b"A: b\n\nx\n" + line)
    report = convert(f"{tmp_path}/box", f"eml:{tmp_path}/eml", QUICK)
    assert (report.copied, report.omitted, len(report.doubts)) == (1, 1, 1)


def test_progress_hears_of_all_octets(tmp_path: Path) -> None:
    name = make("maildir", tmp_path / "md")
    heard: list[int] = []
    convert(name, f"eml:{tmp_path}/eml", QUICK, progress=heard.append)
    assert sum(heard) == sum(message.size for message in MESSAGES)


@pytest.mark.parametrize(
    ("dest", "kind"),
    [
        ("mbox:x", "mbox"),
        ("eml:x", "eml"),
        ("pack:x", "pack"),
        ("x.mbox", "mbox"),
        ("x.MBX", "mbox"),
        ("x.pack", "pack"),
        ("x/", "maildir"),
        ("a/Maildir", "maildir"),
        ("a/mbox", "mbox"),
        ("md", "maildir"),
        ("empty", "maildir"),
        ("emls", "eml"),
        ("box", "mbox"),
    ],
)
def test_kind_of_destination(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dest: str, kind: str) -> None:
    monkeypatch.chdir(tmp_path)
    make("maildir", Path("md"), [])
    make("mbox", Path("box"), MESSAGES[:1])
    make("eml", Path("emls"), [])
    Path("empty").mkdir()
    assert destination.kind_of(dest)[0] == kind


@pytest.mark.parametrize("dest", ["unknown", "file", "-", "mbox:-", "a/b"])
def test_kind_of_destination_that_could_be_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dest: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_bytes(b"Subject: x\n\n")
    with pytest.raises(UsageError):
        destination.kind_of(dest)


def test_source_that_cannot_be_read_makes_nothing(tmp_path: Path) -> None:
    for name, error in ((f"{tmp_path}/none", NoInputError), (f"{tmp_path}/empty", DataError)):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(error):
            convert(name, f"maildir:{tmp_path}/md", QUICK)
        assert not (tmp_path / "md").exists()


def test_source_and_destination_must_differ(tmp_path: Path) -> None:
    name = make("maildir", tmp_path / "md")
    with pytest.raises(UsageError):
        convert(name, f"maildir:{tmp_path}/./md", QUICK)


@pytest.mark.parametrize("dest", ["maildir:{}/md/.Archive", "eml:{}/md/eml"])
def test_destination_inside_the_source_is_refused(tmp_path: Path, dest: str) -> None:
    name = make("maildir", tmp_path / "md")
    with pytest.raises(UsageError, match="part of the source"):
        convert(name, dest.format(tmp_path), QUICK)
    assert convert(name, f"mbox:{tmp_path}/md/all.mbox", QUICK).copied == len(MESSAGES)


def test_file_that_is_no_mbox_is_not_added_to(tmp_path: Path) -> None:
    (tmp_path / "notes").write_bytes(b"no mbox\n")
    with pytest.raises(DataError):
        convert(make("maildir", tmp_path / "md"), f"mbox:{tmp_path}/notes", QUICK)
    assert (tmp_path / "notes").read_bytes() == b"no mbox\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["md", "notes"]


def test_one_message_of_a_store_is_converted(tmp_path: Path) -> None:
    make("mbox", tmp_path / "box")
    assert convert(f"{tmp_path}/box#2", f"eml:{tmp_path}/eml", QUICK).copied == 1
    assert convert(f"{tmp_path}/eml/000001.eml", f"mbox:{tmp_path}/one", QUICK).copied == 1


def test_total_size(tmp_path: Path) -> None:
    make("mbox", tmp_path / "box", MESSAGES[:2])
    assert conversion.total_size(f"mbox:{tmp_path}/box") == (tmp_path / "box").stat().st_size
    make("maildir", tmp_path / "md", MESSAGES[:2])
    assert conversion.total_size(f"{tmp_path}/md") == sum(message.size for message in MESSAGES[:2])
    (tmp_path / "box.gz").write_bytes(gzip.compress(b"x"))
    assert conversion.total_size(f"{tmp_path}/box.gz") is None
    assert conversion.total_size("-") is None


def test_store_without_need_has_no_manifest(tmp_path: Path) -> None:
    make("mbox", tmp_path / "box", MESSAGES[:2])
    make("maildir", tmp_path / "md", MESSAGES[:2])
    assert not list(tmp_path.rglob(f"*{MANIFEST}"))


def test_no_temporary_file_stays(tmp_path: Path) -> None:
    for kind in KINDS:
        make(kind, tmp_path / kind)
    names = [name for _, _, files in os.walk(tmp_path) for name in files]
    assert not [name for name in names if "tmp" in name or "partial" in name or name.endswith(".lock")]


@pytest.mark.corpus
@pytest.mark.parametrize("kind", KINDS)
def test_corpus_goes_and_comes_back(tmp_path: Path, corpus_mbox: bytes, kind: str) -> None:
    (tmp_path / "corpus.mbox").write_bytes(corpus_mbox)
    there = convert(f"{tmp_path}/corpus.mbox", f"{kind}:{tmp_path}/there", QUICK)
    back = convert(f"{kind}:{tmp_path}/there", f"mbox:{tmp_path}/back", Options(verify=True, sync=False))
    assert (there.copied, there.problems, back.copied, back.problems) == (3023, [], 3023, [])
    assert state(f"mbox:{tmp_path}/back") == state(f"{tmp_path}/corpus.mbox")


def test_report_is_empty_at_first() -> None:
    assert (Report().copied, Report().problems) == (0, [])


def test_added_to_mbox_leaves_nothing_behind_when_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("eml", tmp_path / "source")
    there = tmp_path / "box.mbox"
    there.write_bytes(b"From a Thu Jan  1 00:00:00 1970\nSubject: hi\n\n\n")
    before = there.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputOutputError, match="No space left"):
        convert(f"eml:{tmp_path}/source", str(there))
    monkeypatch.undo()
    assert there.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "box.mbox",
        "box.mbox.manifest.jsonl",
    ]
    assert convert(f"eml:{tmp_path}/source", str(there), QUICK).copied == len(MESSAGES)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("date", [-1, -(10**10), 2**32, -(10**11), 10**14])
def test_any_date_of_a_file_is_taken(tmp_path: Path, kind: str, date: int) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("a.eml", "b.eml"):
        (source / name).write_bytes(b"Subject: " + name.encode() + b"\n\nx\n")
    os.utime(source / "a.eml", (date, date))
    taken = os.stat(source / "a.eml").st_mtime_ns  # some file systems have a smaller range
    report = convert(str(source), f"{kind}:{tmp_path / kind}", QUICK)
    assert (report.copied, report.problems) == (2, [])
    found = next(iter_entries([f"{kind}:{tmp_path / kind}"]))
    assert not isinstance(found, BlazeError)
    if -62_135_596_800 * 10**9 <= taken < 253_402_300_800 * 10**9:
        assert found.date_ns == taken


def test_folder_that_a_maildir_cannot_have_is_told_and_the_rest_is_done(tmp_path: Path) -> None:
    deep = tmp_path / "eml" / "/".join(["x" * 100] * 3)
    deep.mkdir(parents=True)
    (deep / "a.eml").write_bytes(b"Subject: deep\n\nx\n")
    (tmp_path / "eml" / "z").mkdir()
    (tmp_path / "eml" / "z" / "a.eml").write_bytes(b"Subject: deep\n\nx\n")
    report = convert(f"eml:{tmp_path}/eml", f"maildir:{tmp_path}/md", Options(sync=False, dedupe="raw"))
    assert (report.copied, report.duplicates) == (1, 0)
    assert [problem.path for problem in report.problems] == [str(deep / "a.eml")]
    assert "this cannot be the name of a folder" in report.problems[0].reason


@pytest.mark.parametrize("kind", KINDS)
def test_maildir_folder_with_an_empty_level(tmp_path: Path, kind: str) -> None:
    for number, name in enumerate(("", "..a", ".a..b")):
        for part in ("cur", "new", "tmp"):
            (tmp_path / "md" / name / part).mkdir(parents=True, exist_ok=True)
        (tmp_path / "md" / name / "cur" / "1.x").write_bytes(b"Subject: %d\n\nx\n" % number)
    store = f"{kind}:{tmp_path / kind}"
    report = convert(str(tmp_path / "md"), store, QUICK)
    assert (report.copied, report.problems) == (3, [])
    report = convert(store, f"maildir:{tmp_path}/back", QUICK)
    assert (report.copied, report.problems) == (3, [])
    folders = {path.parent.parent.name for path in (tmp_path / "back").rglob("cur/*")}
    assert folders == {"back", ".a", ".a.b"}


@pytest.mark.parametrize("kind", KINDS)
def test_empty_file_is_an_mbox_without_messages(tmp_path: Path, kind: str) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "empty.gz").write_bytes(gzip.compress(b""))
    for name in ("empty", "empty.gz"):
        report = convert(f"{tmp_path}/{name}", f"{kind}:{tmp_path}/out", QUICK)
        assert (report.copied, report.problems) == (0, [])
        assert not list(iter_entries([f"{kind}:{tmp_path}/out"]))
    report = convert(f"eml:{tmp_path}/empty", f"{kind}:{tmp_path}/out", QUICK)
    assert (report.copied, len(report.problems)) == (1, 1)


def test_nothing_of_a_pipe_is_taken_to_know_its_size(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"From z Mon Jan  1 00:00:00 2024\nSubject: z\n\nbody\n")
    os.close(writer)
    try:
        assert conversion.total_size(f"/dev/fd/{reader}") is None
        convert(f"/dev/fd/{reader}", f"mbox:{tmp_path}/box", QUICK)
    finally:
        os.close(reader)
    assert [entry[0] for entry in state(f"mbox:{tmp_path}/box")] == [b"Subject: z\n\nbody\n"]
