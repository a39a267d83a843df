"""Encoded words: text beyond ASCII in header fields, both ways (RFC 2047, RFC 2231 §5, RFC 6532 §3.2)."""

import binascii
import re
from functools import cache
from itertools import islice
from typing import Literal, NamedTuple, TypeAlias

from blaze.core.errors import DataError
from blaze.core.mail import charset as charsets
from blaze.core.mail.regex import possessive

MAX_WORD = 75  # octets of an encoded word, RFC 2047 §2
MAX_LINE = 76  # octets of a line that holds an encoded word, RFC 2047 §2
MAX_WORDS = 100_000
"""Encoded words of one value that are decoded; what follows them stays as it is."""

_MAX_PLAIN_WORD = (
    900  # octets; a longer one is encoded so that its line can be folded below 998, RFC 5322 §2.1.1
)

Context: TypeAlias = Literal["text", "comment", "phrase"]
"""Where an encoded word stands, which decides what Q may leave as it is (RFC 2047 §5)."""

# A word's text ends at the next `?=`; another `=?` before it means that this word was never finished.
# Spaces and question marks inside are against the rules and common. Possessive, so that time is linear.
_WORD = possessive(rb"=\?([!-<>@-~]++)\?([bBqQ])\?((?:[^?=]++|\?(?!=)|=(?!\?(?!=)))*+)\?=")


class _Word(NamedTuple):
    codec: str
    encoding: bytes
    text: bytes


def decode(value: bytes) -> str:
    """The text of an unstructured value (RFC 2047 §6.2); never raises.

    `value` is unfolded. White space between encoded words is dropped, all other is kept. Neighbours of one
    charset are put together before they are decoded, so a character split between them survives. Words with
    an unknown charset, encoding or broken base64 stay as they are. 8-bit octets are UTF-8, or lone
    surrogates (PEP 383). The result may hold any character, line ends too. At most `MAX_WORDS` words are
    decoded. Linear in the length of `value`.
    """
    if b"=?" not in value:
        return value.decode("utf-8", "surrogateescape")
    pieces: list[str] = []
    run: list[_Word] = []
    end = 0
    for match in islice(_WORD.finditer(value), MAX_WORDS):
        word = _word(match)
        if word is None:
            continue
        gap = value[end : match.start()]
        if not run or (gap and not gap.isspace()):
            pieces.append(_decode_run(run))
            run = []
            pieces.append(gap.decode("utf-8", "surrogateescape"))
        elif word.codec != run[0].codec:
            pieces.append(_decode_run(run))
            run = []
        run.append(word)
        end = match.end()
    pieces.append(_decode_run(run))
    pieces.append(value[end:].decode("utf-8", "surrogateescape"))
    return "".join(pieces)


def decode_phrase(value: bytes) -> str:
    """The text of a display name whose quoting is undone (RFC 2047 §5 (3)); never raises.

    As `decode`, and white space at the ends is dropped. Encoded words are not allowed in a quoted string, and
    many clients write them there; they are decoded like any other.
    """
    return decode(value).strip(" \t\r\n")


def _word(match: re.Match[bytes]) -> _Word | None:
    label, encoding, text = match.groups()
    codec = charsets.lookup(label.partition(b"*")[0].decode("ascii"))
    if codec is None:
        return None
    if encoding in b"bB":
        text = b"".join(text.split())
        return _Word(codec, b"B", text) if _is_base64(text) else None
    return _Word(codec, b"Q", text)


