"""Whether one message is what a query asks for, without an index."""

from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from blaze.core.mail import message
from blaze.core.mail.message import Part
from blaze.core.query import content, languages, words
from blaze.core.query.content import Content
from blaze.core.query.nodes import (
    All,
    And,
    DateRange,
    HasAttachment,
    Is,
    MessageId,
    Node,
    Not,
    Or,
    Size,
    Words,
)
from blaze.core.query.terms import COLUMNS, columns_of, is_open_ended, is_stemmed


class Facts(NamedTuple):
    """What a query can ask about one message: its content, octets, and flags as letters of a Maildir name."""

    content: Content
    size: int
    flags: str = ""


def facts_of(octets: bytes, flags: str = "") -> Facts:
    """The facts of a message given as octets. Never raises."""
    return facts_of_part(message.parse(octets), flags)


def facts_of_part(root: Part, flags: str = "") -> Facts:
    """The facts of a message given as its part tree."""
    return Facts(content.read(root), root.end - root.start, flags)


def matches(node: Node, facts: Facts, *, zone: tzinfo | None = None) -> bool:
    """True when the message is one that the query asks for.

    Dates are compared in the time zone `zone`, None for that of the system. The depth of the tree is bounded
    by `grammar.MAX_DEPTH`; time is linear in the message for each word of the query.
    """
    match node:
        case And(nodes):
            return all(matches(part, facts, zone=zone) for part in nodes)
        case Or(nodes):
            return any(matches(part, facts, zone=zone) for part in nodes)
        case Not(part):
            return not matches(part, facts, zone=zone)
        case Words():
            return _has_words(node, facts.content)
        case DateRange(start, end):
            return _is_dated(facts.content.links.date, start, end, zone)
        case Size(larger, smaller):
            return (larger is None or facts.size > larger) and (smaller is None or facts.size < smaller)
        case HasAttachment():
            return facts.content.has_attachment
        case Is(flag):
            return flag in facts.flags
        case MessageId(identifier):
            return facts.content.links.message_id == identifier
        case All():
            return True


def _is_dated(date: int | None, start: datetime | None, end: datetime | None, zone: tzinfo | None) -> bool:
    if date is None:
        return False
    try:
        local = datetime.fromtimestamp(date, UTC).astimezone(zone).replace(tzinfo=None)
    except (OverflowError, ValueError):  # at the ends of the calendar
        return False
    return (start is None or start <= local) and (end is None or local < end)


def _has_words(node: Words, message: Content) -> bool:
    wanted = words.phrase(node.text)
    if not wanted:
        return True
    for column in columns_of(node.field):
        found = message.words[COLUMNS.index(column)]
        if len(wanted) == 1 and is_stemmed(node) and not words.is_unspaced(wanted[0]):
            if wanted[0] in found or _has_stem(wanted[0], found, message.language):
                return True
        elif _has_phrase(wanted, found, is_prefix=is_open_ended(node, wanted)):
            return True
    return False


def _has_stem(word: str, found: list[str], language: str) -> bool:
    stem = languages.stem([word], language)[0]
    return stem in languages.stem(found, language)


def _has_phrase(wanted: list[str], found: list[str], *, is_prefix: bool) -> bool:
    *first, last = wanted
    size = len(wanted)
    for start in range(len(found) - size + 1):
        ending = found[start + size - 1]
        if (ending.startswith(last) if is_prefix else ending == last) and found[
            start : start + size - 1
        ] == first:
            return True
    return False
