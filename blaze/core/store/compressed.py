"""Compressed files: gzip, bzip2, xz, and zstd where its library is installed."""

import io
from collections.abc import Iterator
from typing import Any, NamedTuple

from blaze.core.errors import BlazeError, DataError
from blaze.core.mail.header import Buffer
from blaze.core.store import atomic

_CHUNK = 1 << 18
_ZSTD_PIECE = (
    1 << 10
)  # octets fed at once: each four of them may become a block of 128 KiB (RFC 8878 §3.1.1.2)


class Content(NamedTuple):
    """What a compressed file holds, and what stopped the reading of it, if anything did."""

    buffer: Buffer
    error: BlazeError | None


def read(buffer: Buffer, compression: str, *, where: str) -> Content:
    """Decompress `buffer`, several streams one after another too.

    `compression` is `gzip`, `bz2`, `xz` or `zstd`. The content is spooled (see `atomic.spool`), so that
    memory is constant however much it expands. Of a damaged file what comes before the damage is given.

    Raises:
        DataError: zstd is not installed.
        InputOutputError: there is no room in TMPDIR.
    """
    errors: list[BlazeError] = []
    content = atomic.spool(_iter_chunks(_opener(buffer, compression, where), errors, where))
    return Content(content, errors[0] if errors else None)


def _opener(buffer: Buffer, compression: str, where: str) -> Any:
    stream: Any = io.BytesIO(buffer) if isinstance(buffer, bytes) else buffer
    if compression == "gzip":
        import gzip

        return gzip.GzipFile(fileobj=stream)
    if compression == "bz2":
        import bz2

        return bz2.BZ2File(stream)
    if compression == "xz":
        import lzma

        return lzma.LZMAFile(stream)
    try:
        import zstandard
    except ImportError as error:
        hint = "Install it with: pip install zstandard"
        raise DataError("reading zstd needs the package zstandard", where=where, hint=hint) from error
    return _ZstdFrames(stream, zstandard.ZstdDecompressor())


class _ZstdFrames:
    """The content of Zstandard frames; notices a cut, which the library's own reader does not."""

    def __init__(self, stream: Any, decompressor: Any) -> None:
        self._stream = stream
        self._decompressor = decompressor
        self._frame: Any = None
        self._rest = b""

    def read1(self, _: int) -> bytes:
        """Some octets, none at the end; raises `EOFError` when the last frame is not whole."""
        while octets := self._rest or self._stream.read(_ZSTD_PIECE):
            if self._frame is None:
                self._frame = self._decompressor.decompressobj()
            content: bytes = self._frame.decompress(octets)
            self._rest = b""
            if self._frame.eof:
                self._rest = self._frame.unused_data
                self._frame = None
            if content:
                return content
        if self._frame is not None:
            raise EOFError("the last frame is cut off")
        return b""


def _iter_chunks(stream: Any, errors: list[BlazeError], where: str) -> Iterator[bytes]:
    done = 0
    while True:
        try:
            chunk = stream.read1(_CHUNK)
        except Exception as error:  # noqa: BLE001 - each library has its own, and some raise plain ones
            reason = str(error) or type(error).__name__
            what = f"the compressed data is damaged after {done} octets: {reason}"
            errors.append(DataError(what, where=where))
            return
        if not chunk:
            return
        done += len(chunk)
        yield chunk
