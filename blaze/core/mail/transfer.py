"""Content transfer encodings, both ways, in chunks and in constant memory (RFC 2045 §6).

Nothing here raises on octets that are wrong: what can be read is read, and the fault is named in the
caller's list of defects: `base64-missing-padding`, `base64-rubbish`, `base64-trailing-rubbish`,
`base64-truncated`, `qp-8bit`, `qp-invalid-escape`, `unknown-encoding`, `uuencode-invalid-line`,
`uuencode-without-begin`, `uuencode-without-end`.
"""

import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Final, Protocol

from blaze.core.errors import DataError

MAX_ENCODED_LINE = 76  # octets without the line end, RFC 2045 §6.7 (5) and §6.8
MAX_PENDING = 1 << 16  # octets of white space held until it is known whether a line ends there
_MAX_LINE = 1000  # octets of a line after padding or of uuencoded text that are judged together
_BLOCK = 1 << 18  # octets decoded in one step
_LINE_OF_BASE64 = 57  # octets that make 76 characters

_IDENTITY = frozenset(("", "7bit", "8bit", "binary", "7-bit", "8-bit", "7bits", "8bits", "none"))
_LEFT_ALONE = frozenset(("yenc", "x-yenc", "x-yencode"))
_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NO_ALPHABET = bytes(set(range(256)) - set(_ALPHABET))
_WHITE_SPACE: Final = b" \t\r\n"


class _Decoder(Protocol):
    def update(self, block: bytes) -> bytes: ...
    def finish(self) -> bytes: ...


def decode(encoding: str, chunks: Iterable[bytes], defects: list[str] | None = None) -> Iterator[bytes]:
    """Undo `encoding`, a name as in Content-Transfer-Encoding, in any letter case; never raises.

    Chunks may be cut anywhere: the octets that come out are the same. An unknown encoding leaves them as
    they are (RFC 2045 §6.4 would call the part opaque). Names of faults are added to `defects`, each once.
    Memory is bounded; the speed is that of `binascii`, some hundred megabytes a second.
    """
    decoder = _new_decoder(encoding, [] if defects is None else defects)
    if decoder is None:
        yield from filter(None, chunks)
        return
    for chunk in chunks:
        for start in range(0, len(chunk), _BLOCK):
            octets = decoder.update(chunk[start : start + _BLOCK])
            if octets:
                yield octets
    octets = decoder.finish()
    if octets:
        yield octets


def decode_bytes(encoding: str, data: bytes, defects: list[str] | None = None) -> bytes:
    """Undo `encoding` of a whole body that fits into memory; as `decode`."""
    decoder = _new_decoder(encoding, [] if defects is None else defects)
    if decoder is None:
        return data
    if len(data) <= _BLOCK:
        return decoder.update(data) + decoder.finish()
    return b"".join(decode(encoding, (data,), defects))


def is_identity(encoding: str) -> bool:
    """True when `decode` leaves the octets as they are: `7bit` and its like, or a name not known."""
    return family(encoding) in ("identity", "unknown")


def family(encoding: str) -> str:
    """What `decode` takes a name for: `base64`, `quoted-printable`, `x-uuencode`, `identity` or `unknown`."""
    name = encoding.lower()
    if name in ("base64", "quoted-printable"):
        return name
    if name in _IDENTITY:
        return "identity"
    name = name.strip()
    if name in ("base-64", "b64", "x-base64"):
        return "base64"
    if name.replace("_", "-").replace(" ", "-") in (
        "quotedprintable",
        "quoted-printable",
        "x-quoted-printable",
        "qp",
    ):
        return "quoted-printable"
    if name in ("x-uuencode", "x-uue", "uuencode", "uue"):
        return "x-uuencode"
    return "identity" if name in _IDENTITY else "unknown"


def _new_decoder(encoding: str, defects: list[str]) -> _Decoder | None:
    match family(encoding):
        case "base64":
            return _Base64Decoder(defects)
        case "quoted-printable":
            return _QuotedPrintableDecoder(defects)
        case "x-uuencode":
            return _UuencodeDecoder(defects)
        case "unknown" if encoding.strip().lower() not in _LEFT_ALONE:
            _note(defects, "unknown-encoding")
    return None


