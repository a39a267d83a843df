"""Taking messages in, with the process gone at every step: each is there once after the next run."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from blaze.core.errors import BlazeError, InputOutputError, TemporaryError, UsageError
from blaze.core.store import atomic, landing
from blaze.core.store.delivery import Delivery, of_octets
from blaze.core.store.intake import MAX_BATCH, Intake, Landed
from blaze.core.store.landing import FileLanding, Landing, MaildirLanding, MboxLanding, PackLanding, complete
from blaze.core.store.ledger import DONE, SEEN, STAGED, Ledger, Ticket, file_name
from blaze.core.store.pack.destination import PackDestination
from blaze.core.store.source import iter_entries

UIDS = ("a", "b", "c")
KINDS = ("eml", "maildir", "mbox", "pack")


class Crash(BaseException):
    """The process is gone."""


def make_landing(kind: str, folder: Path) -> Landing:
    place = folder / "there"
    if kind == "eml":
        place.mkdir(exist_ok=True)
        return FileLanding(f"{place}/%s.eml")
    return {"maildir": MaildirLanding, "mbox": MboxLanding, "pack": PackLanding}[kind](str(place))


def run(kind: str, folder: Path, uids: tuple[str, ...] = UIDS) -> list[Landed]:
    """One run of a fetch: what is not done yet comes, and all of it is made safe."""
    landed: list[Landed] = []
    with Ledger(str(folder / "state" / "ledger")) as ledger:
        destination = make_landing(kind, folder)
        try:
            intake = Intake(ledger, destination, landed.append)
            intake.recover()
            for uid in uids:
                mark = ledger.marks.get(uid)
                if mark is None or mark.state != DONE:
                    intake.add(uid, of_octets(b"Subject: %b\n\nbody\n" % uid.encode()))
            intake.flush()
        finally:
            destination.close()
    return landed


def held(kind: str, folder: Path) -> list[bytes]:
    found = []
    for entry in iter_entries([f"{kind}:{folder}/there"]):
        assert not isinstance(entry, BlazeError), str(entry)
        found.append(bytes(entry.buffer[entry.start : entry.end]))
    return sorted(found)


WHOLE = [b"Subject: %b\n\nbody\n" % uid.encode() for uid in UIDS]


@contextmanager
def crashing(at: int, patch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The process ends before step `at`; where that is a write, after half of it. Gives the steps done."""
    steps = [0]

    def counted(original: Callable[..., Any], half: Callable[..., Any] | None = None) -> Callable[..., Any]:
        def step(*args: Any, **options: Any) -> Any:
            if steps[0] >= at:
                if half and steps[0] == at:
                    half(*args)
                steps[0] += 1
                raise Crash
            steps[0] += 1
            return original(*args, **options)

        return step

    with patch.context() as patched:
        write, sync = atomic.write_all, os.fsync
        patched.setattr(
            atomic, "write_all", counted(write, lambda fd, data: write(fd, data[: len(data) // 2]))
        )
        patched.setattr(os, "fsync", counted(sync))
        for name in ("rename", "unlink", "link", "replace"):
            patched.setattr(os, name, counted(getattr(os, name)))
        yield steps


@pytest.mark.parametrize("kind", ["eml", "maildir", "mbox"])
@pytest.mark.parametrize("again", [None, 0, 1, 2, 3, 5, 8])
def test_a_run_that_ends_at_any_step_is_made_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, again: int | None
) -> None:
    for at in range(1000):
        folder = tmp_path / str(at)
        folder.mkdir()
        with crashing(at, monkeypatch):
            try:
                run(kind, folder)
                ended = True
            except Crash:
                ended = False
        _drop_lock(folder)
        if again is not None:
            with crashing(again, monkeypatch), suppress(Crash):
                run(kind, folder)
            _drop_lock(folder)
        run(kind, folder)
        assert held(kind, folder) == WHOLE, at
        assert run(kind, folder) == []
        if ended:
            assert at > 10
            return
    pytest.fail("it never ended")


def _drop_lock(folder: Path) -> None:
    """The dot-lock of a process that is gone; the process of this test is not."""
    (folder / "there.lock").unlink(missing_ok=True)


@pytest.mark.parametrize("kind", KINDS)
def test_run_takes_each_message_once(tmp_path: Path, kind: str) -> None:
    first = run(kind, tmp_path)
    assert [(one.uid, one.size) for one in first] == [(uid, 17) for uid in UIDS]
    assert run(kind, tmp_path, (*UIDS, "d"))[0].uid == "d"
    assert held(kind, tmp_path) == [*WHOLE, b"Subject: d\n\nbody\n"]


def test_a_pack_that_was_not_finished_is_fetched_again(tmp_path: Path) -> None:
    with Ledger(str(tmp_path / "state" / "ledger")) as ledger:
        ticket = PackLanding(str(tmp_path / "there")).stage("a", of_octets(WHOLE[0]))
        ledger.stage([("a", ticket)], 0)
    assert not complete(ticket)
    run("pack", tmp_path)
    assert held("pack", tmp_path) == WHOLE
    assert complete(ticket)


def test_add_flushes_full_batches(tmp_path: Path) -> None:
    landed: list[Landed] = []
    with Ledger(str(tmp_path / "ledger"), sync=False) as ledger:
        intake = Intake(ledger, MaildirLanding(str(tmp_path / "M"), sync=False), landed.append)
        for number in range(MAX_BATCH + 1):
            intake.add(str(number), of_octets(b"x"))
        assert len(landed) == MAX_BATCH
        intake.flush()
        assert len(landed) == MAX_BATCH + 1


@pytest.mark.parametrize(
    "tail", [b"", b"From", b"From x", b"whole", b"whole\nFrom other Mon Jan  1 00:00:00 2024\nSubject: o\n\n"]
)
def test_complete_an_mbox_that_was_cut(tmp_path: Path, tail: bytes) -> None:
    """What of the message is there already is known, and what of other programs came after it stays."""
    box = tmp_path / "box"
    before = b"From z Mon Jan  1 00:00:00 2024\nSubject: z\n\nbody\n\n"
    ticket = MboxLanding(str(box)).stage("a", of_octets(WHOLE[0]))
    octets = Path(ticket.staged).read_bytes()
    part = tail.replace(b"whole", octets) if b"whole" in tail else octets[: len(tail)]
    box.write_bytes(before + part)
    assert complete(ticket)
    assert box.read_bytes().count(WHOLE[0]) == 1
    assert box.read_bytes().startswith(before + octets)
    assert not os.path.exists(ticket.staged)
    assert complete(ticket)


def test_complete_many_messages_of_a_pack_reads_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = PackLanding(str(tmp_path / "p.pack"))
    tickets = [destination.stage(str(number), of_octets(b"Subject: %d\n\n" % number)) for number in range(30)]
    destination.land(tickets)
    destination.close()
    read: list[object] = []
    iter_deliveries = PackDestination.iter_deliveries

    def counted(self: PackDestination) -> Iterator[Delivery]:
        read.append(self)
        return iter_deliveries(self)

    monkeypatch.setattr(PackDestination, "iter_deliveries", counted)
    assert all(map(complete, tickets))
    assert not complete(tickets[0]._replace(staged="00" * 32))
    assert len(read) == 1


def test_complete_a_maildir_message_that_a_mail_reader_has_moved(tmp_path: Path) -> None:
    destination = MaildirLanding(str(tmp_path / "M"))
    ticket = destination.stage("a", of_octets(b"x"))
    destination.land([ticket])
    os.rename(ticket.target, f"{tmp_path}/M/cur/{os.path.basename(ticket.target)}:2,S")
    assert complete(ticket)
    os.unlink(f"{tmp_path}/M/cur/{os.path.basename(ticket.target)}:2,S")
    assert not complete(ticket)


def test_land_leaves_a_file_alone_that_appeared_meanwhile(tmp_path: Path) -> None:
    destination = FileLanding(f"{tmp_path}/%s.eml")
    ticket = destination.stage("a", of_octets(b"mine"))
    (tmp_path / "a.eml").write_bytes(b"theirs")
    assert destination.land([ticket]) == [f"{tmp_path}/a-2.eml"]
    assert (tmp_path / "a.eml").read_bytes() == b"theirs"


def test_stage_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "a.eml").symlink_to(tmp_path / "elsewhere")
    destination = FileLanding(f"{tmp_path}/%s.eml")
    assert destination.land([destination.stage("a", of_octets(b"x"))]) == [f"{tmp_path}/a-2.eml"]
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("format_", ["x", "%s%s", "%d", "%%s", "%s/x", "x%", "a\0%s"])
def test_file_landing_refuses_what_is_no_format(format_: str) -> None:
    with pytest.raises(UsageError):
        FileLanding(format_)


def test_complete_what_no_version_knows_is_fetched_again() -> None:
    assert not complete(Ticket("cloud", "x", "y"))


def test_stage_into_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(landing.atomic, "write_all", full)
    with pytest.raises(InputOutputError, match="No space"):
        FileLanding(f"{tmp_path}/%s.eml").stage("a", of_octets(b"x"))
    assert not list(tmp_path.iterdir())


def test_mbox_is_cut_back_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or else the half message would swallow what another program delivers next."""
    box = tmp_path / "box"
    before = b"From z Mon Jan  1 00:00:00 2024\nSubject: z\n\nbody\n"
    box.write_bytes(before)
    destination = MboxLanding(str(box))
    tickets = [destination.stage(uid, of_octets(octets)) for uid, octets in zip("ab", WHOLE, strict=False)]
    write_all = landing.atomic.write_all

    def full(fd: int, octets: bytes) -> int:
        write_all(fd, octets[:10])
        if len(octets) > 10:
            raise OSError(28, "No space left on device")
        return len(octets)

    monkeypatch.setattr(landing.atomic, "write_all", full)
    with pytest.raises(InputOutputError, match="No space"):
        destination.land(tickets)
    assert box.read_bytes() == before
    with pytest.raises(InputOutputError, match="No space"):
        complete(tickets[0])
    assert box.read_bytes() == before
    monkeypatch.undo()
    assert all(map(complete, tickets))
    assert [box.read_bytes().count(octets) for octets in WHOLE[:2]] == [1, 1]


# The ledger


def test_ledger_reads_back_what_was_noted(tmp_path: Path) -> None:
    path = str(tmp_path / "state" / "ledger")
    ticket = Ticket("file", "/a/\udcff", "/a/.t")
    with Ledger(path) as ledger:
        ledger.stage([("a", ticket), ("b", ticket)], 1)
        ledger.finish(["b"], 2)
        ledger.see(["\udcff/ü\n"], 3)
        ledger.set_value("tip", "1")
        ledger.set_value("tip", "2")
    with Ledger(path) as ledger:
        assert {uid: (mark.state, mark.time) for uid, mark in ledger.marks.items()} == {
            "a": (STAGED, 1),
            "b": (DONE, 2),
            "\udcff/ü\n": (SEEN, 3),
        }
        assert ledger.marks["a"].ticket == ticket
        assert ledger.value("tip") == "2"
        ledger.forget(["a", "never"])
    with Ledger(path) as ledger:
        assert set(ledger.marks) == {"b", "\udcff/ü\n"}
        assert ledger.value("tip") == "2"
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_ledger_passes_over_a_torn_or_strange_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    good = json.dumps({"uid": "a", "state": DONE, "time": 1}).encode()
    strange = [b"[]", b"{", b"\xff", b'{"uid": 1}', b'{"uid": "x", "state": "?", "time": 1}', b"[" * 5000]
    path.write_bytes(b"\n".join([good, *strange]) + b"\n" + good.replace(b'"a"', b'"b"')[:-5])
    with Ledger(str(path)) as ledger:
        assert set(ledger.marks) == {"a"}
        ledger.finish(["c"], 1)
    with Ledger(str(path)) as ledger:
        assert set(ledger.marks) == {"a", "c"}


def test_ledger_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    with Ledger(str(path), sync=False) as ledger:
        for number in range(5000):
            ledger.finish(["a"], number)
        ledger.forget([])
        ledger.finish(["b"], 1)
    assert path.read_bytes().count(b"\n") == 2


def test_ledger_is_open_once(tmp_path: Path) -> None:
    path = str(tmp_path / "ledger")
    with Ledger(path), pytest.raises(TemporaryError, match="another process"), Ledger(path):
        pass
    with Ledger(path):
        pass


def test_file_name_is_one_for_each_place() -> None:
    places = [
        "pop3://a@h:110",
        "pop3://a@h:995",
        "pop3://A@h:110",
        "pop3://a/../b@h:110",
        "x" * 500,
        "../..",
        "\udcff",
    ]
    names = [file_name(place) for place in places]
    assert len(set(names)) == len(names)
    assert all("/" not in name and not name.startswith(".") and len(name) < 130 for name in names)


def test_mbox_in_a_folder_that_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As /var/mail: the mbox may be written, nothing may be made beside it."""
    spool, state = tmp_path / "spool", tmp_path / "state"
    spool.mkdir()
    state.mkdir()
    box = spool / "ann"
    box.write_bytes(b"")
    spool.chmod(0o555)
    monkeypatch.setattr(os, "access", lambda path, _mode: path != str(spool))  # root may do anything
    try:
        destination = MboxLanding(str(box), staging=str(state))
        tickets = [destination.stage("", of_octets(whole)) for whole in WHOLE[:2]]
        destination.secure()
        assert {os.path.dirname(ticket.staged) for ticket in tickets} == {str(state)}
        assert destination.land(tickets[:1]) == [str(box)]
        assert complete(tickets[1])  # as after a run that was killed
    finally:
        spool.chmod(0o755)
    assert all(whole in box.read_bytes() for whole in WHOLE[:2])
    assert os.listdir(state) == []
