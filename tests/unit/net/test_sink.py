"""Where messages go: names, envelopes, failures that leave nothing behind, bodies that spill."""

import json
import os
import resource
import stat
import time
import tracemalloc
from pathlib import Path

import pytest

from blaze.core.errors import (
    BlazeError,
    CannotCreateError,
    ConfigurationError,
    InputOutputError,
    NoInputError,
    UsageError,
)
from blaze.core.net import sink
from blaze.core.net.accounts import is_readable_by_others, read_users
from blaze.core.net.arrival import SPILL, Arrival, Body, Nowhere, rfc3339
from blaze.core.net.drafts import Draft
from blaze.core.net.sessionlog import LINE_OVERHEAD, MAX_KEPT, MAX_OPENING, SessionLog, text_of
from blaze.core.smtp import Reply
from blaze.core.smtp.commands import Ehlo, Mail, Noop, Rcpt
from blaze.core.smtp.events import BadRequest, Request
from blaze.core.smtp.grammar import Parameters
from blaze.core.smtp.server import Transaction
from blaze.core.store import source

SMALL = b"Subject: x\r\n\r\nFrom here\r\n"
LARGE = SMALL + b"y" * (2 * SPILL) + b"\r\n"
OK = Reply(250, "OK", "2.0.0")


def arrival(body: Body, octets: bytes = SMALL, sender: str = "a@b") -> Arrival:
    for at in range(0, len(octets), 10_000):
        body.write(octets[at : at + 10_000])
    transaction = Transaction(Mail(sender, Parameters({"BODY": "8BITMIME", "SMTPUTF8": None})))
    transaction.recipients += [Rcpt("c@d"), Rcpt("e@f", Parameters({"NOTIFY": "NEVER"}))]
    log = SessionLog(None)
    log.client(b"MAIL FROM:<\xff@b>", Request(transaction.recipients[0], OK))
    return Arrival(
        session="s-1",
        client=("127.0.0.1", 5),
        hello=Ehlo("client"),
        tls=None,
        identity=None,
        transaction=transaction,
        body=body,
        time=time.time(),
        transcript=log.take(OK),
    )


@pytest.mark.parametrize("octets", [b"", SMALL, LARGE], ids=["empty", "small", "large"])
@pytest.mark.parametrize("sync", [True, False])
def test_folder_keeps_octets_and_envelope(tmp_path: Path, octets: bytes, sync: bool) -> None:
    folder = sink.FolderSink(f"{tmp_path}/new/box/", sync=sync)
    [path] = folder.store([arrival(folder.open(), octets)])
    assert isinstance(path, str)
    assert Path(path).read_bytes() == octets
    envelope = json.loads(Path(path).with_suffix(".json").read_text("utf-8"))
    assert envelope["to"] == ["c@d", "e@f"]
    assert envelope["size"] == len(octets)
    assert envelope["hello"] == {"verb": "EHLO", "name": "client"}
    assert envelope["rcpt_parameters"] == [{}, {"NOTIFY": "NEVER"}]
    assert envelope["transcript"][0]["text"] == "MAIL FROM:<\udcff@b>"
    assert len(os.listdir(tmp_path / "new" / "box")) == 2


def test_folder_names_sort_in_the_order_of_arrival(tmp_path: Path) -> None:
    folder = sink.FolderSink(str(tmp_path), sync=False)
    paths = folder.store([arrival(folder.open(), b"%d\r\n" % n) for n in range(20)])
    assert paths == sorted(paths)  # type: ignore[type-var]
    assert len(set(paths)) == 20


def test_two_runs_in_one_folder_do_not_meet(tmp_path: Path) -> None:
    first, second = (sink.FolderSink(str(tmp_path), sync=False) for _ in range(2))
    assert first.store([arrival(first.open())]) != second.store([arrival(second.open())])
    assert len(list(tmp_path.glob("*.eml"))) == 2


@pytest.mark.parametrize("octets", [SMALL, LARGE], ids=["small", "large"])
def test_folder_that_is_gone_is_reported(tmp_path: Path, octets: bytes) -> None:
    folder = sink.FolderSink(f"{tmp_path}/box", sync=False)
    (tmp_path / "box").rmdir()
    body = folder.open()
    message = arrival(body, octets)
    if body.failure:
        assert octets is LARGE
        return
    [error] = folder.store([message])
    assert isinstance(error, InputOutputError)
    assert "no such file" in error.what


def test_folder_leaves_nothing_of_a_message_it_cannot_name(tmp_path: Path) -> None:
    folder = sink.FolderSink(str(tmp_path), format="x" * 300 + "%s.eml", sync=False)
    [error] = folder.store([arrival(folder.open())])
    assert isinstance(error, InputOutputError)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["", "a.eml", "%s/x", "%s%s", "%d", "%%s", "a\0%s"])
