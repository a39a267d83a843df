"""The work on many messages shared among processes, their results in the order of the messages."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from blaze.core.store.source import Found

_CHUNK = 16  # messages that a process takes at a time
_END = 0xFFFF_FFFF  # in place of the length of a chunk's results: no more come


def share(entries: "Iterator[Found]", jobs: int, counted: Callable[[], int]) -> "Iterator[Found | int]":
    """Give each of `jobs` forked processes its share of `entries`, and collect what they print.

    In a worker the messages of its share are yielded, and the process ends with them, its status what
    `counted` tells then. In the parent the results are written to standard output, and the status of each
    worker is yielded. What the workers write to standard error is not put in order.
    """
    pipes: list[BinaryIO] = []
    workers: list[int] = []
    sys.stdout.flush()
    for share_number in range(jobs):
        reading, writing = os.pipe()
        worker = os.fork()
        if not worker:
            os.close(reading)
            for pipe in pipes:
                pipe.close()
            yield from _work(entries, share_number, jobs, os.fdopen(writing, "wb"), counted)
        os.close(writing)
        pipes.append(os.fdopen(reading, "rb"))
        workers.append(worker)
    try:
        _collect(pipes)
    finally:
        for pipe in pipes:
            pipe.close()
        ended = [os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) for worker in workers]
    yield from (status if status >= 0 else 128 - status for status in ended)


def _work(
    entries: "Iterator[Found]", share_number: int, jobs: int, results: BinaryIO, counted: Callable[[], int]
) -> "Iterator[Found]":
    printed = io.BytesIO()
    sys.stdout = io.TextIOWrapper(printed, "utf-8", "surrogateescape")
    for number, entry in enumerate(entries):
        if number // _CHUNK % jobs == share_number:
            yield entry
            if number % _CHUNK == _CHUNK - 1:
                _send(printed, results)
    _send(printed, results)
    results.write(_END.to_bytes(4))
    results.close()
    sys.stderr.flush()
    os._exit(counted())


def _send(printed: io.BytesIO, results: BinaryIO) -> None:
    sys.stdout.flush()
    octets = printed.getvalue()
    results.write(len(octets).to_bytes(4) + octets)
    results.flush()
    printed.seek(0)
    printed.truncate()


def _collect(pipes: list[BinaryIO]) -> None:
    """Write the chunks as they follow each other: the first of each worker, the second of each, and so on."""
    waiting = list(pipes)
    while waiting:
        for pipe in list(waiting):
            length = int.from_bytes(pipe.read(4) or _END.to_bytes(4))
            if length == _END:
                waiting.remove(pipe)
            else:
                sys.stdout.buffer.write(pipe.read(length))
                sys.stdout.buffer.flush()
