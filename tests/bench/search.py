"""Indexing the corpus and asking it, against notmuch and mu; and that indexing grows with the size alone."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.bench import corpus
from tests.bench.frame import Row, Work, blaze, environment, python, spawn


def rows(folder: Path) -> Iterator[Row]:
    maildir = corpus.maildir(folder)
    index = str(folder / "bench.blaze-index")
    identifiers = str(folder / "million.rowex")
    ready = partial(make_indexes, folder, maildir, index)
    yield Row(
        f"index {len(corpus.messages()):,} messages for search",
        partial(our_index, maildir, index),
        index_peers(folder, maildir),
        {"notmuch": 0.2, "mu": 0.5},
        runs=3,
    )
    yield Row(
        "a query: linux and kernel",
        spawn(blaze(), "search", "--index", index, "--limit", "10", "linux and kernel"),
        {"start + 15 ms": partial(start, 0.015), **query_peers(folder)},
        {"start + 15 ms": 1.0},
        runs=15,
        prepare=ready,
    )
    yield Row(
        "one Message-ID among a million",
        spawn(blaze(), "rowex", "find", "--rowex", identifiers, "<0500000@example.org>"),
        {"start + 10 ms": partial(start, 0.010)},
        {"start + 10 ms": 1.0},
        runs=15,
        prepare=partial(make_identifiers, identifiers),
    )
    yield Row(
        "index again, nothing new",
        partial(update, maildir, index),
        again_peers(folder),
        {"mu": 1.0},
        runs=5,
        prepare=ready,
    )
    for factor in (4, 16):
        yield Row(
            f"index, {factor} times the size",
            partial(index_copies, folder, factor),
            {f"{factor} single ones": partial(repeat, factor, partial(index_copies, folder, 1))},
            {f"{factor} single ones": 1.25},
            runs=3,
        )


def start(more: float) -> None:
    """What every command costs, and some seconds."""
    spawn(blaze(), "--version")()
    time.sleep(more)


def our_index(source: Path, index: str) -> None:
    """A whole process, from nothing."""
    for suffix in ("", "-wal", "-shm", "-lock"):
        Path(index + suffix).unlink(missing_ok=True)
    update(source, index)


def update(source: Path, index: str) -> None:
    spawn(blaze(), "index", "--no-sync", "--index", index, str(source))()


def index_peers(folder: Path, maildir: Path) -> dict[str, Work]:
    peers: dict[str, Work] = {}
    if shutil.which("notmuch"):
        (folder / "notmuch").write_text(
            f"[database]\npath={maildir}\n[user]\nname=x\nprimary_email=x@example.org\n[new]\ntags=inbox\n"
        )
        peers["notmuch"] = partial(notmuch_index, folder, maildir)
    if shutil.which("mu"):
        peers["mu"] = partial(mu_index, folder, maildir)
    return peers


def make_indexes(folder: Path, maildir: Path, index: str) -> None:
    """Everybody's index, where the row that measures its making was left out."""
    if not Path(index).exists():
        for work in (partial(update, maildir, index), *index_peers(folder, maildir).values()):
            work()


def notmuch_index(folder: Path, maildir: Path) -> None:
    shutil.rmtree(maildir / ".notmuch", ignore_errors=True)
    run("notmuch", "new", "--quiet", NOTMUCH_CONFIG=str(folder / "notmuch"))


def mu_index(folder: Path, maildir: Path) -> None:
    shutil.rmtree(folder / "mu", ignore_errors=True)
    run("mu", "init", f"--muhome={folder}/mu", f"--maildir={maildir}")
    run("mu", "index", f"--muhome={folder}/mu", "--quiet")


def again_peers(folder: Path) -> dict[str, Work]:
    """The indexes that were made by `index_peers`."""
    peers: dict[str, Work] = {}
    if shutil.which("notmuch"):
        variables = {"NOTMUCH_CONFIG": str(folder / "notmuch")}
        peers["notmuch"] = partial(run, "notmuch", "new", "--quiet", **variables)
    if shutil.which("mu"):
        peers["mu"] = partial(run, "mu", "index", f"--muhome={folder}/mu", "--quiet")
    return peers


def query_peers(folder: Path) -> dict[str, Work]:
    peers: dict[str, Work] = {"python": spawn(python(), "-c", "import click, sqlite3")}
    if shutil.which("notmuch"):
        query = ("notmuch", "search", "--limit=10", "linux and kernel")
        peers["notmuch"] = partial(run, *query, NOTMUCH_CONFIG=str(folder / "notmuch"))
    if shutil.which("mu"):
        peers["mu"] = partial(run, "mu", "find", f"--muhome={folder}/mu", "-n", "10", "linux and kernel")
    return peers


def run(*command: str, **variables: str) -> None:
    subprocess.run(
        command,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**environment(), **variables},
    )


def make_identifiers(index: str) -> None:
    from blaze.core.search.database import open_for_writing
    from blaze.core.search.rowex import ROWEX

    mbox = "/var/mail/bench"
    letters = (
        (f"{n:07}@example.org", f"{mbox}#{n}", mbox, f"{n - 1:07}@example.org", "", n, "a@b", "bench")
        for n in range(1_000_000)
    )
    with open_for_writing(index, ROWEX, sync=False) as connection:
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO letter VALUES (?, ?, ?, ?, ?, ?, ?, ?)", letters)
        connection.execute("COMMIT")


def index_copies(folder: Path, factor: int) -> None:
    """Index 400 messages `factor` times, in this process; each copy has words of its own."""
    from blaze.core.search import update as updating

    source = folder / f"search.{factor}.mbox"
    if not source.exists():
        octets = b"".join(
            b"From bench@example.org Thu Jan  1 00:00:00 2026\nX-Copy: %d\n" % number
            + re.sub(rb"(?m)^(>*From )", rb">\1", message).rstrip(b"\n")
            + b"\n\nword%d\n\n" % number
            for number in range(factor)
            for message in corpus.messages()[:400]
        )
        source.write_bytes(octets)
    index = folder / "copies.blaze-index"
    for suffix in ("", "-wal", "-shm", "-lock"):
        Path(f"{index}{suffix}").unlink(missing_ok=True)
    updating.update(str(source), str(index), sync=False)


def repeat(times: int, work: "partial[None]") -> None:
    for _ in range(times):
        work()
