"""Mailboxes that other programs made, through every conversion; and what we write, read by other programs."""

import contextlib
import imaplib
import itertools
import mailbox
import os
import poplib
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from blaze.core.errors import BlazeError
from blaze.core.store.convert import Options, convert
from blaze.core.store.delivery import Delivery, of_entry
from blaze.core.store.source import Reading, iter_entries
from tests.support import mail_programs
from tests.support.mail_programs import PASSWORD, Dovecot

pytestmark = pytest.mark.e2e

BY_HAND = [
    b"From: ann@example.org\nSubject: plain\nMessage-ID: <1@example.org>\n\nHello\n",
    b"From: ann@example.org\nSubject: quoted\n\nFrom here on\n>From there\n>>From afar\n",
    b"From: ann@example.org\nSubject: mbox inside\n\n\nFrom x@y Mon Jan  1 00:00:00 2024\nS: in\n\nhi\n",
    b"From: ann@example.org\nSubject: empty lines\n\n\n\n\n",
    b"From: ann@example.org\nSubject: 8 bit\nContent-Type: text/plain; charset=utf-8\n\n\xc3\xa9\xff\n",
    b"From: ann@example.org\nSubject: long\n\n" + b"x" * 2000 + b"\n",
]
MANY = ["mbox", "maildir", "eml", "pack"]
_METADATA = rb"(?mi)^(?:Status|X-Status|X-UID|X-IMAPbase|X-IMAP|X-Keywords|Content-Length|Lines):.*\n"


@pytest.fixture(scope="module")
def messages(request: pytest.FixtureRequest) -> list[bytes]:
    """Ours, and some of the corpus: those without fields that mailboxes use themselves."""
    try:
        corpus = request.getfixturevalue("corpus")
    except pytest.skip.Exception:
        return BY_HAND
    fit = [each for each in corpus[::60] if not re.search(_METADATA, each.partition(b"\n\n")[0] + b"\n")]
    return BY_HAND + [
        each for each in fit if b"\r" not in each and b"\0" not in each and each.endswith(b"\n")
    ]


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    if reason := mail_programs.why_no_dovecot():
        pytest.skip(reason)
    location = "mbox:{folder}/mail/%u:INBOX={folder}/mail/%u/inbox"
    with mail_programs.running_dovecot(location) as server:
        yield server


@pytest.fixture(scope="module")
def maildir_dovecot() -> Iterator[Dovecot]:
    if reason := mail_programs.why_no_dovecot():
        pytest.skip(reason)
    with mail_programs.running_dovecot("maildir:{folder}/mail/%u") as server:
        yield server


def deliveries(name: str, kind: str | None = None) -> list[Delivery]:
    found = list(iter_entries([name], Reading(kind)))
    assert not [each for each in found if isinstance(each, BlazeError)]
    return [of_entry(each) for each in found if not isinstance(each, BlazeError)]


def octets(delivery: Delivery) -> bytes:
    return b"".join(delivery.iter_octets())


