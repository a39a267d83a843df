"""Packs: archiving the corpus, how large it becomes, and reading one message of it."""

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench import corpus
from tests.bench.frame import Row, Work, blaze, spawn

SIZES = {"pack": 0.5, "pack with stems": 0.65}
"""What an archive with its index may be of the sum of the file sizes."""

READING = 0.020
"""Seconds that reading one message may take beside the start."""


def rows(folder: Path) -> Iterator[Row]:
    yield archiving(folder)
    yield one_message(folder)


def archiving(folder: Path) -> Row:
    mbox = corpus.mbox(folder)
    peers: dict[str, Work] = {}
    if git := shutil.which("git"):
        stream = folder / "fast-import"
        stream.write_bytes(b"".join(fast_import(corpus.messages())))
        peers["git fast-import"] = lambda: import_with_git(git, folder, stream)
    return Row("archive the corpus: pack make", lambda: make(mbox, folder / "bench.pack"), peers, runs=3)


def make(mbox: Path, pack: Path, *options: str) -> None:
    options = options or ("--no-stems", "--no-trees")
    spawn(blaze(), "pack", "make", "--no-sync", "--force", *options, "-o", str(pack), str(mbox))()


def fast_import(messages: list[bytes]) -> Iterator[bytes]:
    """The messages as public-inbox keeps them: a commit each, with the file `m`."""
    for number, message in enumerate(messages):
        yield b"commit refs/heads/master\ncommitter b <b@x> %d +0000\ndata 1\nx" % (10**9 + number)
        yield b"\nM 100644 inline m\ndata %d\n" % len(message) + message + b"\n"


def import_with_git(git: str, folder: Path, stream: Path) -> None:
    repository = folder / "bench.git"
    shutil.rmtree(repository, ignore_errors=True)
    subprocess.run([git, "init", "-q", "--bare", str(repository)], check=True)
    with stream.open("rb") as octets:
        command = [git, "-C", str(repository), "fast-import", "--quiet"]
        subprocess.run(command, stdin=octets, check=True, stdout=subprocess.DEVNULL)


def one_message(folder: Path) -> Row:
    pack = folder / "one.pack"
    if not pack.exists():
        make(corpus.mbox(folder), pack)
        tell_sizes(folder, pack)
    listing = subprocess.run([blaze(), "pack", "list", str(pack)], check=True, capture_output=True).stdout
    name = listing.splitlines()[len(listing.splitlines()) // 2].split()[1].decode()
    start = spawn(blaze(), "--version")
    return Row(
        "one message of the archive: pack get",
        spawn(blaze(), "pack", "get", str(pack), name),
        {"start": start},
        {"start": 1 + READING / seconds(start)},
        runs=25,
    )


def tell_sizes(folder: Path, pack: Path) -> None:
    """Say how large the archives are, and fail where that is too much."""
    # Each message once: the doubled corpus of the other rows would halve every size.
    single = dict.fromkeys(corpus.messages())
    total = sum(map(len, single))
    for name, bar in SIZES.items():
        options = ("--stems",) if "stems" in name else ()
        if options:
            make(corpus.mbox(folder), pack.with_name("stems.pack"), *options)
        made = pack.with_name("stems.pack") if options else pack
        size = made.stat().st_size + os.path.getsize(made.with_suffix(".idx"))
        print(f"{name}: {size / total:.3f} of the sum of file sizes, bar {bar}", file=sys.stderr)
        if size > bar * total:
            raise RuntimeError(f"{name} is too large")


def seconds(work: Work) -> float:
    """The median time of some work."""
    times = []
    for _ in range(9):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)