def _note(defects: list[str], name: str) -> None:
    if name not in defects:
        defects.append(name)


class _Base64Decoder:
    """Base64 with whatever else stands between its characters (RFC 2045 §6.8).

    After padding another stream may follow; it is read line by line, and the first line that holds anything
    else, such as a mailing list's footer, ends the body.
    """

    __slots__ = ("_carry", "_defects", "_ended", "_line", "_padded")

    def __init__(self, defects: list[str]) -> None:
        self._defects = defects
        self._carry = b""  # up to three characters of a group
        self._padded = False
        self._line = b""  # after padding, the line so far
        self._ended = False

    def update(self, block: bytes) -> bytes:
        if not self._padded and b"=" not in block:
            return self._groups(block)
        octets: list[bytes] = []
        position = 0
        while position < len(block) and not self._padded:
            position = self._to_padding(block, position, octets)
        if position < len(block):
            self._after_padding(block[position:], octets)
        return b"".join(octets)

    def finish(self) -> bytes:
        octets: list[bytes] = []
        self._whole_line(self._line, octets)
        if len(self._carry) == 1:
            _note(self._defects, "base64-truncated")
        elif self._carry:
            _note(self._defects, "base64-missing-padding")
            octets.append(self._flush())
        return b"".join(octets)

    def _groups(self, stretch: bytes) -> bytes:
        """Decode a stretch without padding; the rest of a group is carried."""
        text = self._carry + stretch.replace(b"\r\n", b"").replace(b"\n", b"")
        whole = len(text) & ~3
        try:
            octets = binascii.a2b_base64(text[:whole], strict_mode=True)
        except binascii.Error:
            pass
        else:
            self._carry = text[whole:]
            if not self._carry or self._carry.isalnum():
                return octets
        clean = text.translate(None, _NO_ALPHABET)
        if len(text.translate(None, _WHITE_SPACE)) != len(clean):
            _note(self._defects, "base64-rubbish")
        whole = len(clean) & ~3
        self._carry = clean[whole:]
        return binascii.a2b_base64(clean[:whole])

    def _flush(self) -> bytes:
        carry, self._carry = self._carry, b""
        return binascii.a2b_base64(carry + b"=" * (-len(carry) % 4))

    def _to_padding(self, text: bytes, position: int, octets: list[bytes]) -> int:
        """Decode up to and with the next `=`. One that ends no group is passed over."""
        end = text.find(b"=", position)
        octets.append(self._groups(text[position : end if end >= 0 else len(text)]))
        if end < 0:
            return len(text)
        if len(self._carry) >= 2:
            octets.append(self._flush())
            self._padded = True
        elif self._carry or not self._padded:
            _note(self._defects, "base64-rubbish")
        return end + 1

    def _after_padding(self, rest: bytes, octets: list[bytes]) -> None:
        text = self._line + rest
        position = 0
        while not self._ended and position < len(text):
            newline = text.find(b"\n", position, position + _MAX_LINE)
            end = newline + 1 if newline >= 0 else position + _MAX_LINE
            if newline < 0 and end > len(text):
                break
            self._whole_line(text[position:end], octets)
            position = end
        self._line = b"" if self._ended else text[position:]

    def _whole_line(self, line: bytes, octets: list[bytes]) -> None:
        line = line.rstrip()
        if not line or self._ended:
            return
        if line.translate(None, _ALPHABET + b"="):
            self._ended = True
            _note(self._defects, "base64-trailing-rubbish")
            return
        position = 0
        while position < len(line):
            position = self._to_padding(line, position, octets)