def state(name: str, kind: str | None = None) -> list[tuple[bytes, str, set[str], int]]:
    """Octets, flags, labels and the date to the second: what every format has a place for."""
    return [
        (octets(each), each.marks.flags, set(each.marks.labels), (each.date_ns or 0) // 10**9)
        for each in deliveries(name, kind)
    ]


def check_every_path(name: str, tmp_path: Path) -> None:
    """From the store `name` by all chains of two formats, and back into the first."""
    expected = state(name)
    assert expected
    first = {kind: f"{kind}:{tmp_path}/first-{kind}" for kind in MANY}
    for dest in first.values():
        report = convert(name, dest, Options(verify=True, sync=False))
        assert (report.copied, report.problems) == (len(expected), [])
        assert state(dest) == expected
    for there, back in itertools.product(MANY, MANY):
        dest = f"{back}:{tmp_path}/{there}-{back}"
        convert(first[there], dest, Options(sync=False))
        assert state(dest) == expected
    for kind in ("mboxo", "mboxcl", "mboxcl2"):
        dest = f"mbox:{tmp_path}/{kind}"
        report = convert(name, dest, Options(mbox=kind, verify=True, sync=False))
        assert report.problems == []
        got = state(dest, None if kind == "mboxcl2" else kind)
        if kind == "mboxcl2":
            assert got == expected
        else:
            lines = [_differing_lines(a[0], b[0]) for a, b in zip(expected, got, strict=True)]
            assert sum(lines) == report.ambiguous_lines
            assert [row[1:] for row in got] == [row[1:] for row in expected]


def _differing_lines(before: bytes, after: bytes) -> int:
    pairs = list(zip(before.split(b"\n"), after.split(b"\n"), strict=True))
    assert all(old in (new, b">" + new) for old, new in pairs)
    return sum(old != new for old, new in pairs)


def bare(message: bytes) -> bytes:
    """A message without the fields that mailboxes add."""
    head, empty, body = message.partition(b"\n\n")
    return re.sub(_METADATA, b"", head + b"\n") + empty[1:] + body


class TestDovecot:
    def save(self, server: Dovecot, user: str, messages: list[bytes]) -> None:
        (server.folder / "mail" / user).mkdir(exist_ok=True)
        server.give_away()
        for number, message in enumerate(messages, 1):
            server.doveadm("save", "-u", user, octets=message)
            if number % 2:
                server.doveadm("flags", "add", "-u", user, r"\Seen", str(number))
            if number % 3 == 0:
                server.doveadm(
                    "flags", "add", "-u", user, r"\Flagged \Answered \Draft work $Forwarded", str(number)
                )

    def expected_marks(self, count: int) -> list[tuple[str, set[str]]]:
        rows = []
        for number in range(1, count + 1):
            letters = ("DFR" if number % 3 == 0 else "") + ("S" if number % 2 else "")
            rows.append((letters, {"work", "$Forwarded"} if number % 3 == 0 else set()))
        return rows

    def test_its_mbox(self, dovecot: Dovecot, messages: list[bytes], tmp_path: Path) -> None:
        self.save(dovecot, "made", messages[:14])
        path = tmp_path / "inbox"
        shutil.copy(dovecot.folder / "mail/made/inbox", path)
        got = deliveries(str(path))
        assert [bare(octets(each)) for each in got] == [bare(each) for each in messages[:14]]
        assert [(each.marks.flags, set(each.marks.labels)) for each in got] == self.expected_marks(14)
        check_every_path(str(path), tmp_path)

    def test_its_maildir(self, maildir_dovecot: Dovecot, messages: list[bytes], tmp_path: Path) -> None:
        self.save(maildir_dovecot, "made", messages[:14])
        path = tmp_path / "md"
        shutil.copytree(maildir_dovecot.folder / "mail/made", path)
        got = deliveries(str(path))
        assert [octets(each) for each in got] == messages[:14]
        assert [(each.marks.flags, set(each.marks.labels)) for each in got] == self.expected_marks(14)
        check_every_path(str(path), tmp_path)

    @pytest.mark.parametrize("kind", ["mboxrd", "mboxcl2"])
    def test_it_serves_our_mbox(
        self, dovecot: Dovecot, messages: list[bytes], tmp_path: Path, kind: str
    ) -> None:
        home = dovecot.folder / "mail" / f"ours-{kind}"
        home.mkdir()
        made = self.make(tmp_path, messages)
        convert(made, f"mbox:{home}/inbox", Options(mbox=kind))
        dovecot.give_away()
        check_served(dovecot, f"ours-{kind}", deliveries(made), kind)

    def test_it_serves_our_maildir(
        self, maildir_dovecot: Dovecot, messages: list[bytes], tmp_path: Path
    ) -> None:
        made = self.make(tmp_path, messages)
        convert(made, f"maildir:{maildir_dovecot.folder}/mail/ours")
        maildir_dovecot.give_away()
        check_served(maildir_dovecot, "ours", deliveries(made), "maildir")

    def make(self, tmp_path: Path, messages: list[bytes]) -> str:
        box = mailbox.Maildir(tmp_path / "made")
        (tmp_path / "made" / "dovecot-keywords").write_text("0 work\n1 $Forwarded\n")
        for number, message in enumerate(messages):
            item = mailbox.MaildirMessage()
            item.set_subdir("cur")
            item.set_flags("".join(letter for bit, letter in enumerate("DFRSab") if number >> bit & 1))
            key = box.add(message)
            box[key] = item
            (path,) = (tmp_path / "made" / "cur").glob(f"{key}*")
            path.write_bytes(message)
            os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))
        return f"maildir:{tmp_path}/made"