def test_folder_refuses_a_bad_format(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        sink.FolderSink(str(tmp_path), format=name)


@pytest.mark.parametrize(
    ("path", "beside"),
    [("a.eml", "a.json"), ("a", "a.json"), ("a.txt", "a.txt.json"), ("x.y/a.json", "x.y/a.json.json")],
)
def test_envelope_path(path: str, beside: str) -> None:
    assert sink.envelope_path(path) == beside


def test_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "one.eml"
    first = sink.FileSink(str(path), sync=False)
    path.write_bytes(b"mine")
    [error] = first.store([arrival(first.open())])
    assert isinstance(error, InputOutputError)
    assert path.read_bytes() == b"mine"
    assert os.listdir(tmp_path) == ["one.eml"]
    with pytest.raises(CannotCreateError):
        sink.FileSink(str(path))
    forced = sink.FileSink(str(path), force=True)
    assert forced.store([arrival(forced.open())]) == [str(path)]
    assert path.read_bytes() == SMALL


def test_file_refuses_an_envelope_that_exists(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_bytes(b"{}")
    with pytest.raises(CannotCreateError):
        sink.FileSink(f"{tmp_path}/one.eml")


@pytest.mark.parametrize("octets", [b"", SMALL, LARGE], ids=["empty", "small", "large"])
@pytest.mark.parametrize("kind", ["maildir", "mbox"])
def test_store_gives_messages_back(tmp_path: Path, kind: str, octets: bytes) -> None:
    path = f"{tmp_path}/store"
    box = sink.MaildirSink(path, sync=False) if kind == "maildir" else sink.MboxSink(path, sync=True)
    names = box.store([arrival(box.open(), octets), arrival(box.open(), SMALL)])
    names += box.store([arrival(box.open(), SMALL, sender="")])
    box.close()
    found = list(source.iter_entries([f"{kind}:{path}"]))
    kept = [bytes(one.buffer[one.start : one.end]) for one in found]  # type: ignore[union-attr]
    assert kept == [octets, SMALL, SMALL]
    lines = [json.loads(line) for line in Path(f"{path}.jsonl").read_text("utf-8").splitlines()]
    assert [line["path"] for line in lines] == names
    if kind == "mbox":
        assert names == [f"{path}#{n}" for n in (1, 2, 3)]


def test_mbox_that_cannot_be_opened_fails_every_message(tmp_path: Path) -> None:
    path = tmp_path / "box"
    box = sink.MboxSink(str(path))
    path.unlink()
    path.mkdir()
    outcomes = box.store([arrival(box.open()), arrival(box.open())])
    assert all(isinstance(outcome, BlazeError) for outcome in outcomes)
    assert (tmp_path / "box.jsonl").read_bytes() == b""
    box.close()


def test_envelopes_torn_by_a_crash_are_cut_off(tmp_path: Path) -> None:
    (tmp_path / "md.jsonl").write_bytes(b'{"a": 1}\n{"torn')
    box = sink.MaildirSink(f"{tmp_path}/md", sync=False)
    box.store([arrival(box.open())])
    box.close()
    lines = (tmp_path / "md.jsonl").read_text().splitlines()
    assert json.loads(lines[0]) == {"a": 1}
    assert json.loads(lines[1])["from"] == "a@b"


@pytest.mark.parametrize("kind", ["maildir", "mbox"])
def test_a_message_whose_envelope_does_not_fit_is_not_stored(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "box"
    box = sink.MaildirSink(str(path)) if kind == "maildir" else sink.MboxSink(str(path))
    lines = path.with_name("box.jsonl")
    first = box.store([arrival(box.open()) for _ in range(5)])
    envelopes = lines.read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(envelopes) + 100, before[1]))
    try:
        failed = box.store([arrival(box.open()), arrival(box.open())])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [type(outcome) for outcome in failed] == [InputOutputError] * 2
    assert lines.read_bytes() == envelopes
    [last] = box.store([arrival(box.open())])
    box.close()
    assert [json.loads(line)["path"] for line in lines.read_bytes().splitlines()] == [*first, last]
    assert len(list(source.iter_entries([str(path)]))) == 6
    if kind == "mbox":
        assert last == f"{path}#6"


def test_mbox_takes_back_the_envelopes_of_messages_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "box"
    box = sink.MboxSink(str(path))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SPILL, before[1]))
    try:
        [failed] = box.store([arrival(box.open(), SMALL + b"y" * (SPILL - len(SMALL)))])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    box.close()
    assert isinstance(failed, InputOutputError)
    assert path.read_bytes() == path.with_name("box.jsonl").read_bytes() == b""


def test_file_makes_no_folder(tmp_path: Path) -> None:
    with pytest.raises(CannotCreateError, match="no such file or directory"):
        sink.FileSink(f"{tmp_path}/none/m.eml")
    assert os.listdir(tmp_path) == []


def test_stream_writes_head_and_message() -> None:
    written: list[bytes] = []
    stream = sink.StreamSink(written.append, lambda one: b"<%s>" % one.session.encode())
    assert stream.store([arrival(stream.open(), LARGE)]) == [None]
    assert b"".join(written) == b"<s-1>" + LARGE


def test_nowhere_counts() -> None:
    body = sink.NoSink().open()
    body.write(b"xyz" * SPILL)
    assert isinstance(body, Nowhere)
    assert body.size == 3 * SPILL
    assert body.octets() == b""