def _is_base64(text: bytes) -> bool:
    return not text.translate(None, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")


def _decode_run(run: list[_Word]) -> str:
    """The text of neighbouring words that share a charset."""
    if not run:
        return ""
    octets: list[bytes] = []
    base64: list[bytes] = []
    for word in run:
        if word.encoding == b"B":
            base64.append(word.text)
            continue
        octets.append(_decode_base64(base64))
        base64 = []
        octets.append(_decode_q(word.text))
    octets.append(_decode_base64(base64))
    return charsets.decode(b"".join(octets), run[0].codec).text


def _decode_base64(texts: list[bytes]) -> bytes:
    """Each text is a whole; but one stream cut anywhere, as bad clients do, is put together first."""
    if any(len(text) % 4 for text in texts):
        joined = b"".join(texts)
        if len(joined) % 4 == 0 and b"=" not in joined.rstrip(b"="):
            texts = [joined]
    return b"".join(map(_decode_padded, texts))


def _decode_padded(text: bytes) -> bytes:
    """Every stretch between padding is decoded; a last character of six bits is dropped."""
    octets = []
    for stretch in text.strip(b"=").split(b"="):
        whole = stretch[:-1] if len(stretch) % 4 == 1 else stretch
        octets.append(binascii.a2b_base64(whole + b"=" * (-len(whole) % 4)))
    return b"".join(octets)


def _decode_q(text: bytes) -> bytes:
    if b"=" not in text:
        return text.replace(b"_", b" ")
    return binascii.a2b_qp(_lone_equals().sub(b"=3D", text), header=True)


@cache
def _lone_equals() -> re.Pattern[bytes]:
    return re.compile(rb"=(?![0-9A-Fa-f]{2})")


def encode(
    text: str,
    *,
    charset: str = "utf-8",
    first_width: int = MAX_WORD,
    width: int = MAX_WORD,
    context: Context = "text",
) -> list[bytes]:
    """The whole of `text` as encoded words, none over `width` octets, the first not over `first_width`.

    Joined by a space, or by a newline and a space, they decode to `text` again. Q is chosen, which people
    can read, unless B is shorter by a third. No character is split. `charset` is written as given; text
    that is no Unicode because of octets kept as lone surrogates (PEP 383) is labelled ``unknown-8bit`` (RFC
    1428). An empty text gives no word. Widths too small for one character are exceeded, up to `MAX_WORD`.
    Linear in the length of `text`.

    Raises:
        DataError: `charset` has no codec or cannot express `text`.
    """
    if not text:
        return []
    writer = _writer(text, charset, context)
    words: list[bytes] = []
    start = 0
    room = min(first_width, MAX_WORD)
    while start < len(text):
        end = writer.fit(start, room)
        if end == start and words == [] and room < width:
            room = min(width, MAX_WORD)
            continue
        end = end if end > start else start + 1
        words.append(writer.word(start, end))
        start, room = end, min(width, MAX_WORD)
    return words


def encode_phrase(
    text: str, *, charset: str = "utf-8", first_width: int = MAX_WORD, width: int = MAX_WORD
) -> list[bytes]:
    """A phrase as atoms and encoded words (RFC 2047 §5 (3)); joined by a space they decode to `text` again.

    Only words that are no atoms are encoded, neighbours together with the space between them. A text of
    ASCII alone reads better as a quoted string, which is the caller's choice. Widths and errors are those
    of `encode`.
    """
    words: list[bytes] = []
    for run, plain in _phrase_runs(text):
        if plain:
            words.append(run.encode("ascii"))
            continue
        room = width if words else first_width
        words += encode(run, charset=charset, first_width=room, width=width, context="phrase")
    return words


def _phrase_runs(text: str) -> list[tuple[str, bool]]:
    """The text in runs, to be joined by single spaces; True for an atom."""
    words = text.split(" ")
    if "" in words:  # white space that only an encoded word can keep
        return [(text, False)] if text else []
    runs: list[tuple[str, bool]] = []
    pending: list[str] = []
    for word in words:
        if not _atom().fullmatch(word) or "=?" in word:
            pending.append(word)
            continue
        if pending:
            runs.append((" ".join(pending), False))
            pending = []
        runs.append((word, True))
    if pending:
        runs.append((" ".join(pending), False))
    return runs


@cache
def _atom() -> re.Pattern[str]:
    return re.compile(rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~-]{{1,{_MAX_PLAIN_WORD}}}")


# What Q leaves as it is: in text all but `=`, `?`, `_` and the space; in a comment no parenthesis,
# quotation mark or backslash either; in a phrase only what RFC 2047 §5 (3) lists.
_Q_SAFE: dict[Context, bytes] = {
    "text": b"!\"#$%&'()*+,-./:;<>@[\\]^`{|}~",
    "comment": b"!#$%&'*+,-./:;<>@[]^`{|}~",
    "phrase": b"!*+-/",
}
_LETTERS_DIGITS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@cache
def _q_table(context: Context) -> list[bytes]:
    """What Q writes for each octet."""
    safe = _LETTERS_DIGITS + _Q_SAFE[context]
    table = [bytes((octet,)) if octet in safe else b"=%02X" % octet for octet in range(256)]
    table[0x20] = b"_"
    return table


class _Writer:
    """Writes spans of one text as encoded words of one charset and encoding."""

    __slots__ = ("_codec", "_prefix", "_q", "_table", "_text")

    def __init__(self, text: str, label: str, codec: str, context: Context) -> None:
        self._text = text
        self._codec = codec
        self._table = _q_table(context)
        octets = self._octets(0, len(text))
        escaped = sum(map(len, map(self._table.__getitem__, octets)))
        self._q = 2 * escaped <= 3 * (4 * ((len(octets) + 2) // 3))
        self._prefix = b"=?%s?%s?" % (label.encode("ascii"), b"q" if self._q else b"b")

    def _octets(self, start: int, end: int) -> bytes:
        return self._text[start:end].encode(self._codec, "surrogateescape")

    def _encoded(self, start: int, end: int) -> bytes:
        octets = self._octets(start, end)
        if self._q:
            return b"".join(map(self._table.__getitem__, octets))
        return binascii.b2a_base64(octets, newline=False)

    def word(self, start: int, end: int) -> bytes:
        """The encoded word for the characters from `start` to `end`."""
        return b"%s%s?=" % (self._prefix, self._encoded(start, end))

    def fit(self, start: int, room: int) -> int:
        """The furthest end for which the word has at most `room` octets; `start` when there is none."""
        room -= len(self._prefix) + 2
        low, high = start, min(len(self._text), start + max(room, 0))
        while low < high:
            middle = (low + high + 1) // 2
            if len(self._encoded(start, middle)) <= room:
                low = middle
            else:
                high = middle - 1
        return low


def _writer(text: str, charset: str, context: Context) -> _Writer:
    codec = charsets.encoder(charset)
    if codec is None:
        raise DataError(f"unknown charset {charset!r}")
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        pass
    else:
        return _Writer(text, charset, codec, context)
    try:
        text.encode("utf-8", "surrogateescape")
        return _Writer(text, "unknown-8bit", "utf-8", context)
    except UnicodeEncodeError as error:
        raise DataError(
            f"not to be written in {charset}: {error.object[error.start : error.end]!r}"
        ) from None
