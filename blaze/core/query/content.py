"""What of a message is searched: its fields decoded, and its texts, own words apart from repeated ones."""

import re
from collections.abc import Iterator
from functools import cache
from html import unescape
from typing import NamedTuple

from blaze.core.mail import charset, date, encoded, message
from blaze.core.mail.header import Header
from blaze.core.mail.ids import parse_message_ids
from blaze.core.mail.message import Part
from blaze.core.mail.regex import possessive
from blaze.core.mail.text import SIGNATURE_SEPARATOR, unflow
from blaze.core.query import languages, words

MAX_TEXT = 1 << 21
"""Octets of a message's texts that are searched, their transfer encodings undone."""

MAX_FIELD = 1 << 18
"""Octets of the fields of one name that are searched."""

_LANGUAGE_WORDS = 1_000  # of a text that its language is found from
_FIELDS = (b"from", b"to", b"cc", b"bcc", b"subject")


class Links(NamedTuple):
    """A message among others: its Message-ID (empty where it has none), and those of References (the nearest
    last) and In-Reply-To; the Date in seconds since 1970 UTC, None where there is none; and From and Subject
    decoded, each as one line.
    """

    message_id: str
    references: tuple[str, ...]
    in_reply_to: tuple[str, ...]
    date: int | None
    sender: str
    subject: str


class Content(NamedTuple):
    """What is searched of one message; `texts` are as `COLUMNS` names them, without lone surrogates.

    `words` are those of each text, in order.
    """

    texts: tuple[str, ...]
    words: tuple[list[str], ...]
    links: Links
    has_attachment: bool
    language: str


def read(root: Part) -> Content:
    """What is searched of a message. Never raises; linear in its size, in bounded memory."""
    header = root.header
    texts = _Texts()
    has_attachment = False
    for depth, part in message.walk(root):
        if depth and part.default_type == b"text/plain" and _is_message_root(part):
            texts.quoted += [_field(part.header, name) for name in (b"subject", b"from")]
        if not part.parts:
            texts.add_part(part, is_root=not depth)
        has_attachment = has_attachment or _is_attachment(part)
    bodies = ("\n".join(lines) for lines in (texts.own, texts.quoted, texts.names))
    fields = (_field(header, name) for name in _FIELDS)
    columns = tuple(map(_clean, (*fields, *bodies, _field(header, b"list-id"))))
    sender, *_, subject = columns[: len(_FIELDS)]
    found = tuple(map(words.split, columns))
    body = found[len(_FIELDS)]
    return Content(
        columns,
        found,
        _links(header, sender, subject),
        has_attachment,
        languages.of_codes(root.languages) or languages.detect(body[:_LANGUAGE_WORDS]) or languages.DEFAULT,
    )


def read_links(header: Header) -> Links:
    """What a header says of its message's place among others. Never raises."""
    return _links(header, _clean(_field(header, b"from")), _clean(_field(header, b"subject")))


def _links(header: Header, sender: str, subject: str) -> Links:
    when = header.get(b"date")
    parsed = date.parse(when.unfolded_within(MAX_FIELD)) if when else None
    return Links(
        next(iter(_ids(header, b"message-id")), ""),
        tuple(_ids(header, b"references")),
        tuple(_replied_to(header)),
        int(parsed.datetime.timestamp()) if parsed else None,
        " ".join(sender.split()),
        " ".join(subject.split()),
    )


class _Texts:
    """The texts of a message as they are gathered."""

    def __init__(self) -> None:
        self.own: list[str] = []
        self.quoted: list[str] = []
        self.names: list[str] = []
        self.room = MAX_TEXT
        self.had_plain = False

    def add_part(self, part: Part, *, is_root: bool) -> None:
        name = part.filename
        if name:
            self.names.append(name)
        content_type = part.content_type
        if content_type.type != "text" or self.room <= 0:
            return
        text = _beginning(part, self.room).replace("\r\n", "\n")
        self.room -= len(text)
        if content_type.subtype == "html":
            text = html_text(text)
        elif content_type.params.get("format", "").lower() == "flowed":
            text = unflow(text, delete_space=content_type.params.get("delsp", "").lower() == "yes")
        if not is_root and (_is_attachment(part) or (content_type.subtype == "html" and self.had_plain)):
            self.quoted.append(text)
            return
        self.had_plain = self.had_plain or (content_type.subtype != "html" and bool(text.strip()))
        self.add_lines(text)

    def add_lines(self, text: str) -> None:
        """Part the lines of a text; the line that introduces a quotation goes with it."""
        if "\n>" not in text and not text.startswith(">") and "\n-- \n" not in text:
            self.own.append(text)
            return
        signature = text.find(f"\n{SIGNATURE_SEPARATOR}\n")
        if signature >= 0:
            self.quoted.append(text[signature:])
            text = text[:signature]
        for match in _quotations().finditer(text):
            (self.own if match.lastgroup == "own" else self.quoted).append(match[0])


