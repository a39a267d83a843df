"""The index: kept up to date, whole under a kill, and equal to the predicate on single messages."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from blaze.core.errors import CannotCreateError, DataError, NoInputError, TemporaryError
from blaze.core.query import parse
from blaze.core.query.match import facts_of, matches
from blaze.core.query.terms import COLUMNS
from blaze.core.search import database
from blaze.core.search.find import Order, Search
from blaze.core.search.letters import iter_indexed_letters
from blaze.core.search.update import update
from blaze.core.store.source import read_message


def message(number: int, text: str = "hello", **fields: str) -> bytes:
    head = {
        "From": f"Author {number} <a{number}@example.org>",
        "Subject": f"number {number}",
        "Date": f"Mon, {1 + number % 28} Jan 2024 12:00:00 +0000",
        "Message-ID": f"<{number}@example.org>",
        **{name.replace("_", "-"): value for name, value in fields.items()},
    }
    return "".join(f"{name}: {value}\n" for name, value in head.items()).encode() + f"\n{text}\n".encode()


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for name in ("cur", "new", "tmp"):
        (tmp_path / "m" / name).mkdir(parents=True)
    return tmp_path / "m"


def put(maildir: Path, name: str, octets: bytes, flags: str = "S") -> Path:
    path = maildir / "cur" / f"{name}:2,{flags}"
    path.write_bytes(octets)
    return path


def found(index: str, query: str, order: Order = "oldest") -> list[str]:
    with database.open_for_reading(index) as connection:
        search = Search(connection, parse(query))
        hits = [hit.message_id.partition("@")[0] for hit in search.iter_hits(order)]
        assert search.count() == len(hits)
        assert len(set(search.iter_ids())) == len(hits)
    return hits


def test_update_follows_a_maildir(maildir: Path, tmp_path: Path) -> None:
    index = str(tmp_path / "i")
    first = put(maildir, "1", message(1, "apples"))
    put(maildir, "2", message(2, "pears"))
    assert update(str(maildir), index).added == 2
    again = update(str(maildir), index)
    assert (again.added, again.unchanged, again.removed, again.changed) == (0, 2, 0, 0)
    put(maildir, "3", message(3, "an apple a day"))
    first.rename(maildir / "cur" / "1:2,FS")
    os.unlink(maildir / "cur" / "2:2,S")
    report = update(str(maildir), index)
    assert (report.added, report.changed, report.removed, report.unchanged) == (1, 1, 1, 0)
    assert found(index, "apple") == ["1", "3"]
    assert found(index, "pear") == []
    assert found(index, "is:flagged") == ["1"]
    with database.open_for_reading(index) as connection:
        assert next(Search(connection, parse("mid:1@example.org")).iter_hits()).path.endswith("/1:2,FS")


def settle(*paths: Path) -> None:
    """Make files look as if they had not changed for a while."""
    for path in paths:
        status = path.stat()
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns - 10**10))


@pytest.mark.parametrize("kind", ["maildir", "eml"])
def test_update_opens_no_file_that_is_as_it_was(
    kind: str, maildir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = str(tmp_path / "i")
    if kind == "maildir":
        paths = [put(maildir, str(number), message(number)) for number in range(4)]
    else:
        paths = [maildir / f"{number}.eml" for number in range(4)]
        for number, path in enumerate(paths):
            path.write_bytes(message(number))
    settle(*paths)
    opened: list[str] = []
    open_file = os.open

    def watch(path: str, *args: int, **options: int) -> int:
        if str(path).startswith(f"{maildir}/"):
            opened.append(os.path.basename(path))
        return open_file(path, *args, **options)

    source = f"{kind}:{maildir}"
    assert update(source, index).added == 4
    monkeypatch.setattr(os, "open", watch)
    assert update(source, index).unchanged == 4
    assert not [name for name in opened if name[0].isdigit()]
    paths[0].write_bytes(message(7))  # of the same size
    settle(paths[0])
    with paths[1].open("ab") as file:
        file.write(b"more\n")
    settle(paths[1])
    os.unlink(paths[2])
    report = update(source, index)
    assert (report.added, report.removed, report.unchanged, report.changed) == (2, 3, 1, 0)
    assert sorted(name[0] for name in opened if name[0].isdigit()) == ["0", "1"]
    assert found(index, "") == ["1", "3", "7"]


def test_update_notices_new_flags_without_opening_the_file(
    maildir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = str(tmp_path / "i")
    first = put(maildir, "1", message(1))
    second = put(maildir, "2", message(2))
    settle(first, second)
    update(str(maildir), index)
    first.rename(maildir / "cur" / "1:2,FS")
    second.rename(maildir / "new" / "2")
    with monkeypatch.context() as patch:
        patch.setattr("blaze.core.store.atomic.read_file", None)
        report = update(str(maildir), index)
        assert (report.changed, report.unchanged) == (2, 0)
        assert update(str(maildir), index).unchanged == 2
    assert found(index, "is:flagged") == ["1"]
    assert found(index, "is:unread") == ["2"]
    assert found(index, "hello") == ["1", "2"]


def test_update_reads_a_file_again_that_has_just_changed(maildir: Path, tmp_path: Path) -> None:
    """Its time may not tell a further change from the last one."""
    index = str(tmp_path / "i")
    path = put(maildir, "1", message(1, "apples"))
    update(str(maildir), index)
    status = path.stat()
    with path.open("r+b") as file:
        file.write(message(1, "orange"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    report = update(str(maildir), index)
    assert (report.added, report.removed) == (1, 1)
    assert found(index, "orange") == ["1"]


def test_update_takes_words_out_of_the_ranking_too(maildir: Path, tmp_path: Path) -> None:
    index = str(tmp_path / "i")
    path = put(maildir, "1", message(1, "zebra élan 東京都"))
    put(maildir, "2", message(2))
    update(str(maildir), index)
    path.unlink()
    update(str(maildir), index)
    with database.open_for_reading(index) as connection:
        for word in ("zebra", "elan", "東京"):
            rows = connection.execute("SELECT count(*) FROM words WHERE words MATCH ?", (f'"{word}"',))
            assert rows.fetchone() == (0,)
    with closing(sqlite3.connect(index)) as writer, writer:
        writer.execute("INSERT INTO words (words) VALUES ('integrity-check')")


def test_update_finds_messages_of_an_mbox_again_where_others_are_gone(tmp_path: Path) -> None:
    mbox, index = tmp_path / "x.mbox", str(tmp_path / "i")

    def write(*numbers: int) -> None:
        mbox.write_bytes(
            b"".join(b"From a@b Thu Jan  1 00:00:00 2026\n" + message(number) + b"\n" for number in numbers)
        )

    write(1, 2, 3, 3)
    assert update(str(mbox), index).added == 4
    assert update(str(mbox), index).unchanged == 4
    write(2, 3, 3, 4)
    report = update(str(mbox), index)
    assert (report.added, report.removed) == (1, 1)
    with database.open_for_reading(index) as connection:
        names = {(hit.name, hit.message_id) for hit in Search(connection, parse("")).iter_hits("oldest")}
    assert names == {
        (f"{mbox}#{ordinal}", f"{number}@example.org") for ordinal, number in enumerate((2, 3, 3, 4), 1)
    }


def test_one_index_serves_several_sources(maildir: Path, tmp_path: Path) -> None:
    index = str(tmp_path / "i")
    put(maildir, "1", message(1))
    single = tmp_path / "2.eml"
    single.write_bytes(message(2))
    update(str(maildir), index)
    update(str(single), index)
    assert found(index, "hello") == ["1", "2"]
    with database.open_for_reading(index) as connection:
        search = Search(connection, parse("hello"), source=str(single))
        assert [hit.name for hit in search.iter_hits()] == [str(single)]


def test_update_takes_nothing_out_while_something_cannot_be_read(tmp_path: Path) -> None:
    folder, index = tmp_path / "f", str(tmp_path / "i")
    folder.mkdir()
    for number in (1, 2):
        (folder / f"{number}.eml").write_bytes(message(number))
    update(str(folder), index)
    (folder / "1.eml").unlink()
    (folder / "1.eml").symlink_to("nowhere")
    report = update(str(folder), index)
    assert len(report.faults) == 1
    assert found(index, "hello") == ["1", "2"]


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(NoInputError), database.open_for_reading(str(tmp_path / "none")):
        pass
    with pytest.raises(NoInputError):
        update(str(tmp_path / "none.mbox"), str(tmp_path / "i"))
    assert not (tmp_path / "i").exists()
    (tmp_path / "text").write_bytes(b"This is no database, and never was one." * 200)
    with pytest.raises(DataError), database.open_for_reading(str(tmp_path / "text")):
        pass
    with closing(sqlite3.connect(tmp_path / "other")) as other, other:
        other.execute("CREATE TABLE mine (x)")
    with pytest.raises(DataError), database.open_for_writing(str(tmp_path / "other")):
        pass


def test_a_second_writer_is_told_to_wait(maildir: Path, tmp_path: Path) -> None:
    index = str(tmp_path / "i")
    with database.open_for_writing(index), pytest.raises(TemporaryError):
        update(str(maildir), index)


def test_a_reader_sees_the_index_as_it_was(maildir: Path, tmp_path: Path) -> None:
    index = str(tmp_path / "i")
    put(maildir, "1", message(1))
    update(str(maildir), index)
    with database.open_for_reading(index) as connection:
        assert Search(connection, parse("hello")).count() == 1
        put(maildir, "2", message(2))
        started = time.monotonic()
        update(str(maildir), index)
        assert time.monotonic() - started < 5, "it waited for the reader"
        assert Search(connection, parse("hello")).count() == 1
    assert found(index, "hello") == ["1", "2"]


QUERIES = [
    "", "hello", "run", "runs", '"running late"', "lat*", "from:author", "from:a2@example.org",
    "subject:number", "body:number", "quoted", "is:seen", "is:unread", "-run", "run or cat", "run -late",
    "not (run or cat)",
    "date:2024-01-03", "date:2024-01-02..2024-01-04", "date:..2024-01-02", "has:attachment", "larger:190",
    "smaller:190", "mid:3@example.org", "猫", "東京", "京都",
    "(run or is:unread) -date:2024-01-03", "etude",
    "the cat", "...", "hello ...", "-...", "the ...",
]  # fmt: skip
TEXTS = [
    "running late", "he runs", "> quoted words about cats", "the cat sat late", "東京都の猫", "étude in C",
    "hello\n-- \nsignature of a cat", "京都", "<b>late</b> running",
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_search_and_predicate_agree(
    query: str, maildir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        index = str(tmp_path / "i")
        messages = {}
        for number, text in enumerate(TEXTS):
            flags = "S" if number % 3 else "F"
            messages[str(number)] = facts_of(octets := message(number, text), flags)
            put(maildir, str(number), octets, flags)
        update(str(maildir), index)
        node = parse(query)
        if query != "the cat":  # a search leaves out stop words; the predicate takes every word
            expected = {number for number, facts in messages.items() if matches(node, facts)}
            assert set(found(index, query)) == expected
        else:
            assert set(found(index, query)) == set(found(index, "cat"))
    finally:
        monkeypatch.undo()
        time.tzset()


def test_ranking_counts_the_subject_more_and_quotations_less(maildir: Path, tmp_path: Path) -> None:
    index = str(tmp_path / "i")
    for number in range(20):
        put(maildir, f"9{number}", message(100 + number, "something else entirely"))
    put(maildir, "1", message(1, "> a zebra was seen\n\nyes indeed"))
    put(maildir, "2", message(2, "a zebra was seen\n\nyes indeed"))
    put(maildir, "3", message(3, "yes indeed it was seen", Subject="zebra"))
    update(str(maildir), index)
    assert found(index, "zebra", "relevance") == ["3", "2", "1"]
    assert found(index, "zebra", "newest") == ["3", "2", "1"]
    assert found(index, "zebra", "oldest") == ["1", "2", "3"]


def test_paging_gives_each_hit_once(maildir: Path, tmp_path: Path) -> None:
    index = str(tmp_path / "i")
    for number in range(10):
        put(maildir, str(number), message(number))
    update(str(maildir), index)
    with database.open_for_reading(index) as connection:
        search = Search(connection, parse("hello"))
        pages = [[hit.id for hit in search.iter_hits(limit=3, offset=start)] for start in range(0, 12, 3)]
        assert [len(page) for page in pages] == [3, 3, 3, 1]
        assert [hit for page in pages for hit in page] == [hit.id for hit in search.iter_hits()]


WRITER = """
import sys
from blaze.core.search import update
update.BATCH = 7
update.update(sys.argv[1], sys.argv[2], jobs=int(sys.argv[3]))
"""


def check_kills(maildir: Path, index: str, kills: int, jobs: int) -> None:
    """Kill writers at moments spread over a run; what is committed is always whole; a last run completes."""
    started = time.monotonic()
    command = [sys.executable, "-c", WRITER, str(maildir)]
    subprocess.run([*command, f"{index}.whole", str(jobs)], check=True)
    duration = time.monotonic() - started
    for kill in range(kills):
        process = subprocess.Popen([*command, index, str(jobs)])
        time.sleep(duration * (0.2 + 0.8 * kill / kills))
        process.send_signal(signal.SIGKILL)
        process.wait()
        with database.open_for_writing(index):
            pass  # its lock is gone with it
        try:
            with database.open_for_reading(index) as connection:
                number = Search(connection, parse("")).count()
                assert Search(connection, parse("hello")).count() == number
                assert connection.execute("SELECT count(*) FROM text").fetchone() == (number,)
        except NoInputError:
            assert kill < kills / 2, "nothing was ever committed"
        if kill % 5 == 4:
            for suffix in ("", "-wal", "-shm"):
                Path(index + suffix).unlink(missing_ok=True)
    update(str(maildir), index)
    assert found(index, "") == found(f"{index}.whole", "")
    assert found(index, "hello") == found(f"{index}.whole", "hello")
    with closing(sqlite3.connect(index)) as writer, writer:
        assert writer.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        writer.execute("INSERT INTO words (words) VALUES ('integrity-check')")


def fill(maildir: Path, count: int) -> None:
    for number in range(count):
        put(maildir, str(number), message(number, "hello " + " ".join(f"w{number}x{n}" for n in range(200))))


@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_writers_leave_whole_messages(jobs: int, maildir: Path, tmp_path: Path) -> None:
    fill(maildir, 250)
    check_kills(maildir, str(tmp_path / "i"), 4, jobs)


@pytest.mark.long
@pytest.mark.parametrize("jobs", [1, 2])
def test_writers_killed_at_fifty_moments_leave_whole_messages(
    jobs: int, maildir: Path, tmp_path: Path
) -> None:
    fill(maildir, 900)
    check_kills(maildir, str(tmp_path / "i"), 50, jobs)


def test_index_of_a_read_only_folder_can_be_read(maildir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "ro"
    folder.mkdir()
    put(maildir, "1", message(1))
    update(str(maildir), str(folder / "i#%3f?"))
    (folder / "i#%3f?-wal").unlink(missing_ok=True)
    folder.chmod(0o555)
    try:
        assert found(str(folder / "i#%3f?"), "hello") == ["1"]
    finally:
        folder.chmod(0o755)


def test_the_columns_of_the_index_are_those_of_the_terms(tmp_path: Path) -> None:
    with database.open_for_writing(str(tmp_path / "i")) as connection:
        rows = connection.execute("PRAGMA table_info(words)").fetchall()
    assert tuple(row[1] for row in rows) == COLUMNS


def test_paths_of_any_octets_come_back_as_they_are(tmp_path: Path) -> None:
    index = str(tmp_path / "i")
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xffd"))
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True)
    path = put(folder, os.fsdecode(b"1.\xfe"), message(1))
    other = put(folder, "é", message(2))
    settle(path, other)
    assert update(str(folder), index).added == 2
    assert update(str(folder), index).unchanged == 2
    with database.open_for_reading(index) as connection:
        hits = list(Search(connection, parse("hello"), source=str(folder)).iter_hits("oldest"))
        letters = list(iter_indexed_letters(connection))
    assert [hit.path for hit in hits] == [str(path), str(other)]
    assert [letter.name for letter in letters] == [hit.name for hit in hits]
    assert [read_message(hit.name).octets for hit in hits] == [message(1), message(2)]
    path.rename(folder / "new" / path.name)
    assert update(str(folder), index).changed == 1
    (folder / "new" / path.name).unlink()
    assert update(str(folder), index).removed == 1


def test_a_source_is_found_with_and_without_the_kind_it_was_indexed_by(tmp_path: Path) -> None:
    index, box = str(tmp_path / "i"), tmp_path / "box"
    box.write_bytes(b"From a@b Thu Jan  1 00:00:00 2026\n" + message(1) + b"\n")
    update(f"mbox:{box}", index)
    with database.open_for_reading(index) as connection:
        for name in (f"mbox:{box}", str(box)):
            assert Search(connection, parse("hello"), source=name).count() == 1
        for name in (f"eml:{box}", str(tmp_path)):
            with pytest.raises(NoInputError, match="no messages of this source"):
                Search(connection, parse("hello"), source=name)


def test_an_index_that_cannot_be_made(maildir: Path, tmp_path: Path) -> None:
    put(maildir, "1", message(1))
    for place in (maildir, tmp_path / "none" / "i"):
        with pytest.raises(CannotCreateError):
            update(str(maildir), str(place))
        assert not Path(f"{place}-lock").exists()
    (tmp_path / "mail.mbox").write_bytes(b"From a@b Thu Jan  1 00:00:00 2026\n" + message(1) * 50)
    with pytest.raises(DataError, match="no index") as told:
        update(str(maildir), str(tmp_path / "mail.mbox"))
    assert str(told.value.hint).startswith("Name another file")


@pytest.mark.parametrize(("sync", "level"), [(True, 2), (False, 0)])
def test_what_is_committed_is_on_disk_unless_that_is_not_asked_for(
    sync: bool, level: int, tmp_path: Path
) -> None:
    """A commit to the log is synced at the level FULL alone (SQLite, PRAGMA synchronous)."""
    with database.open_for_writing(str(tmp_path / "i"), sync=sync) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (level,)


def test_damaged_schema_with_octets_that_are_no_utf_8(maildir: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    put(maildir, "1.x", message(1))
    update(str(maildir), str(index), sync=False)
    octets = index.read_bytes()
    assert octets.count(b"CREATE TABLE message ") == 1
    index.write_bytes(octets.replace(b"CREATE TABLE message ", b"CREATE TABL\xc0 message "))
    with pytest.raises(DataError, match="the index is damaged"), database.open_for_reading(str(index)):
        pass
    with pytest.raises(DataError, match="the index is damaged"):
        update(str(maildir), str(index), sync=False)


def test_update_from_an_mbox_without_messages(tmp_path: Path) -> None:
    box = tmp_path / "box"
    box.write_bytes(b"")
    assert update(str(box), str(tmp_path / "index")).added == 0
