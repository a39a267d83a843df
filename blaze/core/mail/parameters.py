"""Parameters of MIME fields, both ways: quoting, continuations and charsets (RFC 2045 §5.1, RFC 2231)."""

import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from blaze.core.errors import DataError
from blaze.core.mail import charset as charsets, encoded
from blaze.core.mail.regex import possessive

MAX_VALUE = 1 << 18  # octets of a field that are read; a longer one has the defect `long-value`
MAX_PARAMETERS = 1000  # parameters and continuations kept; a field with more has a defect
MAX_PARAMETER_WIDTH = 76  # octets of one written parameter: 78, RFC 5322 §2.1.1, without space and semicolon

TOKEN = rb"[!#$%&'*+.0-9A-Z^_`a-z{|}~-]"
"""A character of a token, as a pattern (RFC 2045 §5.1): no space, control or tspecial."""


def remove_comments(value: bytes) -> bytes:
    """`value` without its comments, nested ones too; quoted strings are kept (RFC 822 §3.4.3).

    A comment that is not closed runs to the end. Linear in time, no recursion.
    """
    if b"(" not in value:
        return value
    kept: list[bytes] = []
    position = 0
    while position < len(value):
        match = _outside_comments().match(value, position)
        assert match is not None
        kept.append(match[0])
        position = match.end()
        if value.startswith(b"(", position):
            position = _comment_end(value, position)[0]
    return b"".join(kept)


@cache
def _outside_comments() -> re.Pattern[bytes]:
    return possessive(rb'(?:[^("\\]++|"(?:[^"\\]++|\\.)*+"|\\.|["\\])*+', re.DOTALL)


class _End(NamedTuple):
    position: int
    closed: bool


def _comment_end(value: bytes, position: int) -> _End:
    """Where the comment that begins at `position` ends."""
    depth = 0
    for match in _comment_tokens().finditer(value, position):
        token = match[0]
        depth += (token == b"(") - (token == b")")
        if not depth:
            return _End(match.end(), closed=True)
    return _End(len(value), closed=False)


@cache
def _comment_tokens() -> re.Pattern[bytes]:
    return re.compile(rb"[()]|\\.|[^()\\]++|\\", re.DOTALL)


class Parameter(NamedTuple):
    """A parameter as it stands in the field: the name in lower case, the value unquoted but not decoded."""

    name: str
    value: bytes


