"""The lexical tokens of structured header fields (RFC 5322 §3.2 and §4.1, RFC 6532 §3.2).

A `Lexer` walks over a field's value as text. Octets above 127 are UTF-8 (RFC 6532); octets that are no UTF-8
stay recoverable as surrogates, see `text_of`. White space and comments are skipped, never looked at twice:
every value is lexed in linear time and without recursion, whatever it holds.
"""

import re
from functools import cache

from blaze.core.mail.regex import possessive

MAX_COMMENTS = 100
"""Comments kept of one field; the others are skipped like white space."""

# atext (RFC 5322 §3.2.3) with UTF8-non-ascii (RFC 6532 §3.2): neither control, space nor special.
ATEXT = r'[^\x00-\x20"(),.:;<>@\[\\\]\x7f]'

_WHITE_SPACE = re.compile(r"[ \t\r\n]*+")
_ATOM = re.compile(ATEXT + "++")


def text_of(value: bytes) -> str:
    """The octets of a field as text: UTF-8, with every other octet as the surrogate U+DC80 to U+DCFF.

    ``text.encode("utf-8", "surrogateescape")`` gives the octets back.
    """
    return value.decode("utf-8", "surrogateescape")


def unfold(text: str) -> str:
    """`text` without its newlines; the white space that follows them stays (RFC 5322 §2.2.3)."""
    return text.replace("\r\n", "").replace("\n", "") if "\n" in text else text


def unquote(text: str) -> str:
    """The inside of a quoted-string or comment, unfolded, quoted-pairs replaced (RFC 5322 §3.2.1, §3.2.4)."""
    text = unfold(text)
    return _quoted_pair().sub(r"\1", text) if "\\" in text else text


def quote(text: str) -> str:
    """`text` as a quoted-string (RFC 5322 §3.2.4). The caller refuses controls that no field may hold."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def is_atom(text: str) -> bool:
    """True when `text` can stand as an atom, unquoted (RFC 5322 §3.2.3)."""
    return _ATOM.fullmatch(text) is not None


def is_dot_atom(text: str) -> bool:
    """True when `text` is atoms with single full stops between them (dot-atom-text, RFC 5322 §3.2.3)."""
    return all(map(is_atom, text.split(".")))


class Lexer:
    """A cursor over the value of a structured field.

    `position` is where the next token begins; `comments` collects the contents of the comments skipped;
    `defects` maps the name of each lexical fault (`unclosed-comment`, `unclosed-quote`, `unclosed-literal`)
    to the offset in characters where it was first met. Token methods return None, and do not move, when the
    next token is of another kind.
    """

    __slots__ = ("_no_more_quotes", "comments", "defects", "position", "text")

    def __init__(self, text: str, position: int = 0) -> None:
        self.text = text
        self.position = position
        self.comments: list[str] = []
        self.defects: dict[str, int] = {}
        self._no_more_quotes = False

    def note(self, defect: str, offset: int | None = None) -> None:
        """Keep the first occurrence of `defect`, at `offset` or here. A million faults take no memory."""
        self.defects.setdefault(defect, self.position if offset is None else offset)

    def peek(self) -> str:
        """The next character, or the empty string at the end."""
        return self.text[self.position : self.position + 1]

    def skip(self, pattern: re.Pattern[str]) -> None:
        """Move over what `pattern` matches here, if it does."""
        if match := pattern.match(self.text, self.position):
            self.position = match.end()

    def skip_white_space(self) -> None:
        """Move over folding white space (RFC 5322 §3.2.2, §4.2)."""
        match = _WHITE_SPACE.match(self.text, self.position)
        assert match is not None
        self.position = match.end()

    def skip_cfws(self) -> bool:
        """Move over comments and folding white space; True when there was any (RFC 5322 §3.2.2)."""
        start = self.position
        self.skip_white_space()
        while self.text.startswith("(", self.position):
            comment = self._comment()
            if len(self.comments) < MAX_COMMENTS:
                self.comments.append(comment)
            self.skip_white_space()
        return self.position > start

    def _comment(self) -> str:
        """The content of the comment that begins here; one that is not closed runs to the end."""
        text, start = self.text, self.position
        if plain := _plain_comment().match(text, start):
            self.position = plain.end()
            return unfold(plain[1])
        depth = 0
        for match in _comment_tokens().finditer(text, start):
            char = match[0]
            if char == "(":
                depth += 1
            elif char == ")":
                depth -= 1
                if not depth:
                    self.position = match.end()
                    return unquote(text[start + 1 : self.position - 1])
        self.note("unclosed-comment", start)
        self.position = len(text)
        return unquote(text[start + 1 :])

    def atom(self) -> str | None:
        """A run of atext (RFC 5322 §3.2.3)."""
        match = _ATOM.match(self.text, self.position)
        if match is None:
            return None
        self.position = match.end()
        return match[0]

    def quoted_string(self) -> str | None:
        """The content of a quoted-string, quoted-pairs replaced (RFC 5322 §3.2.4, §4.1).

        A quote that is never closed is no quoted-string: it is noted, and left to the caller as a stray
        character.
        """
        if self._no_more_quotes or not self.text.startswith('"', self.position):
            return None
        match = _quoted_string().match(self.text, self.position)
        if match is None:
            self.note("unclosed-quote")
            self._no_more_quotes = True  # the search went to the end; it is not repeated
            return None
        self.position = match.end()
        return unquote(match[1])

    def domain_literal(self) -> str | None:
        """A domain-literal as written, with its brackets, without white space (RFC 5322 §3.4.1, §4.4)."""
        if not self.text.startswith("[", self.position):
            return None
        match = _closed_literal().match(self.text, self.position)
        if match is None:
            self.note("unclosed-literal")
            match = _open_literal().match(self.text, self.position)
            assert match is not None
        self.position = match.end()
        return f"[{_WHITE_SPACE.sub('', match[1])}]"


@cache
def _quoted_pair() -> re.Pattern[str]:
    return re.compile(r"\\(.)", re.DOTALL)


@cache
def _quoted_string() -> re.Pattern[str]:
    return possessive(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"', re.DOTALL)


@cache
def _plain_comment() -> re.Pattern[str]:
    return re.compile(r"\(([^()\\]*+)\)")


@cache
def _comment_tokens() -> re.Pattern[str]:
    return re.compile(r"[()]|\\.", re.DOTALL)


@cache
def _closed_literal() -> re.Pattern[str]:
    return possessive(r"\[([^\[\]\\]*+(?:\\.[^\[\]\\]*+)*+)\]", re.DOTALL)


@cache
def _open_literal() -> re.Pattern[str]:
    return re.compile(r"\[([^\x00-\x20,;<>()\[\]\\]*+)")
