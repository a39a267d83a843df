"""The text of a message for a person: the best part chosen, flowed lines joined, HTML made readable."""

import re
from collections.abc import Iterable, Iterator
from functools import cache

from blaze.core.mail import charset
from blaze.core.mail.message import Part
from blaze.core.mail.regex import possessive

MAX_HTML = 1_000_000
"""Characters of an HTML text that are made readable; the rest is left out, and that is said."""

MAX_NESTING = 30
"""Lists and quotations inside one another that HTML is made readable with."""

LARGE = 1 << 20
"""Octets of a body that is decoded as a whole, its charset checked against it; a larger one is in pieces."""

_BYTE_ORDER_MARK = "\ufeff"  # at the beginning of a text it is no part of it

SIGNATURE_SEPARATOR = "-- "  # RFC 3676 §4.3

# Where HTML may break a word and not show it: soft hyphen, zero-width space and no-break space.
_BREAKS = dict.fromkeys((0xAD, 0x200B, 0xFEFF))


def best_text_part(root: Part) -> Part | None:
    """The text part that a person would read first, or None where there is none.

    Of alternatives the plain one (RFC 2046 §5.1.4 lets the reader choose), of related parts the one that
    `start` names or the first (RFC 2387 §3.2), else the first; attachments and attached messages are passed
    over, a blank text only taken when there is nothing else.
    """
    blank = None
    pending = [root]
    while pending:
        part = pending.pop()
        if part is not root and _is_attachment(part):
            continue
        if part.parts:
            if part.content_type.type == "message" and part is not root:
                continue
            pending.extend(reversed(_in_order_of_preference(part)))
        elif part.content_type.type == "text":
            if not _is_blank(part):
                return part
            blank = blank or part
    return blank


def readable_text(part: Part, *, width: int = 0) -> str:
    """The text of one text part, lines ended by LF: flowed lines are joined, HTML becomes plain text.

    A byte order mark in front is left out. `width` > 0 wraps HTML's paragraphs there. Held in memory as a
    whole.
    """
    text = part.text().replace("\r\n", "\n").removeprefix(_BYTE_ORDER_MARK)
    content_type = part.content_type
    if content_type.subtype == "html":
        return html_to_text(text, width=width)
    if content_type.params.get("format", "").lower() == "flowed":
        return unflow(text, delete_space=content_type.params.get("delsp", "").lower() == "yes")
    return text


def iter_readable_text(part: Part, *, width: int = 0) -> Iterator[str]:
    """The same in pieces, in constant memory but for what a paragraph takes.

    Of a body over `LARGE` octets the charset that it is labelled with is believed.
    """
    start, end = part.body
    content_type = part.content_type
    if end - start <= LARGE:
        yield readable_text(part, width=width)
    elif content_type.subtype == "html":
        yield html_to_text(_beginning(_iter_text(part), MAX_HTML + 1), width=width)
    elif content_type.params.get("format", "").lower() == "flowed":
        delete_space = content_type.params.get("delsp", "").lower() == "yes"
        newline = ""
        for paragraph in _iter_paragraphs(_iter_lines(_iter_text(part)), delete_space):
            yield newline + paragraph
            newline = "\n"
    else:
        yield from _iter_text(part)


def _iter_text(part: Part) -> Iterator[str]:
    """The decoded body without a byte order mark, lines ended by LF."""
    decoder = charset.Decoder(part.content_type.params.get("charset"))
    held, mark = "", _BYTE_ORDER_MARK
    for chunk in part.iter_octets():
        text = held + decoder.decode(chunk)
        if text:
            text, mark = text.removeprefix(mark), ""
        held = "\r" if text.endswith("\r") else ""
        yield text.removesuffix("\r").replace("\r\n", "\n")
    yield (held + decoder.decode(b"", final=True)).replace("\r\n", "\n")


def _iter_lines(pieces: Iterable[str]) -> Iterator[str]:
    """The lines without their ends, as `str.split` gives them."""
    begun: list[str] = []
    for piece in pieces:
        first, *lines = piece.split("\n")
        begun.append(first)
        if lines:
            yield "".join(begun)
            yield from lines[:-1]
            begun = [lines[-1]]
    yield "".join(begun)


def _beginning(pieces: Iterable[str], length: int) -> str:
    kept: list[str] = []
    for piece in pieces:
        kept.append(piece)
        length -= len(piece)
        if length <= 0:
            break
    return "".join(kept)


def unflow(text: str, *, delete_space: bool = False) -> str:
    """Join the lines of a format=flowed text into paragraphs (RFC 3676 §4.1).

    A line that ends with a space goes on in the next one of the same quote depth; `delete_space` drops that
    space (`DelSp=yes`). Space-stuffing is undone; quoted paragraphs begin with their `>` marks and a space.
    """
    return "\n".join(_iter_paragraphs(text.split("\n"), delete_space))


