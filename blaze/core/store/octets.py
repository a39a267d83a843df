"""The octets of a file or of standard input as they are, whatever they mean."""

import os
import sys
from collections.abc import Iterator

from blaze.core.errors import NoInputError
from blaze.core.mail.header import Buffer
from blaze.core.store import atomic

STDIN = "-"

_CHUNK = 1 << 16


def read(path: str) -> Buffer:
    """All octets of the file at `path` (`-`: standard input): bytes when small, else a mapping.

    A pipe that is large is spooled to a temporary file, as `atomic.read_fd` says.

    Raises:
        NoInputError: there is no such file, or it may not be read.
        InputOutputError: reading failed, or there is no room in TMPDIR.
    """
    try:
        if path == STDIN:
            return atomic.read_fd(_stdin())
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return atomic.read_fd(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise atomic.input_error(error, path) from error


def iter_stdin() -> Iterator[bytes]:
    """Standard input in chunks as they come, once; nothing is kept.

    Raises:
        NoInputError: it is closed.
        InputOutputError: reading failed.
    """
    try:
        fd = _stdin()
        while chunk := os.read(fd, _CHUNK):
            yield chunk
    except OSError as error:
        raise atomic.input_error(error, STDIN) from error


def _stdin() -> int:
    if sys.stdin is None:
        raise NoInputError("standard input is closed")
    return sys.stdin.fileno()
