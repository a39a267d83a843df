"""Splitting an mbox, turning it into a Maildir, and that the time grows with the size and no faster."""

import mailbox
import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from unittest import mock

from tests.bench import corpus
from tests.bench.frame import Row


def rows(folder: Path) -> Iterator[Row]:
    mbox = corpus.mbox(folder)
    part = first_part(mbox)
    yield Row(
        "mbox split",
        partial(our_split, mbox),
        {"stdlib mailbox": partial(stdlib_messages, mbox), "its octets alone": partial(stdlib_split, mbox)},
        {"stdlib mailbox": 0.25},
        runs=5,
    )
    yield Row(
        "mbox to Maildir, no fsync",
        partial(our_maildir, mbox, folder / "ours"),
        {"stdlib mailbox": partial(stdlib_maildir, mbox, folder / "theirs")},
        {"stdlib mailbox": 0.25},
        runs=3,
    )
    for factor in (4, 16):
        name = f"{factor} single ones"
        yield Row(
            f"mbox to mbox, {factor} times the size",
            partial(our_mbox, multiplied(part, factor), folder / "grown.mbox"),
            {name: partial(repeat, factor, partial(our_mbox, part, folder / "grown.mbox"))},
            {name: 1.25},
            runs=3,
        )


def our_split(path: Path) -> int:
    from blaze.core.store.source import Entry, iter_entries

    return sum(len(entry.octets) for entry in iter_entries([str(path)]) if isinstance(entry, Entry))


def stdlib_messages(path: Path) -> int:
    box = mailbox.mbox(path, create=False)
    count = sum(1 for _ in box)
    box.close()
    return count


def stdlib_split(path: Path) -> int:
    box = mailbox.mbox(path, create=False)
    size = sum(len(box.get_bytes(key)) for key in box.iterkeys())
    box.close()
    return size


def our_maildir(path: Path, target: Path) -> None:
    from blaze.core.store.convert import Options, convert

    shutil.rmtree(target, ignore_errors=True)
    convert(str(path), f"maildir:{target}", Options(sync=False))


def stdlib_maildir(path: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    with mock.patch.object(os, "fsync", lambda _: None):
        box = mailbox.mbox(path, create=False)
        maildir = mailbox.Maildir(target)
        for message in box:  # parsed, so that its flags come along
            maildir.add(message)
        box.close()


def our_mbox(path: Path, target: Path) -> None:
    from blaze.core.store.convert import Options, convert

    target.unlink(missing_ok=True)
    convert(str(path), f"mbox:{target}", Options(sync=False))


def first_part(path: Path) -> Path:
    """The first quarter of the mbox, to its last whole message."""
    target = path.with_suffix(".part.mbox")
    if not target.exists():
        octets = path.read_bytes()
        target.write_bytes(octets[: octets.index(b"\n\nFrom bench@", len(octets) // 4) + 2])
    return target


def multiplied(path: Path, factor: int) -> Path:
    """The mbox `factor` times in one file, made once."""
    target = path.with_suffix(f".{factor}.mbox")
    if not target.exists():
        octets = path.read_bytes()
        with target.open("wb") as file:
            for _ in range(factor):
                file.write(octets)
    return target


def repeat(times: int, work: "partial[None]") -> None:
    for _ in range(times):
        work()