_IMAP_FLAGS = {"D": b"\\Draft", "F": b"\\Flagged", "R": b"\\Answered", "S": b"\\Seen", "T": b"\\Deleted"}


def check_served(server: Dovecot, user: str, expected: list[Delivery], form: str) -> None:
    """Compare what comes by IMAP and by POP3. Dovecot does not undo the quoting of an mboxrd."""
    wanted = [octets(each) for each in expected]
    if form == "mboxrd":
        wanted = [re.sub(rb"(?m)^(>*From )", rb">\1", each) for each in wanted]
    with imaplib.IMAP4("127.0.0.1", server.imap_port) as client:
        client.login(user, PASSWORD)
        _, (count,) = client.select(readonly=True)
        assert int(count or b"0") == len(expected)
        for number, (delivery, octets_wanted) in enumerate(zip(expected, wanted, strict=True), 1):
            _, data = client.fetch(str(number), "(FLAGS INTERNALDATE BODY.PEEK[])")
            (meta, content), rest = data[0], data[1]
            assert bare(content.replace(b"\r\n", b"\n")) == bare(octets_wanted)
            letters = "".join(letter for letter, flag in _IMAP_FLAGS.items() if flag in meta + bytes(rest))
            assert letters == delivery.marks.flags
            if form == "maildir":  # in an mbox Dovecot takes no keywords but those it has written
                found = re.findall(rb"work|\$Forwarded", meta + bytes(rest))
                assert {word.decode() for word in found} == set(delivery.marks.labels)
            date = imaplib.Internaldate2tuple(meta)
            assert date is not None
            assert int(time.mktime(date)) == (delivery.date_ns or 0) // 10**9
    with contextlib.closing(poplib.POP3("127.0.0.1", server.pop3_port)) as pop:
        pop.user(user)
        pop.pass_(PASSWORD)
        assert pop.stat()[0] == len(expected)
        for number, octets_wanted in enumerate(wanted, 1):
            got = b"".join(line + b"\n" for line in pop.retr(number)[1])
            assert bare(got) == bare(octets_wanted)
        pop.quit()


@pytest.mark.skipif(shutil.which("mutt") is None, reason="no mutt")
class TestMutt:
    @pytest.mark.parametrize("kind", ["mbox", "Maildir"])
    def test_its_mailbox(self, messages: list[bytes], tmp_path: Path, kind: str) -> None:
        convert(self.given(tmp_path, messages), f"mbox:{tmp_path}/in", Options(mbox="mboxcl2"))
        keys = (
            "<first-entry><flag-message><next-entry><set-flag>r<next-entry><set-flag>O"
            "<tag-pattern>~A<enter><tag-prefix><copy-message>copy<enter><exit>"
        )
        mail_programs.mutt(tmp_path, "in", keys, mbox_type=kind)
        got = deliveries(f"{tmp_path}/copy")
        assert [bare(octets(each)) for each in got] == [bare(each) for each in messages]
        assert [each.marks.flags for each in got[:3]] == ["F", "RS", ""]
        check_every_path(f"{tmp_path}/copy", tmp_path)

    @pytest.mark.parametrize("dest", ["mbox:ours", "maildir:ours"])
    @pytest.mark.parametrize("kind", ["mboxrd", "mboxcl2"])
    def test_it_reads_ours(self, messages: list[bytes], tmp_path: Path, dest: str, kind: str) -> None:
        form, _, name = dest.partition(":")
        convert(self.given(tmp_path, messages), f"{form}:{tmp_path}/{name}", Options(mbox=kind))
        script = tmp_path / "keep"
        script.write_text('cat > "piped.$(printf %03d "$(ls piped.* 2> /dev/null | wc -l)")"\n')
        mail_programs.mutt(
            tmp_path, name, "<tag-pattern>~A<enter><tag-prefix><pipe-message>sh keep<enter><exit>"
        )
        piped = [path.read_bytes() for path in sorted(tmp_path.glob("piped.*"))]
        wanted = (
            [re.sub(rb"(?m)^(>*From )", rb">\1", each) for each in messages]
            if dest == "mbox:ours"
            else messages
        )
        if kind == "mboxcl2":
            wanted = messages
        # mutt puts a From line before what it pipes, and a newline after it
        got = [bare(re.sub(rb"\AFrom .*\n", b"", each)[:-1]) for each in piped]
        expected = [bare(each) for each in wanted]
        assert sorted(got) == sorted(expected)
        assert form == "maildir" or got == expected  # mutt reads a Maildir in the order of the disk

    def given(self, tmp_path: Path, messages: list[bytes]) -> str:
        (tmp_path / "given").mkdir()
        for number, message in enumerate(messages):
            (tmp_path / "given" / f"{number:03}.eml").write_bytes(message)
        return f"eml:{tmp_path}/given"