class _QuotedPrintableDecoder:
    """Quoted-printable, broken as the notes of RFC 2045 §6.7 foresee it, and worse.

    White space at the end of a line is dropped, lower-case hexadecimal digits count, an `=` that begins
    neither an octet nor a soft line break stays, one at the very end is dropped, 8-bit octets stay. Line
    ends come out as they went in.
    """

    __slots__ = ("_carry", "_defects")

    def __init__(self, defects: list[str]) -> None:
        self._defects = defects
        self._carry = b""

    def update(self, block: bytes) -> bytes:
        text = self._carry + block
        end = len(text.rstrip(b" \t\r"))
        if len(text) - end > MAX_PENDING:
            end = len(text)
        elif text[end - 1 : end] == b"=":
            end -= 1
        elif end == len(text) and text[end - 2 : end - 1] == b"=":
            end -= 2
        self._carry = text[end:]
        return self._decode(text[:end])

    def finish(self) -> bytes:
        if not self._carry:
            return b""
        text, self._carry = self._carry + b"\n", b""
        soft = re.search(rb"=[ \t]*\r?\n\Z", text)
        octets = self._decode(text)
        return octets if soft else octets[:-1]

    def _decode(self, text: bytes) -> bytes:
        if not text.isascii():
            _note(self._defects, "qp-8bit")
        if _white_space_before_newline().search(text):
            text = _trailing_white_space().sub(b"", text)
        if b"=" not in text:
            return text
        if _invalid_escape().search(text):
            _note(self._defects, "qp-invalid-escape")
            text = _invalid_escape().sub(b"=3D", text)
        return binascii.a2b_qp(text)


@cache
def _white_space_before_newline() -> re.Pattern[bytes]:
    return re.compile(rb"\n(?:(?<=[ \t]\n)|(?<=[ \t]\r\n))")  # looks for newlines first, which are rare


@cache
def _trailing_white_space() -> re.Pattern[bytes]:
    return re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n)")  # the look-behind keeps long runs linear


@cache
def _invalid_escape() -> re.Pattern[bytes]:
    return re.compile(rb"=(?![0-9A-Fa-f]{2}|\r?\n)")


