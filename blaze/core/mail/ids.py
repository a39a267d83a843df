"""Message identifiers: Message-ID, In-Reply-To, References, Content-ID (RFC 5322 §3.6.4 and §4.5.4)."""

import re
from functools import cache

from blaze.core.errors import DataError
from blaze.core.mail.lexer import Lexer, text_of
from blaze.core.mail.regex import possessive

MAX_IDS = 10_000
"""Identifiers read from one field."""

# A field of nothing but identifiers without white space, comments and quotes: nearly every field.
_PLAIN = possessive(rb'(?:[ \t\r\n]*+<[^\x00-\x20<>"()\\]++>)++[ \t\r\n]*+')
_WHITE_SPACE = dict.fromkeys(b" \t\r\n")


def parse_message_ids(value: bytes) -> list[str]:
    """The identifiers in the value of a field, in order, without their angle brackets; never raises.

    Comments and, in In-Reply-To, words and quoted strings around the identifiers are passed over (RFC 5322
    §4.5.4). White space inside an identifier, where folding has broken it, is removed. An identifier with an
    `@` may lack its closing bracket. Where there are no brackets at all, each word with an `@` is taken, and
    a word that stands alone. Encoded words, which must not stand here (RFC 2047 §5) and by which some
    software folds long identifiers, are decoded. At most `MAX_IDS` are given; linear time.
    """
    if _PLAIN.fullmatch(value):
        return list(map(text_of, value.replace(b">", b" ").replace(b"<", b" ").split()[:MAX_IDS]))
    text = text_of(value)
    if b"=?" in value:
        from blaze.core.mail import encoded

        decoded = encoded.decode(value)
        return _bracketed(decoded) or _bracketed(text) or _bare(decoded)
    return _bracketed(text) or _bare(text)


def _bracketed(text: str) -> list[str]:
    """What stands in angle brackets, outside comments and quoted strings."""
    lexer = Lexer(text)
    found: list[str] = []
    while lexer.position < len(text) and len(found) < MAX_IDS:
        lexer.skip_cfws()
        if lexer.peek() == "<":
            match = _identifier().match(text, lexer.position)
            assert match is not None
            lexer.position = match.end()
            identifier = match[1].translate(_WHITE_SPACE)
            if identifier and (match[0].endswith(">") or "@" in identifier):
                found.append(identifier)
        elif lexer.atom() is None and lexer.quoted_string() is None:
            lexer.position += 1
    return found


def _bare(text: str) -> list[str]:
    """The words that look like identifiers, in a field without brackets."""
    lexer = Lexer(text)
    words: list[str] = []
    while lexer.position < len(text) and len(words) < MAX_IDS:
        lexer.skip_cfws()
        match = _word().match(text, lexer.position)
        if match is not None:
            words.append(match[0])
            lexer.position = match.end()
        elif lexer.quoted_string() is None:
            lexer.position += 1
    return words if len(words) == 1 else [word for word in words if "@" in word]


def format_message_id(identifier: str) -> str:
    """`identifier` in angle brackets, as a field holds it (RFC 5322 §3.6.4).

    Raises DataError when it has white space, a control character or an angle bracket, or is empty.
    """
    if not identifier or re.search(r"[\x00-\x20\x7f<>]", identifier):
        raise DataError("not a message identifier", where=repr(identifier))
    return f"<{identifier}>"


@cache
def _identifier() -> re.Pattern[str]:
    # A quoted id-left (RFC 5322 §4.5.4) may hold any character, so it is taken whole; else up to the bracket.
    return possessive(r'<[< \t\r\n]*+((?:"(?:[^"\\]|\\.)*+"(?=[ \t\r\n]*+@))?+[^<>]*+)>?', re.DOTALL)


@cache
def _word() -> re.Pattern[str]:
    return re.compile(r'[^\x00-\x20()<>",;\x7f]++')