def _iter_paragraphs(lines: Iterable[str], delete_space: bool) -> Iterator[str]:
    paragraph: list[str] = []
    depth = 0
    for line in lines:
        content = line.lstrip(">")
        quotes = len(line) - len(content)
        content = content.removeprefix(" ")
        if paragraph and (quotes != depth or content == SIGNATURE_SEPARATOR):
            yield _quoted(paragraph, depth)
            paragraph = []
        depth = quotes
        flowed = content.endswith(" ") and content != SIGNATURE_SEPARATOR
        paragraph.append(content[:-1] if flowed and delete_space else content)
        if not flowed:
            yield _quoted(paragraph, depth)
            paragraph = []
    if paragraph:
        yield _quoted(paragraph, depth)


def _quoted(paragraph: list[str], depth: int) -> str:
    text = "".join(paragraph)
    return f"{'>' * depth} {text}" if depth else text


def html_to_text(html: str, *, width: int = 0) -> str:
    """HTML as plain text: no markup; scripts, styles, comments, images and soft hyphens are left out.

    `width` > 0 wraps there. At most `MAX_HTML` characters are read. Linear in time, also for broken markup.
    """
    import html2text

    omitted = len(html) > MAX_HTML
    reader = html2text.HTML2Text(bodywidth=0)  # its own wrapping takes quadratic time for brackets
    reader.unicode_snob = True
    reader.ignore_images = True
    reader.ignore_emphasis = True
    reader.ignore_mailto_links = True
    reader.ignore_tables = True
    lines = reader.handle(_tamed(html[:MAX_HTML])).translate(_BREAKS).split("\n")
    unescape = _escaped_mark().sub
    lines = [unescape(r"\1\2", line.rstrip()) for line in lines]
    text = "\n".join(_wrapped(line, width) for line in lines).strip("\n") + "\n"
    text = re.sub(r"\n{3,}", "\n\n", text)
    return text + "[...]\n" if omitted else text


def _wrapped(line: str, width: int) -> str:
    """A paragraph in lines of `width`, if that is not 0; quotations and list items keep their indentation."""
    if not width or len(line) <= width or line.startswith("    "):
        return line
    import textwrap

    match = _indentation().match(line)
    assert match is not None
    below = "".join(mark if mark == ">" else " " for mark in match[0])
    return textwrap.fill(
        line[match.end() :],
        width,
        initial_indent=match[0],
        subsequent_indent=below,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _tamed(html: str) -> str:
    """The same HTML without what costs its readers quadratic time, and without its title.

    That is comments, declarations and tags that do not end, lists and quotations nested without reason, and
    more than one empty line.
    """
    depth = 0

    def shallow(tag: re.Match[str]) -> str:
        nonlocal depth
        depth = max(0, depth - 1) if tag[1] else depth + 1
        return tag[0] if depth + bool(tag[1]) <= MAX_NESTING else ""

    omitted, stray, nesting, cell, gap = _markup()
    html = gap.sub("\n\n", html)
    return cell.sub(r" \g<0>", nesting.sub(shallow, stray.sub("&lt;", omitted.sub("", html))))


@cache
def _markup() -> list[re.Pattern[str]]:
    return [
        re.compile(r"<!--(?s:.*?)(?:-->|\Z)|<[!?][^>]*+>?|(?i:<title\b[^<>]*+>[^<]*+</title[^<>]*+>)"),
        re.compile(r"<(?=[^<>]*+(?:<|\Z))"),
        re.compile(r"(?i)<(/?)(?:ul|ol|dl|blockquote)\b[^<>]*+>"),
        re.compile(r"(?i)</t[dh]\b"),  # without a table's lines its cells need a blank between them
        possessive(r"\n(?:[^\S\n]*+\n){2,}+"),
    ]


@cache
def _indentation() -> re.Pattern[str]:
    return possessive(rf"(?:> ?){{0,{MAX_NESTING}}}+ {{0,{2 * MAX_NESTING}}}+(?:[*+-] |\d{{1,9}}\. )?")


@cache
def _escaped_mark() -> re.Pattern[str]:
    """What Markdown would take for the mark of a list; a person reads it as it was."""
    return possessive(r"^((?:> ?)*+\s*+\d*+)\\([.+-])(?=\s|$)")


def _is_attachment(part: Part) -> bool:
    disposition = part.disposition
    return disposition is not None and disposition.type == "attachment"


def _is_blank(part: Part) -> bool:
    return not any(chunk.strip() for chunk in part.iter_octets())


def _in_order_of_preference(container: Part) -> list[Part]:
    content_type = container.content_type
    if content_type.subtype == "alternative":
        return sorted(container.parts, key=_rank)
    start = content_type.params.get("start", "").strip("<> ")
    if content_type.subtype == "related" and start:
        return sorted(container.parts, key=lambda part: part.content_id != start)
    return container.parts


def _rank(alternative: Part) -> int:
    content_type = alternative.content_type
    if content_type.type == "multipart":
        return 1
    return {"text/plain": 0, "text/html": 2}.get(f"{content_type.type}/{content_type.subtype}", 3)
