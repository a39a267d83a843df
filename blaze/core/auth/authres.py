"""The Authentication-Results field: read from a message, and written into one (RFC 8601)."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from blaze.core.errors import DataError, UsageError
from blaze.core.mail import build
from blaze.core.mail.address import to_ascii_domain
from blaze.core.mail.build import Style
from blaze.core.mail.lexer import Lexer, is_dot_atom, quote, text_of, unfold

MAX_VALUE = 400  # characters of one value written; a line has 998 octets, RFC 5322 §2.1.1
MAX_RESULTS = 200  # results of one field, and properties of one result, that are read

_INDENT = "X"  # folding takes a field's name; this one and its colon are taken off again
_TOKEN = re.compile(r"[!#$%&'*+.0-9A-Z^_`a-z{|}~-]+")  # RFC 2045 §5.1
_KEYWORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")  # RFC 5321 §4.1.2
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_RESULT = re.compile(r"[A-Za-z0-9-]+[ \t]*=")  # no authserv-id: that is a token or quoted (§2.2)
_BARE = re.compile(r"[^; \t\r\n()\"]+")  # values as they are met in mail


class Property(NamedTuple):
    """``ptype.name=value``, as in ``header.d=example.org``; type and name in lower case."""

    type: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class MethodResult:
    """What one method found; `method` and `result` are in lower case.

    `comment` is the text of the comment after the result; in what is written it may say anything, it is
    escaped.
    """

    method: str
    result: str
    properties: tuple[Property, ...] = ()
    reason: str | None = None
    comment: str | None = None
    version: int | None = None

    def get(self, type: str, name: str) -> str | None:  # noqa: A002
        """The value of the first property called ``type.name``."""
        return next((found.value for found in self.properties if found[:2] == (type, name)), None)


@dataclass(frozen=True, slots=True)
class AuthenticationResults:
    """One field. `results` is empty where the server says ``none``; `defects` are short machine names."""

    authserv_id: str
    results: tuple[MethodResult, ...] = ()
    version: int | None = None
    defects: tuple[str, ...] = ()

    def to_bytes(self, newline: bytes = b"\r\n") -> bytes:
        """The whole field with its final newline, each result on a line of its own and folded there.

        Nothing in a value can add a result or a property: what is no token is quoted, comments are escaped,
        controls become ``?``, and a value longer than `MAX_VALUE` is cut.

        Raises:
            UsageError: a method, a result or the name of a property is no keyword: those are the caller's
            own.
        """
        head = _value(self.authserv_id) + (f" {self.version}" if self.version is not None else "")
        parts = [_written(result) for result in self.results] or ["none"]
        lines = [f"Authentication-Results: {head};".encode() + newline]
        for number, part in enumerate(parts, 1):
            text = part if number == len(parts) else f"{part};"
            folded = build.structured(_INDENT, text, Style(newline, utf8=not text.isascii()))
            lines.append(folded.removeprefix(_INDENT.encode() + b":"))
        return b"".join(lines)


def parse(value: bytes) -> AuthenticationResults:
    """Read a field's value (RFC 8601 §2.2). Never raises; what breaks the grammar is a defect and is passed
    over. A field that begins with a result, as Microsoft's do, has no authserv-id.

    Defects: ``no-authserv-id``, ``no-method`` (a part between semicolons that is no result), ``no-value`` (a
    word that is no property), ``too-many-results``, and those of the lexer. Linear.
    """
    lexer = Lexer(unfold(text_of(value)))
    defects: dict[str, None] = {}
    lexer.skip_cfws()
    authserv_id, version = "", None
    at_result = _RESULT.match(lexer.text, lexer.position) is not None
    if not at_result:
        authserv_id = _read_value(lexer) or ""
        lexer.skip_cfws()
        version = _read_number(lexer)
        _skip_part(lexer, defects)
        at_result = _pass_semicolon(lexer)
    if not authserv_id:
        defects["no-authserv-id"] = None
    results: list[MethodResult] = []
    while at_result:
        if len(results) == MAX_RESULTS:
            defects["too-many-results"] = None
            break
        if lexer.peek() and lexer.peek() != ";":
            result = _read_result(lexer, defects)
            if result:
                results.append(result)
        _skip_part(lexer, defects)
        at_result = _pass_semicolon(lexer)
    return AuthenticationResults(authserv_id, tuple(results), version, (*defects, *lexer.defects))


def comparable(authserv_id: str) -> str:
    """An authserv-id by which fields of one server are found (RFC 8601 §2.5): without its final dot, in
    A-labels where it can have them, in lower case. Never raises.
    """
    name = authserv_id.strip().rstrip(".")
    try:
        return to_ascii_domain(name).lower()
    except DataError:
        return name.lower()


def _pass_semicolon(lexer: Lexer) -> bool:
    """Move over a semicolon and the white space after it; False where there is none."""
    if lexer.peek() != ";":
        return False
    lexer.position += 1
    lexer.skip_cfws()
    return True


def _read_result(lexer: Lexer, defects: dict[str, None]) -> MethodResult | None:
    start = lexer.position
    method = _match(lexer, _KEYWORD)
    lexer.skip_cfws()
    version = None
    if method and lexer.peek() == "/":
        lexer.position += 1
        lexer.skip_cfws()
        version = _read_number(lexer)
        lexer.skip_cfws()
    if not method or lexer.peek() != "=":
        if (method or "").lower() != "none" or lexer.peek() not in (";", ""):
            lexer.position = start
            defects["no-method"] = None
        return None
    lexer.position += 1
    lexer.skip_cfws()
    result = _match(lexer, _KEYWORD)
    if not result:
        defects["no-method"] = None
        return None
    known = len(lexer.comments)
    lexer.skip_cfws()
    comment = lexer.comments[known] if len(lexer.comments) > known else None
    properties: list[Property] = []
    reason = _read_properties(lexer, properties, defects)
    return MethodResult(method.lower(), result.lower(), tuple(properties), reason, comment, version)


def _read_properties(lexer: Lexer, properties: list[Property], defects: dict[str, None]) -> str | None:
    """Collect the properties up to the next semicolon; the value of ``reason`` is returned."""
    reason = None
    while lexer.peek() not in (";", ""):
        kind, name = _match(lexer, _KEYWORD), ""
        lexer.skip_cfws()
        if kind and lexer.peek() == ".":
            lexer.position += 1
            lexer.skip_cfws()
            name = _match(lexer, re.compile(r"[A-Za-z0-9._-]+")) or ""
            lexer.skip_cfws()
        if not kind or lexer.peek() != "=" or (not name and kind.lower() != "reason"):
            defects["no-value"] = None
            if lexer.peek() not in (";", ""):
                _skip_word(lexer)
            continue
        lexer.position += 1
        lexer.skip_cfws()
        value = _read_value(lexer) or ""
        lexer.skip_cfws()
        if not name:
            reason = value
        elif len(properties) < MAX_RESULTS:
            properties.append(Property(kind.lower(), name.lower(), value))
        else:
            defects["too-many-results"] = None
    return reason


def _read_value(lexer: Lexer) -> str | None:
    """A quoted string, or what stands there; a quoted local-part keeps what follows it."""
    text = lexer.quoted_string()
    rest = _match(lexer, _BARE) if text is None or lexer.peek() == "@" else None
    return rest if text is None else text + (rest or "")


def _read_number(lexer: Lexer) -> int | None:
    digits = _match(lexer, re.compile(r"[0-9]{1,9}(?![A-Za-z0-9.-])"))
    return int(digits) if digits else None


def _skip_part(lexer: Lexer, defects: dict[str, None]) -> None:
    """Move to the next semicolon that stands outside quotes and comments."""
    lexer.skip_cfws()
    while lexer.peek() not in (";", ""):
        defects["no-value"] = None
        _skip_word(lexer)


def _skip_word(lexer: Lexer) -> None:
    """Move over at least one character, but over no semicolon; over all that follows a quote never closed."""
    if lexer.quoted_string() is None and not _match(lexer, _BARE) and not lexer.skip_cfws():
        lexer.position = len(lexer.text) if lexer.peek() == '"' else lexer.position + 1
    lexer.skip_cfws()


def _match(lexer: Lexer, pattern: re.Pattern[str]) -> str | None:
    match = pattern.match(lexer.text, lexer.position)
    if match is None:
        return None
    lexer.position = match.end()
    return match[0]


def _written(result: MethodResult) -> str:
    version = "" if result.version is None else f"/{result.version}"
    words = [f"{_keyword(result.method)}{version}={_keyword(result.result)}"]
    if result.comment:
        words.append(f"({to_comment(result.comment)})")
    if result.reason is not None:
        words.append(f"reason={quote(to_safe(result.reason))}")
    for kind, name, value in result.properties:
        words.append(f"{_keyword(kind)}.{_keyword(name)}={_value(value)}")
    return " ".join(words)


def _keyword(word: str) -> str:
    if not _KEYWORD.fullmatch(word):
        raise UsageError("not a keyword of Authentication-Results", where=repr(word))
    return word


def _value(text: str) -> str:
    """A token, an address of plain words, or a quoted-string (RFC 8601 §2.2, pvalue)."""
    text = to_safe(text)
    local_part, at, domain = text.rpartition("@")
    plain = at and _TOKEN.fullmatch(domain) and (not local_part or is_dot_atom(local_part))
    return text if _TOKEN.fullmatch(text) or (plain and text.isascii()) else quote(text)


def to_comment(text: str) -> str:
    """`text` for the inside of a comment: parentheses and backslashes quoted, controls replaced, cut to
    length.
    """
    return re.sub(r"([()\\])", r"\\\1", to_safe(text))


def to_safe(text: str) -> str:
    """`text` without control characters and surrogates, at most `MAX_VALUE` characters."""
    return _UNSAFE.sub("?", text[:MAX_VALUE])