@pytest.mark.skipif(shutil.which("procmail") is None, reason="no procmail")
@pytest.mark.parametrize("destination", ["box", "md/"])
def test_mailbox_of_procmail(messages: list[bytes], tmp_path: Path, destination: str) -> None:
    for message in messages:
        mail_programs.procmail(tmp_path, destination, message)
    got = deliveries(f"{tmp_path}/{destination}", "mboxo")
    wanted = messages
    if destination == "box":  # procmail quotes as mboxo does, and adds no empty line after one
        wanted = [re.sub(rb"(?m)^>From ", b"From ", re.sub(rb"\n\n\Z", b"\n", each)) for each in messages]
    assert [octets(each) for each in got] == wanted
    check_every_path(f"{tmp_path}/{destination}", tmp_path)


class TestPythonMailbox:
    def test_its_mbox(self, messages: list[bytes], tmp_path: Path) -> None:
        box = mailbox.mbox(tmp_path / "box")
        for number, message in enumerate(messages):
            item = mailbox.mboxMessage(message)
            item.set_flags("".join(letter for bit, letter in enumerate("ROFA") if number >> bit & 1))
            item.set_from("ann@example.org", (2024, 1, 1, 0, 0, number % 60, 0, 1, 0))
            box.add(item)
        box.close()
        letters = {"R": "S", "F": "F", "A": "R"}
        got = deliveries(f"mbox:{tmp_path}/box", "mboxo")
        assert len(got) == len(messages)
        for number, delivery in enumerate(got):
            flags = [letters.get(letter, "") for bit, letter in enumerate("ROFA") if number >> bit & 1]
            assert delivery.marks.flags == "".join(sorted("".join(flags)))
            assert delivery.date_ns == (1_704_067_200 + number % 60) * 10**9
        check_every_path(f"{tmp_path}/box", tmp_path)

    def test_its_maildir(self, messages: list[bytes], tmp_path: Path) -> None:
        box = mailbox.Maildir(tmp_path / "md")
        for number, message in enumerate(messages):
            item = mailbox.MaildirMessage()
            item.set_subdir("new" if number % 2 else "cur")
            item.set_flags("FS" if number % 3 else "")
            key = box.add(message)
            if not number % 2:
                box[key] = item
                (path,) = (tmp_path / "md" / "cur").glob(f"{key}*")
                path.write_bytes(message)
        got = deliveries(str(tmp_path / "md"))
        assert [octets(each) for each in got] == messages
        assert [each.marks.flags for each in got] == [
            "FS" if number % 3 and not number % 2 else "" for number in range(len(messages))
        ]
        check_every_path(str(tmp_path / "md"), tmp_path)

    @pytest.mark.parametrize("dest", ["mbox", "maildir"])
    def test_it_reads_ours(self, messages: list[bytes], tmp_path: Path, dest: str) -> None:
        (tmp_path / "given").mkdir()
        for number, message in enumerate(messages):
            (tmp_path / "given" / f"{number:03}.eml").write_bytes(message)
        convert(f"eml:{tmp_path}/given", f"{dest}:{tmp_path}/ours")
        make = mailbox.mbox if dest == "mbox" else mailbox.Maildir
        box: mailbox.Mailbox[mailbox.Message] = make(tmp_path / "ours", create=False)
        assert len(box) == len(messages)
        got = [bare(box.get_bytes(key)) for key in (box.keys() if dest == "mbox" else sorted(box.keys()))]
        wanted = [re.sub(rb"(?m)^(>*From )", rb">\1", each) if dest == "mbox" else each for each in messages]
        box.close()
        assert got == [bare(each) for each in wanted]