_WHITE_SPACE = re.compile(rb"[ \t\r\n]*+")
_WORD = re.compile(rb'[^ \t\r\n;=/("]*+')
_SUBTYPE = re.compile(rb'[^ \t\r\n;=("]*+')
_NAME = re.compile(rb'[^ \t\r\n;=("]*+')
_VALUE = re.compile(rb'[^ \t\r\n;("]*+')
_TO_SEMICOLON = re.compile(rb"[^;]*+")
_QUOTED = possessive(rb'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_NEXT_PARAMETER = re.compile(rb'[^ \t\r\n;=("]++[ \t]*+=')


class Scanner:
    """Reads a word and its parameters from one value, left to right, each octet a few times at most."""

    __slots__ = ("_defects", "_position", "_value")

    def __init__(self, value: bytes, defects: dict[str, None]) -> None:
        if len(value) > MAX_VALUE:
            defects["long-value"] = None
        self._value = value[:MAX_VALUE]
        self._position = 0
        self._defects = defects

    def leading_word(self) -> bytes:
        """The word before the parameters, ``type/subtype`` without the white space and comments in it."""
        self._skip_cfws()
        start = self._position
        quoted = _QUOTED.match(self._value, start)
        if quoted:
            self._position = quoted.end()
            self._expect_semicolon()
            return quoted[1].strip()
        word = self._take(_WORD)
        self._skip_cfws()
        if self._next(b"/"):
            self._position += 1
            self._skip_cfws()
            word += b"/" + self._take(_SUBTYPE)
        elif self._next(b"="):
            self._position = start
            return b""
        self._expect_semicolon()
        return word.rstrip(b",")

    def parameters(self) -> list[Parameter]:
        """All parameters as written, unquoted: continuations are not put together, octets not decoded."""
        found: list[Parameter] = []
        while True:
            self._skip_cfws()
            while self._next(b";"):
                self._position += 1
                self._skip_cfws()
            if self._position >= len(self._value):
                return found
            if len(found) >= MAX_PARAMETERS:
                self._note("too-many-parameters")
                return found
            parameter = self._parameter()
            if parameter:
                found.append(parameter)

    def _parameter(self) -> Parameter | None:
        name = self._take(_NAME)
        if not name:
            self._note("invalid-parameter")
            self._position += 1
            self._take(_TO_SEMICOLON)
            return None
        self._skip_cfws()
        if not self._next(b"="):
            self._note("parameter-without-value")
            return None
        self._position += 1
        self._skip_cfws()
        value = self._quoted() if self._next(b'"') else self._unquoted()
        return Parameter(name.lower().decode("utf-8", "surrogateescape"), value)

    def _quoted(self) -> bytes:
        match = _QUOTED.match(self._value, self._position)
        if not match:
            self._note("quoted-string-unclosed")
            self._position += 1
            return _unescape(self._take(_TO_SEMICOLON).rstrip())
        self._position = match.end()
        self._expect_semicolon()
        return _unescape(match[1])

    def _unquoted(self) -> bytes:
        start = self._position
        token = self._take(_VALUE)
        self._skip_cfws()
        if self._position >= len(self._value) or self._next(b";"):
            if not is_token(token):
                self._note("unquoted-value")
            return token
        if _NEXT_PARAMETER.match(self._value, self._position):
            self._note("missing-semicolon")
            return token
        self._note("unquoted-value")
        self._take(_TO_SEMICOLON)
        return self._value[start : self._position].rstrip()

    def _expect_semicolon(self) -> None:
        self._skip_cfws()
        if self._position >= len(self._value) or self._next(b";"):
            return
        if _NEXT_PARAMETER.match(self._value, self._position):
            self._note("missing-semicolon")
        else:
            self._note("invalid-parameter")
            self._take(_TO_SEMICOLON)

    def _skip_cfws(self) -> None:
        self._take(_WHITE_SPACE)
        while self._next(b"("):
            self._position, closed = _comment_end(self._value, self._position)
            if not closed:
                self._note("comment-unclosed")
            self._take(_WHITE_SPACE)

    def _take(self, pattern: re.Pattern[bytes]) -> bytes:
        match = pattern.match(self._value, self._position)
        assert match is not None
        self._position = match.end()
        return match[0]

    def _next(self, octet: bytes) -> bool:
        return self._value.startswith(octet, self._position)

    def _note(self, defect: str) -> None:
        self._defects[defect] = None


def _unescape(quoted: bytes) -> bytes:
    r"""Undo the quoted-pairs that must be; other backslashes are those of Windows paths, ``C:\a.txt``."""
    return re.sub(rb'\\(["\\])', rb"\1", quoted) if b"\\" in quoted else quoted


def is_token(octets: bytes) -> bool:
    """True when `octets` need no quotes as a value, and can be a type or a name (RFC 2045 §5.1)."""
    return re.fullmatch(TOKEN + b"+", octets) is not None


_WHOLE = -1  # the section of `name*=`, which is all of the value


class _Section(NamedTuple):
    value: bytes
    extended: bool


def assemble(found: list[Parameter], defects: dict[str, None]) -> dict[str, str]:
    """Parameters by name: continuations joined, charsets decoded (RFC 2231 §3, §4), the first one kept."""
    plain: dict[str, bytes] = {}
    continued: dict[str, dict[int, _Section]] = {}
    names: dict[str, None] = {}
    for name, value in found:
        match = _section_name().fullmatch(name) if "*" in name else None
        base = match[1] if match else name
        names[base] = None
        if match:
            sections = continued.setdefault(base, {})
            number = int(match[2]) if match[2] else _WHOLE
            if number in sections:
                defects["duplicate-parameter"] = None
            sections.setdefault(number, _Section(value, extended=bool(match[3])))
        elif base in plain:
            defects["duplicate-parameter"] = None
        else:
            plain[base] = value
    return {
        name: _continued_value(name, continued[name], defects)
        if name in continued
        else _plain_value(name, plain[name], defects)
        for name in names
    }


@cache
def _section_name() -> re.Pattern[str]:
    return re.compile(r"([^*]+)\*(?:([0-9]{1,4})(\*)?|(?<=\*))")


def _continued_value(name: str, sections: dict[int, _Section], defects: dict[str, None]) -> str:
    if _WHOLE in sections:
        sections = {0: _Section(sections[_WHOLE].value, extended=True)}
    ordered = sorted(sections.items())
    if [number for number, _ in ordered] != list(range(len(ordered))):
        defects["continuation-gap"] = None
    if not any(section.extended for _, section in ordered):
        return _plain_value(name, b"".join(section.value for _, section in ordered), defects)
    label: str | None = None
    octets: list[bytes] = []
    for index, (_, section) in enumerate(ordered):
        value = section.value
        if section.extended and not index:
            charset, *language, value = value.split(b"'", 2) if value.count(b"'") > 1 else (b"", value)
            label = charset.decode("ascii", "replace") if language else None
            if not language or (label and charsets.lookup(label) is None):
                defects["invalid-encoding"] = None
        octets.append(_percent_decode(value) if section.extended else value)
    return charsets.decode(b"".join(octets), label or None).text


def _percent_decode(value: bytes) -> bytes:
    if b"%" not in value:
        return value
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda match: bytes.fromhex(match[1].decode("ascii")), value)


def _plain_value(name: str, value: bytes, defects: dict[str, None]) -> str:
    """8-bit octets are UTF-8 (RFC 6532 §3.2); file names may be encoded words, against RFC 2047 §5 (3)."""
    text = value.decode("utf-8", "surrogateescape")
    if name in ("name", "filename") and "=?" in text:
        decoded = encoded.decode(value)
        if decoded != text:
            defects["encoded-word-in-parameter"] = None
            return decoded
    return text


def encode_parameters(params: Mapping[str, str]) -> list[bytes]:
    """Each parameter as ``name=value``, quoted where it must be, to be joined by ``;`` and folded between.

    A value that is not printable ASCII, or would be taken for an encoded word, is written by RFC 2231 in
    UTF-8; one that makes a piece longer than `MAX_PARAMETER_WIDTH` is continued over several. Octets kept
    as lone surrogates come back when it is read. A name so long that not one character fits makes longer
    pieces.

    Raises:
        DataError: a name is no token or holds ``*``, ``'`` or ``%``, or a value has a lone surrogate that
        is no octet.
    """
    pieces: list[bytes] = []
    for name, value in params.items():
        pieces += _encode_parameter(name, value)
    return pieces


def _encode_parameter(name: str, value: str) -> list[bytes]:
    if not re.fullmatch(r"[!#$&+.0-9A-Z^_`a-z{|}~-]+", name):
        raise DataError(f"not a parameter name: {name!r}")
    key = name.encode("ascii")
    if value.isascii() and value.isprintable() and "=?" not in value:
        octets = value.encode("ascii")
        if is_token(octets):
            piece = b"%s=%s" % (key, octets)
        else:
            piece = b'%s="%s"' % (key, re.sub(rb'(["\\])', rb"\\\1", octets))
        if len(piece) <= MAX_PARAMETER_WIDTH:
            return [piece]
        characters = [b"\\%c" % octet if octet in b'"\\' else b"%c" % octet for octet in octets]
        return _continue(key, characters, b'*%d="', b'"')
    characters = [_percent_encode(character, name) for character in value]
    try:
        value.encode("utf-8")
        prefix = b"utf-8''"
    except UnicodeEncodeError:
        prefix = b"unknown-8bit''"
    piece = b"%s*=%s%s" % (key, prefix, b"".join(characters))
    if len(piece) <= MAX_PARAMETER_WIDTH:
        return [piece]
    return _continue(key, [prefix, *characters], b"*%d*=", b"")


def _percent_encode(character: str, name: str) -> bytes:
    try:
        octets = character.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise DataError(f"not to be written in UTF-8: {character!r}", where=f"parameter {name}") from None
    if _is_attribute(octets):
        return octets
    return b"".join(b"%%%02X" % octet for octet in octets)


def _is_attribute(octets: bytes) -> bool:
    return re.fullmatch(rb"[!#$&+.0-9A-Z^_`a-z{|}~-]", octets) is not None


def _continue(key: bytes, characters: list[bytes], opening: bytes, closing: bytes) -> list[bytes]:
    """Sections of whole characters, each as long as it may be."""
    sections: list[bytes] = []
    section = key + opening % 0
    empty = True
    for character in characters:
        if not empty and len(section) + len(character) + len(closing) > MAX_PARAMETER_WIDTH:
            sections.append(section + closing)
            section = key + opening % len(sections)
        section += character
        empty = False
    return [*sections, section + closing]