class _UuencodeDecoder:
    """What stands between `begin` and `end` (POSIX.1-2017, uuencode)."""

    __slots__ = ("_begun", "_carry", "_defects", "_ended")

    def __init__(self, defects: list[str]) -> None:
        self._defects = defects
        self._carry = b""
        self._begun = self._ended = False

    def update(self, block: bytes) -> bytes:
        *lines, rest = (self._carry + block).split(b"\n")
        if len(rest) > _MAX_LINE:  # no line of uuencode is as long; its beginning decides
            rest = rest[:_MAX_LINE]
        self._carry = rest
        return b"".join(map(self._line, lines))

    def finish(self) -> bytes:
        octets = self._line(self._carry)
        if not self._begun:
            _note(self._defects, "uuencode-without-begin")
        elif not self._ended:
            _note(self._defects, "uuencode-without-end")
        return octets

    def _line(self, line: bytes) -> bytes:
        line = line.rstrip(b"\r")
        if not self._begun:
            self._begun = re.match(rb"begin(?:-[a-z]+)? [0-7]{3,4} ", line) is not None
            return b""
        if self._ended or not line:
            return b""
        if line.rstrip() == b"end":
            self._ended = True
            return b""
        try:
            return binascii.a2b_uu(line)
        except binascii.Error:
            # Some writers add a checksum or a filler; the count says where the data end.
            count = ((line[0] - 32) & 63) * 4 + 5
        try:
            return binascii.a2b_uu(line[: count // 3])
        except binascii.Error:
            _note(self._defects, "uuencode-invalid-line")
            return b""


def encode(
    encoding: str, chunks: Iterable[bytes], *, newline: bytes = b"\r\n", line_end: bytes | None = None
) -> Iterator[bytes]:
    """Apply `encoding` (`7bit`, `8bit`, `binary`, `quoted-printable`, `base64`); lines end in `newline`.

    `line_end`, CRLF or LF, says that the content is text and what ends its lines: quoted-printable then
    keeps lines as lines, any other CR or LF is escaped. Without it the content is octets. Lines hold at
    `MAX_ENCODED_LINE`; no line of quoted-printable is a lone full stop or begins with ``From ``. The last
    line of base64 is ended, an empty content stays empty. How chunks are cut makes no difference. Memory is
    bounded.

    Raises:
        DataError: another encoding, or 8-bit octets in `7bit`; raised by the iterator.
    """
    name = encoding.lower()
    if name == "base64":
        yield from _encode_base64(chunks, newline)
    elif name == "quoted-printable":
        yield from _encode_quoted_printable(chunks, newline, line_end)
    elif name == "7bit":
        for chunk in chunks:
            if not chunk.isascii():
                raise DataError("8-bit octets in a 7bit body", hint="Choose quoted-printable or base64.")
            yield chunk
    elif name in ("8bit", "binary"):
        yield from chunks
    else:
        raise DataError(f"cannot encode as {encoding!r}")


def encode_bytes(
    encoding: str, data: bytes, *, newline: bytes = b"\r\n", line_end: bytes | None = None
) -> bytes:
    """Apply `encoding` to a whole body; as `encode`."""
    return b"".join(encode(encoding, (data,), newline=newline, line_end=line_end))


def _blocks(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same octets in blocks of `size`, the last one shorter."""
    pending: list[bytes] = []
    held = 0
    for chunk in chunks:
        pending.append(chunk)
        held += len(chunk)
        if held < size:
            continue
        text = b"".join(pending)
        whole = held - held % size
        for start in range(0, whole, size):
            yield text[start : start + size]
        pending, held = [text[whole:]], held - whole
    rest = b"".join(pending)
    if rest:
        yield rest


def _encode_base64(chunks: Iterable[bytes], newline: bytes) -> Iterator[bytes]:
    for block in _blocks(chunks, _LINE_OF_BASE64 * 1024):
        text = binascii.b2a_base64(block, newline=False)
        lines = [text[start : start + MAX_ENCODED_LINE] for start in range(0, len(text), MAX_ENCODED_LINE)]
        lines.append(b"")
        yield newline.join(lines)


def _encode_quoted_printable(
    chunks: Iterable[bytes], newline: bytes, line_end: bytes | None
) -> Iterator[bytes]:
    """Blocks are cut after line ends; a line longer than a block is cut with a soft line break."""
    write: Callable[[bytes], bytes] = _escape_octets if line_end is None else _text_escaper(line_end)
    carry = b""
    for block in _blocks(chunks, 1 << 16):
        text = carry + block
        cut = text.rfind(line_end) + len(line_end) if line_end and line_end in text else 0
        lines, carry = text[:cut], text[cut:]
        octets = write(lines) if lines else b""
        if len(carry) > 1 << 15:
            octets += write(carry[:-1]) + b"=\n"
            carry = carry[-1:]
        yield _protect(octets).replace(b"\n", newline)
    if carry:
        yield _protect(write(carry)).replace(b"\n", newline)


def _escape_octets(octets: bytes) -> bytes:
    encoded = binascii.b2a_qp(octets, istext=False).replace(b"\r\n", b"\n")
    if b"\n" in octets:
        # Before an LF, which it takes for a line end, b2a_qp makes lines one octet too long.
        encoded = _overlong_line().sub(rb"\1=\n\2=", encoded)
    return encoded


@cache
def _overlong_line() -> re.Pattern[bytes]:
    return re.compile(rb"(?m)^([^\n]{75})([^\n])=$")


def _text_escaper(line_end: bytes) -> Callable[[bytes], bytes]:
    def escape(text: bytes) -> bytes:
        lines = text.replace(b"\r\n", b"\n") if line_end == b"\r\n" else text
        bare = text.count(b"\n") - text.count(line_end)
        if b"\r" not in lines and not bare:
            encoded = binascii.b2a_qp(lines, istext=True)
            # It escapes white space at the end of a line that is full already.
            return _overlong_end().sub(rb"\1=\n\2", encoded) if _blank_end().search(encoded) else encoded
        return b"\n".join(map(_escape_octets, text.split(line_end)))

    return escape


@cache
def _blank_end() -> re.Pattern[bytes]:
    return re.compile(rb"\n(?:(?<==20\n)|(?<==09\n))")


@cache
def _overlong_end() -> re.Pattern[bytes]:
    return re.compile(rb"(?m)^([^\n]{74,75})(=20|=09)$")


def _protect(encoded: bytes) -> bytes:
    """Keep mbox writers off (RFC 2049 §3): the line is cut too, as it would grow beyond its limit."""
    return re.sub(rb"(?m)^From ", b"=46rom=\n ", encoded) if b"From " in encoded else encoded