def test_body_remembers_that_the_disk_is_full() -> None:
    body = Body(lambda: Draft(os.open("/dev/full", os.O_RDWR)))
    for _ in range(10):
        body.write(b"x" * SPILL)
    assert body.failure
    assert body.size == 10 * SPILL
    body.discard()
    assert body.file is None


def test_body_that_trickles_costs_little_more_than_its_octets() -> None:
    body = Body(lambda: Draft(-1))
    tracemalloc.start()
    try:
        for number in range(SPILL // 2):
            body.write(b"%02x" % (number % 256))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert body.size == SPILL
    assert peak < 4 * SPILL
    assert body.octets()[:6] == b"000102"


def test_body_removes_its_file(tmp_path: Path) -> None:
    folder = sink.FolderSink(str(tmp_path))
    body = folder.open()
    body.write(LARGE)
    assert body.file
    fd = body.file.fd
    body.discard()
    assert os.listdir(tmp_path) == []
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def _texts(log: SessionLog) -> list[str]:
    return [text_of(said) for _, _, said in log.take(OK)]


def test_log_masks_log_ins() -> None:
    log = SessionLog(None)
    bad = Reply(500, "Command not recognized", "5.5.1")
    log.client(b"auth plain c2VjcmV0", BadRequest(b"", bad))
    log.client(b"c2VjcmV0", BadRequest(b"", bad))
    log.secret(b"AUTH LOGIN c2VjcmV0")
    log.secret(b"c2VjcmV0")
    assert _texts(log) == ["AUTH plain ****", "****", "AUTH LOGIN ****", "****", "250 2.0.0 OK"]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"AUTH\tPLAIN\tc2VjcmV0", "AUTH PLAIN ****"),
        (b" AUTH  PLAIN c2VjcmV0 c2VjcmV0", "AUTH PLAIN ****"),
        (b"AUTH=PLAIN c2VjcmV0", "AUTH ****"),
        (b"AUTHPLAIN c2VjcmV0", "AUTH ****"),
        (b"AUTH PLAIN\0c2VjcmV0", "AUTH ****"),
        (b"AUTH", "AUTH"),
        (b"AUTH PLAIN", "AUTH PLAIN"),
    ],
)
def test_log_masks_log_ins_that_are_malformed(line: bytes, shown: str) -> None:
    log = SessionLog(None)
    log.client(line, BadRequest(b"", Reply(500, "Command not recognized", "5.5.1")))
    assert _texts(log) == [shown, "250 2.0.0 OK"]


@pytest.mark.parametrize("line", [b"NOOP " + b"x" * 500, b"NOOP"], ids=["long lines", "short lines"])
@pytest.mark.parametrize(("begun", "limit"), [(b"", MAX_OPENING), (b"MAIL FROM:<a@b>", MAX_KEPT)])
def test_log_is_bounded(begun: bytes, limit: int, line: bytes) -> None:
    log = SessionLog(None)
    if begun:
        log.client(begun, Request(Noop(), OK))
    for _ in range(100_000):
        log.client(line, Request(Noop(), OK))
    texts = _texts(log)
    assert limit // 10 < sum(map(len, texts)) + LINE_OVERHEAD * len(texts) < 2 * limit
    assert texts[-1].endswith("lines left out")


def test_log_repeats_the_opening_alone() -> None:
    log = SessionLog(None)
    log.client(b"EHLO x", Request(Noop(), OK))
    for _ in range(3):
        log.client(b"MAIL FROM:<a@b>", Request(Noop(), OK))
        texts = _texts(log)
        log.verdict(OK)
    assert texts == ["EHLO x", "MAIL FROM:<a@b>", "250 2.0.0 OK"]


def test_rfc3339() -> None:
    assert rfc3339(1700000000.0) == "2023-11-14T22:13:20.000Z"
    assert rfc3339(1700000000.9996) == "2023-11-14T22:13:20.999Z"


def test_read_users_reads_a_file(tmp_path: Path) -> None:
    path = tmp_path / "users"
    path.write_text("# c\n\nuser:pass:word\r\nüser:pä\n", encoding="utf-8")
    users = read_users(str(path))
    assert users.check_password("user", "pass:word")
    assert users.check_token("üser", "pä")
    assert not users.check_password("user", "")
    assert not users.check_password("nobody", "")
    assert users.password("nobody") is None
    assert not users.check_external("user")


@pytest.mark.parametrize("line", ["user", "user:", ":word", "us\x00er:x"])
def test_read_users_says_which_line_is_wrong(tmp_path: Path, line: str) -> None:
    path = tmp_path / "users"
    path.write_text(f"a:b\n{line}\n")
    with pytest.raises(ConfigurationError) as error:
        read_users(str(path))
    assert error.value.where == f"{path}:2"


def test_read_users_needs_a_file(tmp_path: Path) -> None:
    with pytest.raises(NoInputError):
        read_users(f"{tmp_path}/none")


def test_is_readable_by_others(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.touch(0o600)
    assert not is_readable_by_others(str(path))
    path.chmod(stat.S_IMODE(0o640))
    assert is_readable_by_others(str(path))
