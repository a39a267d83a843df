"""Indexing with several processes: the same index as with one, and what happens when a process ends."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from blaze.core.errors import InputOutputError
from blaze.core.search import update as updating
from blaze.core.search.documents import DocumentReader
from blaze.core.search.update import update
from blaze.core.search.workers import SLOT, Workers

TEXTS = ["running late", "he runs", "> quoted cats", "東京都の猫", "étude in C", "les trains sont en retard"]


def message(number: int, text: str = "") -> bytes:
    words = text or f"{TEXTS[number % len(TEXTS)]} word{number} {number % 7}"
    return (
        f"From: Author {number} <a{number}@example.org>\nSubject: number {number}\n"
        f"Message-ID: <{number}@example.org>\n\n{words}\n"
    ).encode()


def write_mbox(path: Path, messages: list[bytes]) -> None:
    path.write_bytes(b"".join(b"From a@b Thu Jan  1 00:00:00 2026\n" + octets + b"\n" for octets in messages))


def content_of(index: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of the tables, and where every word stands."""
    tables = {
        "source": "path",
        "message": "id",
        "text": "id",
        "stem": "stem, word",
        "language": "name",
    }
    with closing(sqlite3.connect(index)) as connection, connection:
        found = {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()
            for table, order in tables.items()
        }
        connection.execute("CREATE VIRTUAL TABLE temp.seen_words USING fts5vocab(main, words, instance)")
        rows = connection.execute('SELECT term, doc, col, "offset" FROM seen_words ORDER BY 1, 2, 3, 4')
        found["words"] = rows.fetchall()
        connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    return found


