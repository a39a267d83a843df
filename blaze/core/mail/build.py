"""Header fields as RFC 5322 wants them written: folded, encoded only where they must be, and never forged.

Every function returns one whole field, its newline included. Text goes in as `str`; a value that would break
out of its field (CR, LF, NUL) or that cannot be said in the chosen form is refused with `DataError`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple

from blaze.core.errors import DataError
from blaze.core.mail import address, date, encoded, mime
from blaze.core.mail.address import Address, Group, Mailbox
from blaze.core.mail.parameters import encode_parameters

PREFERRED_LINE = 78
"""Characters of a line without its newline, RFC 5322 §2.1.1."""

MAX_LINE = 998
"""Octets of a line without its newline, RFC 5322 §2.1.1."""

MAX_ENCODED_LINE = 76
"""Characters of a line that holds an encoded-word, RFC 2047 §2."""

MAX_ENCODED_WORD = 75
"""Characters of one encoded-word, RFC 2047 §2."""

_MIN_ENCODED_WORD = 26  # an encoded-word shorter than this says too little: it goes to the next line
_MAX_BLANKS = 40  # a longer run of blanks is encoded, so that no line consists of blanks

ADDRESS_FIELDS = frozenset(
    b"from sender reply-to to cc bcc resent-from resent-sender resent-reply-to resent-to resent-cc resent-bcc"
    b" disposition-notification-to return-receipt-to errors-to mail-followup-to".split()
)
"""Fields whose value is a list of addresses, by lower-case name."""

MESSAGE_ID_FIELDS = frozenset(
    b"message-id in-reply-to references resent-message-id content-id original-message-id".split()
)
"""Fields whose value is a list of message identifiers."""

PARAMETER_FIELDS = frozenset(b"content-type content-disposition".split())
"""Fields whose value is a word and parameters (RFC 2045 §5.1, RFC 2183 §2)."""

STRUCTURED_FIELDS = frozenset(
    b"date resent-date mime-version content-transfer-encoding content-language content-location content-md5"
    b" received return-path dkim-signature authentication-results received-spf arc-seal arc-message-signature"
    b" arc-authentication-results list-archive list-help list-owner list-post list-subscribe list-unsubscribe"
    b" list-unsubscribe-post auto-submitted autocrypt feedback-id".split()
)
"""Other fields in which an encoded-word would not be understood; their values are ASCII."""

UNIQUE_FIELDS = frozenset(
    b"date from sender reply-to to cc bcc message-id in-reply-to references subject mime-version content-type"
    b" content-transfer-encoding content-id content-disposition content-description".split()
)
"""Fields that stand at most once in a header, RFC 5322 §3.6 and RFC 2045 §3."""


_TAKEN_DEFECTS = frozenset({"unquoted-value", "encoded-word-in-parameter"})  # a person may write so
_MAY_BE_EMPTY = frozenset({b"bcc", b"resent-bcc"})  # RFC 5322 §3.6.3


class Style(NamedTuple):
    """How text becomes octets: the newline, and whether UTF-8 may stand in a header (RFC 6532)."""

    newline: bytes = b"\n"
    utf8: bool = False


LF = Style()


def fold(name: str, items: Iterable[Sequence[bytes]], style: Style = LF) -> bytes:
    """One field from pieces between which it may be folded.

    A piece begins with the white space before which a newline may stand. `items` are the elements of the
    value at its highest level (the addresses of a list, with their commas), each made of pieces; a line ends
    between two items if it can, else inside one. The pieces joined are the unfolded value. Lines are kept to
    78 characters (76 with an encoded-word) where the pieces allow it.

    Raises:
        DataError: the name is none (RFC 5322 §2.2), or a piece is longer than the 998 octets of a line.
    """
    items = [tuple(item) for item in items]
    encoded_words = any(b"=?" in piece for item in items for piece in item)
    line = _Lines(name, style, MAX_ENCODED_LINE if encoded_words else PREFERRED_LINE)
    for item in items:
        line.add_item(item)
    return line.octets()


class _Lines:
    """A field under construction. It ends its lines only where a piece brings white space."""

    __slots__ = ("_column", "_has_value", "_limit", "_name", "_octets", "_pieces", "_style")

    def __init__(self, name: str, style: Style, limit: int) -> None:
        _check_name(name)
        self._name = name
        self._style = style
        self._limit = limit
        self._column = len(name) + 1
        self._octets = self._column
        self._has_value = False
        self._pieces = [name.encode("ascii"), b":"]

    @property
    def room(self) -> int:
        """Characters left on the current line."""
        return self._limit - self._column

    def add_item(self, pieces: Sequence[bytes]) -> None:
        """Add an item, on one line if that can be done."""
        if not pieces:
            return
        width = sum(map(_characters, pieces))
        if self._has_value and width > self.room and width <= self._limit:
            self._end_line()
        for piece in pieces:
            self.add(piece)

    def add(self, piece: bytes) -> None:
        """Add a piece to the current line, or begin another with it."""
        width = _characters(piece)
        if len(piece) > MAX_LINE:
            raise DataError(
                f"a word of {len(piece):,} octets does not fit into a line", where=f"field {self._name}"
            )
        better_alone = width <= self._limit or self._octets + len(piece) > MAX_LINE
        if width > self.room and (self._has_value or better_alone):
            self._end_line()
        self._pieces.append(piece)
        self._column += width
        self._octets += len(piece)
        self._has_value = True

    def _end_line(self) -> None:
        self._pieces.append(self._style.newline)
        self._column = self._octets = 0
        self._has_value = False

    def octets(self) -> bytes:
        """The whole field."""
        return b"".join((*self._pieces, self._style.newline))


def unstructured(name: str, text: str, style: Style = LF) -> bytes:
    """A field of free text, such as Subject (RFC 5322 §3.2.5).

    Words that are not ASCII (with `style.utf8`: that hold control characters), that look like an encoded-word
    or do not fit into a line become encoded-words (RFC 2047 §5), the white space between two of them within;
    every other octet stays. White space at the ends of `text` is dropped.
    """
    _check_text(name, text)
    runs = _runs(text.strip(" \t"), style)
    limit = MAX_ENCODED_LINE if any(run.encode for run in runs) else PREFERRED_LINE
    line = _Lines(name, style, limit)
    for run in runs:
        blanks = run.blanks.encode("ascii")
        if not run.encode:
            line.add(blanks + _octets(name, run.text))
            continue
        first_width = min(line.room - len(blanks), MAX_ENCODED_WORD)
        if first_width < _MIN_ENCODED_WORD:
            first_width = min(MAX_ENCODED_LINE - len(blanks), MAX_ENCODED_WORD)
        for word in encoded.encode(run.text, first_width=first_width, width=MAX_ENCODED_WORD):
            line.add(blanks + word)
            blanks = b" "
    return line.octets()


def addresses(name: str, mailboxes: Iterable[Mailbox | Group], style: Style = LF) -> bytes:
    """A field of addresses (RFC 5322 §3.4), folded after the commas between them.

    Display names that are not ASCII become encoded-words; domains become A-labels unless `style.utf8`.

    Raises:
        DataError: a local-part is not ASCII and UTF-8 is not allowed, a domain is not valid IDNA, or a value
            holds CR, LF or NUL.
    """
    items: list[list[bytes]] = []
    for each in mailboxes:
        if isinstance(each, Group):
            items.append(_glue(_phrase(name, each.decoded_name, style), b":"))
            items += [_glue(_mailbox(name, member, style), b",") for member in each.mailboxes]
            items[-1][-1] = items[-1][-1].removesuffix(b",") + b";,"
        else:
            items.append(_glue(_mailbox(name, each, style), b","))
    if items:
        items[-1][-1] = items[-1][-1].removesuffix(b",")
    return fold(name, items, style)


def phrases(name: str, texts: Iterable[str], style: Style = LF) -> bytes:
    """A field of phrases with commas between them, such as Keywords (RFC 5322 §3.6.5)."""
    items = [_glue(_phrase(name, text, style), b",") for text in texts]
    if items:
        items[-1][-1] = items[-1][-1].removesuffix(b",")
    return fold(name, items, style)


def message_ids(name: str, identifiers: Iterable[str], style: Style = LF) -> bytes:
    """A field of message identifiers (RFC 5322 §3.6.4), given without their angle brackets.

    Raises:
        DataError: one holds white space, an angle bracket, a control character, or (without `style.utf8`)
            anything but ASCII.
    """
    pieces = []
    for identifier in identifiers:
        _check_text(name, identifier)
        if not identifier or not (style.utf8 or identifier.isascii()) or _not_in_an_identifier(identifier):
            raise DataError(f"not a message identifier: <{identifier}>", where=f"field {name}")
        pieces.append((b" <" + _octets(name, identifier) + b">",))
    return fold(name, pieces, style)


def date_time(name: str, when: datetime, style: Style = LF) -> bytes:
    """A field with a date and time (RFC 5322 §3.3), in the zone of `when`."""
    return fold(name, [(b" " + date.format(when).encode("ascii"),)], style)


def parameters(name: str, value: str, params: Mapping[str, str], style: Style = LF) -> bytes:
    """Content-Type or Content-Disposition: a word and its parameters (RFC 2045 §5.1, RFC 2183).

    Values that are not ASCII or too long for a line are encoded and continued as RFC 2231 says. Folded after
    the semicolons only.
    """
    if not _type_word().fullmatch(value):
        raise DataError(f"not a token of RFC 2045 §5.1: {value!r}", where=f"field {name}")
    for key, text in params.items():
        _check_text(name, key)
        _check_text(name, text)
    words = [value.encode("ascii"), *encode_parameters(params)]
    last = len(words) - 1
    items = [(b" " + word + (b";" if index < last else b""),) for index, word in enumerate(words)]
    return fold(name, items, style)


def structured(name: str, text: str, style: Style = LF) -> bytes:
    """A field whose value is written already: `text` is folded at its white space, first after `,` and `;`.

    Control characters other than CR, LF and NUL stay as they are.

    Raises:
        DataError: it is not ASCII and `style.utf8` is not set, or it holds CR, LF or NUL.
    """
    _check_text(name, text)
    if not (style.utf8 or text.isascii()):
        raise DataError(f"{name} takes ASCII only: {text}", hint="--utf8 allows UTF-8 in header fields.")
    pieces = re.findall(rb"[ \t]*[^ \t]+", b" " + _octets(name, text.strip(" \t")))
    items: list[list[bytes]] = [[]]
    for piece in pieces:
        items[-1].append(piece)
        if piece.endswith((b",", b";")):
            items.append([])
    return fold(name, items, style)


def field(name: str, text: str, style: Style = LF) -> bytes:
    """A field from its name and its value as a person types it; the name tells which grammar holds.

    Addresses, message identifiers, dates and MIME parameters are read and written anew; other structured
    fields are folded; all else is free text. Text that is ASCII and holds encoded-words already is left so.

    Raises:
        DataError: the value is not what the field takes, or would break out of it.
    """
    _check_name(name)
    _check_text(name, text)
    key = name.lower().encode("ascii")
    value = _octets(name, text.strip(" \t"))
    if key in ADDRESS_FIELDS:
        if not value and key in _MAY_BE_EMPTY:
            return fold(name, [], style)
        return addresses(name, parse_addresses(name, text), style)
    if key in MESSAGE_ID_FIELDS:
        identifiers = _identifiers(text)
        if key == b"message-id" and (len(identifiers) != 1 or "@" not in identifiers[0]):
            raise DataError(f"not one identifier such as <a@b>: {text.strip()}", where=f"field {name}")
        return message_ids(name, identifiers, style)
    if key == b"keywords" and not text.isascii():
        return phrases(name, filter(None, map(str.strip, text.split(","))), style)
    if key in PARAMETER_FIELDS:
        return _parameter_field(name, value, style)
    if key in (b"date", b"resent-date") and date.parse(value) is None:
        raise DataError(f"not a date: {text.strip()}", where=f"field {name}")
    if key in STRUCTURED_FIELDS or (text.isascii() and _encoded_word().search(text)):
        _check_plain(name, text)
        return structured(name, text, style)
    return unstructured(name, text, style)


def parse_field(text: str, style: Style = LF) -> bytes:
    """A field from `Name: value`, as `field` makes it.

    Raises:
        DataError: there is no colon, or as `field`.
    """
    name, colon, value = text.partition(":")
    if not colon:
        raise DataError(f"not a header field: {text!r}", hint="A field is 'Name: value'.")
    return field(name.rstrip(" \t"), value, style)


def parse_addresses(name: str, text: str) -> tuple[Address, ...]:
    """The addresses that a person typed for the field `name`: at least one, and each complete.

    Raises:
        DataError: it is no address-list of RFC 5322 §3.4, or one with obsolete syntax.
    """
    _check_text(name, text)
    parsed = address.parse_list(_octets(name, text))
    if parsed.defects or not parsed.addresses:
        reason = f" ({parsed.defects[0].name.replace('-', ' ')})" if parsed.defects else ""
        raise DataError(f"not a list of addresses{reason}", where=f"{name}: {text}")
    return parsed.addresses


def keys(fields: Iterable[bytes]) -> set[bytes]:
    """The names of whole fields, in lower case."""
    return {octets.partition(b":")[0].lower() for octets in fields}


class _Run(NamedTuple):
    """The white space before some text, the text, and whether it must be encoded."""

    blanks: str
    text: str
    encode: bool


def _runs(text: str, style: Style) -> list[_Run]:
    if not text:
        return []
    tokens = [" ", *re.split(r"([ \t]+)", text)]
    blanks, words = tokens[::2], tokens[1::2]
    encode = [_must_encode(word, style) for word in words]
    for index, run in enumerate(blanks):
        if len(run) > _MAX_BLANKS:
            encode[index - 1] = encode[index] = True
    runs: list[_Run] = []
    index = 0
    while index < len(words):
        start = index
        index += 1
        while encode[start] and index < len(words) and encode[index]:
            index += 1
        joined = "".join(tokens[2 * start + 1 : 2 * index])
        runs.append(_Run(blanks[start], joined, encode[start]))
    return runs


def _must_encode(text: str, style: Style) -> bool:
    return (
        not (style.utf8 or text.isascii())
        or "=?" in text
        or len(text.encode("utf-8", "surrogateescape")) >= MAX_LINE
        or _never_raw().search(text) is not None
    )


def _glue(pieces: list[bytes], octets: bytes) -> list[bytes]:
    return [*pieces[:-1], pieces[-1] + octets]


def _mailbox(name: str, mailbox: Mailbox, style: Style) -> list[bytes]:
    _check_plain(name, mailbox.local_part)
    _check_plain(name, mailbox.domain)
    if not style.utf8:
        if not mailbox.local_part.isascii():
            raise DataError(
                f"the local-part is not ASCII: {mailbox.addr_spec}",
                where=f"field {name}",
                hint="Such an address needs --utf8, and SMTPUTF8 on the way (RFC 6531).",
            )
        mailbox = mailbox._replace(domain=address.to_ascii_domain(mailbox.domain))
    addr_spec = _octets(name, mailbox.addr_spec)
    display_name = mailbox.decoded_name
    if not display_name:
        return [b" " + addr_spec]
    return [*_phrase(name, display_name, style), b" <" + addr_spec + b">"]


def _phrase(name: str, text: str, style: Style) -> list[bytes]:
    """A phrase as pieces: words, a quoted-string or encoded-words (RFC 5322 §3.2.5, RFC 2047 §5)."""
    _check_text(name, text)
    if _must_encode(text, style):
        return [b" " + word for word in encoded.encode_phrase(text, width=MAX_ENCODED_WORD)]
    if not _atoms().fullmatch(text):
        text = '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
    return [piece.encode() for piece in re.findall(r"[ \t]*[^ \t]+", " " + text)]


def _parameter_field(name: str, value: bytes, style: Style) -> bytes:
    if name.lower() == "content-type":
        media = mime.parse_content_type(value)
        if not _TAKEN_DEFECTS.issuperset(media.defects):
            raise DataError(f"not a media type: {value.decode()}", where=f"field {name}")
        return parameters(name, f"{media.type}/{media.subtype}", media.params, style)
    disposition = mime.parse_content_disposition(value)
    if not _TAKEN_DEFECTS.issuperset(disposition.defects):
        raise DataError(f"not a disposition: {value.decode()}", where=f"field {name}")
    return parameters(name, disposition.type, disposition.params, style)


def _identifiers(text: str) -> list[str]:
    """The words of `text` without the angle brackets around them; half a pair stays, and is refused later."""
    words = text.replace("><", "> <").split()
    return [word[1:-1] if word.startswith("<") and word.endswith(">") else word for word in words]


def _check_name(name: str) -> None:
    if not name or len(name) > MAX_LINE - 1 or not _field_name().fullmatch(name):
        raise DataError(f"not a field name: {name!r}", hint="A name is ASCII, without blanks and colons.")


def _check_text(name: str, text: str) -> None:
    if "\r" in text or "\n" in text or "\0" in text:
        raise DataError("a line break or NUL in a value", where=f"field {name}: {text!r}")


def _check_plain(name: str, text: str) -> None:
    """Refuse what only an encoded-word could say, where none may stand."""
    _check_text(name, text)
    if _never_raw().search(text):
        raise DataError("a control character in a value", where=f"field {name}: {text!r}")


def _octets(name: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise DataError("a value is not UTF-8", where=f"field {name}: {text!r}") from None


def _characters(octets: bytes) -> int:
    return len(octets) if octets.isascii() else len(octets.decode("utf-8", "replace"))


def _not_in_an_identifier(text: str) -> bool:
    return any(character <= " " or character in "<>\x7f" for character in text)


@cache
def _field_name() -> re.Pattern[str]:
    return re.compile(r"[!-9;-~]+")


@cache
def _type_word() -> re.Pattern[str]:
    """A token, or two of them with a slash between (RFC 2045 §5.1)."""
    word = r"[!#$%&'*+.0-9A-Z^_`a-z{|}~-]+"
    return re.compile(f"{word}(?:/{word})?")


@cache
def _never_raw() -> re.Pattern[str]:
    return re.compile("[\x01-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@cache
def _atoms() -> re.Pattern[str]:
    """Atoms with single blanks between them; UTF-8 counts as atext (RFC 6532 §3.2)."""
    atext = r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u0080-\U0010ffff]+"
    return re.compile(f"{atext}(?: {atext})*")


@cache
def _encoded_word() -> re.Pattern[str]:
    return re.compile(r"=\?[^\s?]+\?[BbQq]\?[^\s?]*\?=")