def html_text(html: str) -> str:
    """The text in HTML: no markup, a line a block, quotations as lines that begin with `>`. Linear in time.

    It is for searching; `text.html_to_text` is for reading.
    """
    invisible, quotation, block, tag = _markup()
    html = invisible.sub(" ", html)
    pieces = []
    depth = 0
    for number, piece in enumerate(quotation.split(html)):
        if number % 2:
            depth = max(0, depth - 1) if piece.startswith("/") else depth + 1
            continue
        text = unescape(tag.sub("", block.sub("\n", piece)))
        pieces.append("\n".join("> " + line for line in text.split("\n")) if depth else text)
    return "\n".join(pieces)


def _beginning(part: Part, room: int) -> str:
    """The text of a part; of a long one the whole lines in its first `room` octets."""
    start, end = part.body
    if end - start <= room:
        return part.text()
    octets = bytearray()
    for chunk in part.iter_octets():
        octets += chunk
        if len(octets) >= room:
            # Where characters are of two or four octets, a newline is no octet of its own.
            whole = room - room % 4 if b"\0" in octets else octets.rfind(b"\n", 0, room) + 1
            del octets[whole or room :]
            break
    return charset.decode(bytes(octets), part.content_type.params.get("charset")).text


def _is_message_root(part: Part) -> bool:
    return part.header.get(b"subject") is not None or part.header.get(b"from") is not None


def _is_attachment(part: Part) -> bool:
    """An attachment by its disposition, or a named part that is no text of the message (RFC 2183 §2.2)."""
    disposition = part.disposition
    if disposition is not None:
        return disposition.type == "attachment"
    return part.content_type.type not in ("text", "multipart", "message") and bool(part.filename)


def _field(header: Header, name: bytes) -> str:
    return "\n".join(map(encoded.decode, _values(header, name)))


def _values(header: Header, name: bytes) -> Iterator[bytes]:
    """The unfolded values of the fields of one name, together at most `MAX_FIELD` octets of them."""
    room = MAX_FIELD
    for field in header.get_all(name):
        if room <= 0:
            return
        value = field.unfolded_within(room)
        room -= len(value)
        yield value


def _ids(header: Header, name: bytes) -> Iterator[str]:
    for value in _values(header, name):
        yield from map(_clean, parse_message_ids(value))


def _replied_to(header: Header) -> Iterator[str]:
    """The identifiers of In-Reply-To; in prose (`Message from A <a@b> of Monday. <id>`) those at its start,
    else those at its end: between them stands the address of who wrote.
    """
    for value in _values(header, b"in-reply-to"):
        if b"=?" in value:  # by which some software folds long identifiers
            value = encoded.decode(value).encode("utf-8", "surrogateescape")
        pieces = _identifiers().split(value)  # prose, identifier, prose, ..., prose
        for ordered in (pieces, pieces[::-1]):
            prose = (number for number in range(0, len(ordered), 2) if ordered[number].strip())
            found = ordered[1 : next(prose, len(ordered)) : 2]
            if found:
                found = found if ordered is pieces else found[::-1]
                yield from map(_clean, parse_message_ids(b" ".join(found)))
                break


def _clean(text: str) -> str:
    """`text` without NUL and lone surrogates, which no index can hold."""
    if "\0" in text:
        text = text.replace("\0", " ")
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


@cache
def _identifiers() -> re.Pattern[bytes]:
    return re.compile(rb"(<[^<>]*+>)")


@cache
def _quotations() -> re.Pattern[str]:
    """Lines that are quoted, with a line before them that ends in a colon; or lines that are not."""
    return possessive(r"(?P<quoted>(?:[^>\n][^\n]*:[ \t]*\n\n?(?=>))?+(?:>[^\n]*+\n?)++)|(?P<own>[^\n]*+\n?)")


@cache
def _markup() -> tuple[re.Pattern[str], ...]:
    return (
        re.compile(r"(?is)<!--.*?(?:-->|\Z)|<(script|style)\b[^<>]*+>.*?(?:</\1\s*>|\Z)"),
        re.compile(r"(?i)<(/?blockquote)\b[^<>]*+>"),
        re.compile(
            r"(?i)</?(?:br|p|div|tr|td|th|li|[uod]l|d[td]|h[1-6r]|table|pre|title|option|body|head|html)\b[^<>]*+>"
        ),
        re.compile(r"<[a-zA-Z/!?][^<>]*+>"),
    )