def test_the_index_does_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    mbox = tmp_path / "x.mbox"
    messages = [message(number) for number in range(700)]
    messages[300:300] = [message(9_001, "large " * (SLOT // 5)), message(9_002, "little")]
    messages += messages[:10]
    write_mbox(mbox, messages)
    for jobs in (1, 3):
        assert update(str(mbox), str(tmp_path / f"i{jobs}"), jobs=jobs).added == len(messages)
    assert content_of(tmp_path / "i1") == content_of(tmp_path / "i3")
    changed = [message(1_000 + number) for number in range(400)] + messages[100:] + messages[50:60]
    write_mbox(mbox, changed)
    reports = [update(str(mbox), str(tmp_path / f"i{jobs}"), jobs=jobs) for jobs in (1, 3)]
    assert reports[0] == reports[1]
    assert reports[0].added and reports[0].removed and reports[0].changed
    assert content_of(tmp_path / "i1") == content_of(tmp_path / "i3")


def test_a_key_that_comes_twice_is_settled_before_it_is_read(tmp_path: Path) -> None:
    maildir = tmp_path / "m"
    for name in ("cur", "new", "tmp"):
        (maildir / name).mkdir(parents=True)
    for number in range(300):
        (maildir / "cur" / f"{number}:2,S").write_bytes(message(number))
    (maildir / "new" / "299").write_bytes(message(299))
    reports = [update(str(maildir), str(tmp_path / f"i{jobs}"), jobs=jobs) for jobs in (1, 2)]
    assert reports[0] == reports[1]
    assert reports[0].added == 300
    assert content_of(tmp_path / "i1") == content_of(tmp_path / "i2")


def test_few_messages_are_read_in_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(updating, "Workers", refuse)
    write_mbox(tmp_path / "few", [message(number) for number in range(100)])
    assert update(str(tmp_path / "few"), str(tmp_path / "i"), jobs=4).added == 100
    write_mbox(tmp_path / "many", [message(number) for number in range(500)])
    with pytest.raises(AssertionError, match="process"):
        update(str(tmp_path / "many"), str(tmp_path / "i"), jobs=4)


def test_workers_give_documents_in_the_order_of_the_messages() -> None:
    workers = Workers(2)
    try:
        expected = []
        taken = []
        for number in range(20):
            octets = [message(number * 10 + place) for place in range(3)]
            expected += octets
            if workers.are_busy:
                taken += workers.take()
            workers.give(octets)
        while len(taken) < len(expected):
            taken += workers.take()
        reader = DocumentReader()
        own = [reader.read(octets, 0, len(octets)) for octets in expected]
        assert [document[:-1] for document in taken] == [document[:-1] for document in own]
        stems = {pair for document in taken for pair in document.stems}
        assert stems == {pair for document in own for pair in document.stems}
    finally:
        workers.end()


def test_large_results_of_many_messages_do_not_block() -> None:
    texts = [message(number, " ".join(f"w{number}x{n}" for n in range(60_000))) for number in range(12)]
    workers = Workers(2)
    try:
        taken = []
        for octets in texts:
            if workers.are_busy:
                taken += workers.take()
            workers.give([octets])
        while len(taken) < len(texts):
            taken += workers.take()
        assert [document.message_id for document in taken] == [f"{n}@example.org" for n in range(12)]
    finally:
        workers.end()


def test_a_worker_that_is_killed_is_told_and_the_next_run_completes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_mbox(tmp_path / "x", [message(number) for number in range(2_000)])
    index = tmp_path / "i"
    started: list[Workers] = []

    def start(number: int) -> Workers:
        started.append(Workers(number))
        return started[-1]

    def kill(_: int) -> None:
        if started and started[0]._workers:
            os.kill(started[0]._workers[0].process, signal.SIGKILL)

    monkeypatch.setattr(updating, "Workers", start)
    monkeypatch.setattr(updating, "BATCH", 200)
    with pytest.raises(InputOutputError, match="signal 9") as told:
        update(str(tmp_path / "x"), str(index), jobs=2, progress=kill)
    assert told.value.hint is not None
    assert "--jobs 1" in told.value.hint
    with closing(sqlite3.connect(index)) as connection, connection:
        (kept,) = connection.execute("SELECT count(*) FROM message").fetchone()
    assert 200 <= kept < 2_000
    assert update(str(tmp_path / "x"), str(index), jobs=2).unchanged == kept
    update(str(tmp_path / "x"), str(tmp_path / "whole"))
    assert content_of(index) == content_of(tmp_path / "whole")


def test_a_fault_in_a_worker_is_raised_in_the_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(DocumentReader, "read", fail)
    workers = Workers(1)
    try:
        workers.give([message(1)])
        with pytest.raises(RuntimeError, match="on purpose"):
            workers.take()
    finally:
        workers.end()


def start_index(source: Path, index: Path) -> "subprocess.Popen[bytes]":
    """The command in a group of processes of its own, when those that read have been started."""
    command = [sys.executable, "-m", "blaze", "index", "-j", "2", "--index", str(index), str(source)]
    process = subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        if index.exists() and number_of_members(process.pid) > 2:
            return process
        time.sleep(0.01)
    raise AssertionError("the command never started its processes")


def number_of_members(group: int) -> int:
    listed = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, check=True, text=True)
    rows = [line.split() for line in listed.stdout.splitlines()]
    return sum(1 for pgid, state in rows if int(pgid) == group and not state.startswith("Z"))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_processes_end_with_the_one_that_started_them(how: signal.Signals, tmp_path: Path) -> None:
    source, index = tmp_path / "x", tmp_path / "i"
    text = " ".join(f"word{number}" for number in range(400))
    write_mbox(source, [message(number, text) for number in range(4_000)])
    process = start_index(source, index)
    try:
        if how == signal.SIGINT:
            os.killpg(process.pid, how)  # as a terminal does it
        else:
            process.send_signal(how)
        _, said = process.communicate(timeout=30)
        assert process.returncode == (130 if how == signal.SIGINT else -how)
        assert not said.strip()  # but for the newline after the ^C
        until = time.monotonic() + 10
        while number_of_members(process.pid) and time.monotonic() < until:
            time.sleep(0.01)
        assert number_of_members(process.pid) == 0
        report = update(str(source), str(index), jobs=2)  # nobody holds the lock
        assert report.added + report.unchanged == 4_000
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_without_processes_all_is_read_in_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    with pytest.raises(InputOutputError, match="cannot start a process"):
        Workers(2)
    write_mbox(tmp_path / "x", [message(number) for number in range(500)])
    files = len(os.listdir("/dev/fd"))
    assert update(str(tmp_path / "x"), str(tmp_path / "i"), jobs=2).added == 500
    assert len(os.listdir("/dev/fd")) == files


def test_workers_do_not_need_a_list_of_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> list[str]:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(os, "listdir", refuse)
    workers = Workers(2)
    try:
        workers.give([message(1)])
        workers.give([message(2)])
        assert [document.subject for document in workers.take() + workers.take()] == ["number 1", "number 2"]
    finally:
        workers.end()
