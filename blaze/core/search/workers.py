"""Processes that read messages as documents, given back in the order of the messages."""

import fcntl
import gc
import marshal
import mmap
import os
import signal
import traceback
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any, BinaryIO, NoReturn

from blaze.core.errors import InputOutputError
from blaze.core.search.documents import Document, DocumentReader

SLOT = 1 << 20
"""Octets of messages that a process takes at a time."""

_SLOTS = 2  # of a process: the messages it reads, and those that wait
_PIPE = 1 << 20  # octets of results that wait, where the system allows it
_MOST_FILES = 1024  # that are open, where the system does not tell
_GARBAGE = 50_000  # objects that are made before garbage is looked for, of which messages leave little


class Workers:
    """Forked processes that share the work; they end when this one does, however it ends.

    The messages lie in memory that all share, so that giving them never waits for a process that itself
    waits to be heard. Nothing of this process is kept open by them: no lock outlives it.

    Raises:
        InputOutputError: no more processes can be started.
    """

    def __init__(self, number: int) -> None:
        self._workers: list[_Worker] = []
        self._busy: deque[_Worker] = deque()
        self._given = 0
        try:
            for _ in range(number):
                self._workers.append(_Worker())
        except OSError as error:
            self.end()
            raise InputOutputError(f"cannot start a process: {error.strerror}") from error

    @property
    def are_busy(self) -> bool:
        """True when documents must be taken before more messages can be given."""
        return len(self._busy) == _SLOTS * len(self._workers)

    @property
    def number_given(self) -> int:
        """How many times messages were given whose documents were not taken yet."""
        return len(self._busy)

    def give(self, messages: Iterable[bytes]) -> None:
        """Give messages of together at most `SLOT` octets to the process whose turn it is."""
        turn = self._given % (_SLOTS * len(self._workers))
        slot, number = divmod(turn, len(self._workers))
        worker = self._workers[number]
        worker.give(slot, messages)
        self._busy.append(worker)
        self._given += 1

    def take(self) -> list[Document]:
        """The documents of the messages that were given first.

        Raises:
            InputOutputError: the process is gone.
        """
        return self._busy.popleft().take()

    def end(self) -> None:
        """End the processes, whatever they do: they hold nothing that could be lost."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()
        self._busy.clear()


class _Worker:
    """One process, as its parent has it."""

    def __init__(self) -> None:
        self.process = 0
        self.slots = [mmap.mmap(-1, SLOT) for _ in range(_SLOTS)]
        tasks, self.giving = _pipe()
        self.taking, results = _pipe()
        # An interrupt between the fork and what follows would run the parent's code in the child.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self.process = os.fork()
            if not self.process:
                _run(tasks, results, self.slots)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            tasks.close()
            results.close()
            if not self.process:
                self.end()

    def give(self, slot: int, messages: Iterable[bytes]) -> None:
        memory = self.slots[slot]
        ends = [0]
        for octets in messages:
            memory[ends[-1] : ends[-1] + len(octets)] = octets
            ends.append(ends[-1] + len(octets))
        try:
            _send(self.giving, (slot, ends))
        except BrokenPipeError:
            raise self._loss() from None

    def take(self) -> list[Document]:
        try:
            result = _receive(self.taking)
        except EOFError:
            raise self._loss() from None
        if isinstance(result, str):
            raise RuntimeError(f"in a process that reads messages: {result}")
        return [Document(*row) for row in result]

    def end(self) -> None:
        if self.process:
            os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)
            self.process = 0
        with suppress(BrokenPipeError):  # a part of a task that was never taken
            self.giving.close()
        self.taking.close()
        for slot in self.slots:
            slot.close()

    def _loss(self) -> InputOutputError:
        status = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        self.process = 0
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        hint = "What was indexed is kept: run the command again, with --jobs 1 to read in one process."
        return InputOutputError(f"a process that reads messages {how}", hint=hint)


def _run(tasks: BinaryIO, results: BinaryIO, slots: Sequence[mmap.mmap]) -> NoReturn:
    """The life of a worker, which ends when there are no more tasks or nobody takes results."""
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
        gc.freeze()
        gc.set_threshold(_GARBAGE)
        _close_all_but({tasks.fileno(), results.fileno()})
        _serve(tasks, results, slots)
        status = 0
    except BrokenPipeError:
        status = 0
    finally:
        os._exit(status)


def _serve(tasks: BinaryIO, results: BinaryIO, slots: Sequence[mmap.mmap]) -> None:
    reader = DocumentReader()
    while True:
        try:
            slot, ends = _receive(tasks)
        except EOFError:
            return
        messages = [slots[slot][start:end] for start, end in pairwise(ends)]
        try:
            _send(results, [tuple(reader.read(octets, 0, len(octets))) for octets in messages])
        except BrokenPipeError:
            raise
        except Exception:  # noqa: BLE001 - the parent raises it
            _send(results, traceback.format_exc())


def _close_all_but(kept: set[int]) -> None:
    """Close all files but these and the standard ones."""
    try:
        numbers = list(map(int, os.listdir("/dev/fd")))
    except OSError:  # a root folder of its own, without devices
        numbers = list(range(_MOST_FILES))
    for number in numbers:
        if number > 2 and number not in kept:
            with suppress(OSError):  # the folder's own
                os.close(number)


def _send(pipe: BinaryIO, value: Any) -> None:
    octets = marshal.dumps(value)
    pipe.write(len(octets).to_bytes(4))
    pipe.write(octets)
    pipe.flush()


def _receive(pipe: BinaryIO) -> Any:
    """A value that was sent. Raises `EOFError` where the pipe ends before it does."""
    length = int.from_bytes(pipe.read(4))
    octets = pipe.read(length)
    if len(octets) < length or not length:
        raise EOFError
    return marshal.loads(octets)  # noqa: S302 - from a process of our own


def _pipe() -> tuple[BinaryIO, BinaryIO]:
    """Where to read and where to write; much may wait between them."""
    reading, writing = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):  # over the limit for a user's pipes
            fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, _PIPE)
    return os.fdopen(reading, "rb"), os.fdopen(writing, "wb")
