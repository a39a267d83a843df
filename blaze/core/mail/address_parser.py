"""The whole grammar of address fields (RFC 5322 §3.4 and §4.4, RFC 6854), for what is not plain.

What no grammar allows is recovered by the grammar or not at all: an address is what stands in angle brackets,
or on both sides of a single `@`; whatever else is near stays text.
"""

import re
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from blaze.core.mail.address import (
    COMMON_MAILBOX,
    Address,
    Group,
    Mailbox,
    common_mailbox,
    encoded_word_pattern,
)
from blaze.core.mail.lexer import ATEXT, Lexer, is_atom, unfold
from blaze.core.mail.regex import possessive

MAX_ADDRESSES = 100_000
"""Mailboxes and groups kept of one field; more of them are the defect `too-many-addresses`, and not read."""
MAX_WORDS = 10_000
"""Words of one display name or local-part; text with more of them is no address."""
MAX_NESTED_GROUPS = 1_000
"""Groups begun inside others of one field; the colons of more of them are stray characters."""

_WORD, _DOT, _STRAY = range(3)
_LONG = 1000  # characters of a quoted-string; one that is not closed is not searched further for its end


class _Token(NamedTuple):
    """A piece of a phrase or local-part: its text, its kind, and whether a space or comment precedes."""

    text: str
    kind: int
    spaced: bool


def _join(tokens: list[_Token]) -> str:
    """The text of `tokens`, with one space where there was white space or a comment."""
    return "".join(" " + text if spaced and index else text for index, (text, _, spaced) in enumerate(tokens))


def _local_part_length(tokens: list[_Token]) -> int:
    """How many tokens at the end can be a local-part: words with full stops between them, or nearly so."""
    count, following = 0, _DOT
    for token in reversed(tokens):
        if token.kind == _STRAY or (token.kind == _WORD and following == _WORD):
            break
        count, following = count + 1, token.kind
    return count if any(token.kind == _WORD for token in tokens[len(tokens) - count :]) else 0


def _glued(words: list[_Token]) -> bool:
    """True when two words touch, as in ``a"b"``."""
    return any(one.kind == other.kind == _WORD and not other.spaced for one, other in pairwise(words))


class AddressParser:
    """One pass over an address list, member by member.

    Of the member at hand, `tokens` holds what stands outside angle brackets; `bare` an addr-spec met there,
    which is the address unless angle brackets follow; `loose` counts the tokens up to it. `last` is the
    mailbox found last, kept back for the comment that may follow it.
    """

    def __init__(self, text: str) -> None:
        self.lexer = Lexer(text)
        self.addresses: list[Address] = []
        self.count = 0
        self.is_full = False
        self.group: str | None = None
        self.nested = 0
        self.members: list[Mailbox] = []
        self.last: Mailbox | None = None
        self._begin()

    def _begin(self) -> None:
        """Make ready for the next member of the list."""
        self._flush()
        self.lexer.comments.clear()
        self.start = self.lexer.position  # of what is not read yet of the member
        self.complete = False  # the member has given its address, or ended a group
        self._forget_tokens()

    def _forget_tokens(self) -> None:
        self.tokens: list[_Token] = []
        self.bare: Mailbox | None = None
        self.loose = 0
        self.hopeless = False  # a second @ or the like: the text gives no bare address any more
        self.gap = False  # white space or a comment was skipped before the next token

    def run(self) -> None:
        """Read the list to its end."""
        lexer, more = self.lexer, True
        demanded = False  # by a comma
        while more:
            self._begin()
            if self.is_full:
                break
            match = COMMON_MAILBOX.match(lexer.text, lexer.position)
            if match is None:
                delimiter = self._read_member(demanded)
                if delimiter and not self.complete and not self.tokens:
                    delimiter = self._skip_empty_members(delimiter)
            else:
                self.last = common_mailbox(match)
                lexer.position = match.end()
                delimiter = match[7]
            demanded = delimiter == ","
            more = delimiter != ""
        self._flush()
        if self.group is not None:
            if not self.is_full:
                lexer.note("unclosed-group")
            self._end_group()

    def _skip_empty_members(self, delimiter: str) -> str:
        """Move over the members without anything in them after `delimiter`; gives the last delimiter."""
        lexer = self.lexer
        match = _delimiters(in_group=self.group is not None).match(lexer.text, lexer.position)
        if match is None:
            return delimiter
        lexer.position = match.end()
        run = match[0]
        comma, semicolon = run.find(","), run.find(";")
        if semicolon >= 0:
            lexer.note("semicolon-separator", match.start() + semicolon)
        null = len(run) - len(run.lstrip(" \t\r\n")) if delimiter == "," else comma
        if null >= 0:
            lexer.note("null-element", match.start() + null)
        return run[-1]

    def _read_member(self, demanded: bool) -> str:
        """Read one member and its delimiter, which is returned: a comma, a semicolon, or nothing."""
        lexer = self.lexer
        while True:
            spaced = lexer.skip_cfws() or self.gap
            self.gap = False
            char = lexer.peek()
            if char == "<":
                self._read_angle_address()
            elif char == "@":
                self._read_bare_address(spaced)
            elif char == ":":
                self._begin_group(spaced)
            elif char == ";" and self.group is not None:
                self._finish(demanded=False)
                self._end_group()
                lexer.position += 1
            elif char in ("", ",", ";"):
                if char == ";":
                    lexer.note("semicolon-separator")
                self._finish(demanded=demanded or char == ",")
                lexer.position += len(char)
                return char
            else:
                self._read_token(self.tokens, spaced)

    def _skip_rubbish(self) -> None:
        """Move over tokens that would not be kept, up to one that may end the member or give an address."""
        lexer = self.lexer
        start = lexer.position
        lexer.skip(_rubbish())
        if stray := _first_stray().match(lexer.text, start, lexer.position):
            lexer.note("stray-character", stray.start(1))

    def _read_token(self, tokens: list[_Token], spaced: bool) -> None:
        """Add the next token to `tokens`: an encoded-word, atom, quoted-string, full stop, or a stray."""
        lexer = self.lexer
        start = lexer.position
        match = (
            encoded_word_pattern().match(lexer.text, start) if lexer.text.startswith("=?", start) else None
        )
        if match is not None:
            lexer.position = match.end()
            word = match[0]
            kind = _WORD if is_atom(word) else _STRAY
        else:
            found = lexer.atom() or lexer.quoted_string()
            if found is None:
                lexer.position += 2 if lexer.peek() == "\\" else 1
            word = lexer.text[start : lexer.position] if found is None else found
            kind = _WORD if found is not None else _DOT if word == "." else _STRAY
        if kind == _STRAY:
            lexer.note("stray-character" if match is None else "special-in-encoded-word", start)
        self._keep(tokens, _Token(word, kind, spaced), start)

    def _keep(self, tokens: list[_Token], token: _Token, start: int) -> None:
        """Add a token that began at `start` to `tokens`; without room it and its like are skipped."""
        if len(tokens) < MAX_WORDS:
            tokens.append(token)
            return
        self.lexer.note("too-many-words", start)
        self.hopeless = True
        if tokens is self.tokens:
            self._skip_rubbish()

    def _read_bare_address(self, spaced: bool) -> None:
        """Read on from the @ of an address without angle brackets."""
        start = self.lexer.position
        self.lexer.position += 1
        length = 0 if self.hopeless else _local_part_length(self.tokens[self.loose :])
        begin = len(self.tokens) - length
        glued = begin > 0 and length and not self.tokens[begin].spaced
        domain = "" if not length or glued else self._read_domain()
        if not domain:
            self.hopeless = True
            self._keep(self.tokens, _Token("@", _STRAY, spaced), start)
            return
        words = self.tokens[begin:]
        local_part = self._local_part(words)
        name = self.tokens[self.loose : begin]
        if self.bare is not None:
            self._emit(self.bare)
        if name:
            self.lexer.note("missing-angle-bracket")
        self.bare = Mailbox(_join(name) if name else None, local_part, domain)
        self.tokens[begin:] = [_Token(f"{_join(words)}@{domain}", _STRAY, words[0].spaced)]
        self.loose = len(self.tokens)

    def _local_part(self, words: list[_Token]) -> str:
        """The local-part that `words` make up."""
        if any(word.spaced for word in words[1:]):
            self.lexer.note("obsolete-local-part")
        kinds = [_DOT, *(word.kind for word in words), _DOT]
        if any(one == other == _DOT for one, other in pairwise(kinds)):
            self.lexer.note("dot-in-local-part")
        return "".join(word.text for word in words)

    def _read_domain(self) -> str:
        """Read a domain or domain-literal (RFC 5322 §3.4.1, §4.4); the empty string when there is none."""
        lexer = self.lexer
        obsolete = False
        lexer.skip_cfws()
        literal = lexer.domain_literal()
        if literal is not None:
            return literal
        parts: list[str] = []
        while True:
            if lexer.peek() == ".":
                lexer.position += 1
                part: str | None = "."
            else:
                part = lexer.atom() if not parts or parts[-1] == "." else None
            if part is None:
                break
            parts.append(part)
            obsolete = obsolete or self.gap
            self.gap = lexer.skip_cfws()
        domain = "".join(parts)
        if not domain.strip("."):
            return ""
        if obsolete:
            lexer.note("obsolete-domain")
        if domain.startswith(".") or domain.endswith(".") or ".." in domain:
            lexer.note("dot-in-domain")
        return domain

    def _read_angle_address(self) -> None:
        """Read an angle-addr (RFC 5322 §3.4, §4.4); the text before it is the display name."""
        lexer = self.lexer
        if self.bare is not None or self.hopeless:
            lexer.note("address-in-display-name")
        name = _join(self.tokens) if self.tokens else None
        lexer.position += 1
        mailbox = self._read_angle_content(name)
        if lexer.peek() == ">":
            lexer.position += 1
        else:
            lexer.note("missing-angle-bracket")
        if mailbox is None:
            lexer.note("invalid-address")
            mailbox = Mailbox(unfold(lexer.text[self.start : lexer.position]).strip(" \t\r\n"), "", "")
        self._emit(mailbox)
        self._forget_tokens()
        self.start = lexer.position

    def _read_angle_content(self, name: str | None) -> Mailbox | None:
        """What stands between angle brackets; None when that is no address. It stops at the closing one."""
        lexer = self.lexer
        lexer.skip_cfws()
        valid = lexer.peek() != "@" or self._skip_route()
        words: list[_Token] = []
        domain = ""
        while True:
            spaced = lexer.skip_cfws()
            char = lexer.peek()
            if char == "<" and not words and not domain:  # <<a@b>>
                lexer.note("stray-character")
                lexer.skip(_run_of("<"))
                continue
            if char in ("", ">", "<", ",", ";"):
                break
            if char == "@" and not domain and words:
                lexer.position += 1
                domain = self._read_domain()
                valid = valid and domain != ""
            elif domain:
                valid = False
                lexer.skip(_after_domain())
            elif char in ("@", ":"):
                valid = False
                lexer.skip(_run_of(char))
            else:
                valid = valid and len(words) < MAX_WORDS
                self._read_token(words, spaced)
        if not words and valid:
            lexer.note("empty-address")
            return Mailbox(name, "", "")
        if not valid or any(word.kind == _STRAY for word in words) or _glued(words):
            return None
        if not domain:
            lexer.note("missing-domain")
        return Mailbox(name, self._angle_local_part(words), domain)

    def _skip_route(self) -> bool:
        """Move over an obs-route (RFC 5322 §4.4), which means nothing any more; False when it is none."""
        lexer = self.lexer
        lexer.note("obsolete-route")
        while lexer.peek() in ("@", ","):
            if lexer.peek() == "@":
                lexer.position += 1
                if not self._read_domain():
                    return False
            else:
                lexer.position += 1
            lexer.skip_cfws()
        if lexer.peek() != ":":
            return False
        lexer.position += 1
        return True

    def _angle_local_part(self, words: list[_Token]) -> str:
        """The local-part in angle brackets; white space in it, against the grammar, is kept as one space."""
        if any(one.kind == other.kind == _WORD for one, other in pairwise(words)):
            self.lexer.note("space-in-local-part")
            return _join(words)
        return self._local_part(words)

    def _begin_group(self, spaced: bool) -> None:
        """Take the text so far as the name of a group (RFC 5322 §3.4); a colon elsewhere is a stray."""
        lexer = self.lexer
        is_name = bool(self.tokens) and self.bare is None and not self.hopeless
        if not is_name or self.nested == MAX_NESTED_GROUPS:
            self._read_token(self.tokens, spaced)
            return
        if self.complete:
            lexer.note("missing-comma")
        if self.group is None:
            name = _join(self.tokens)
            self._begin()
            self.group = name
        else:  # its members become members of the outer group
            lexer.note("nested-group")
            self.nested += 1
            self._begin()
        lexer.position += 1

    def _end_group(self) -> None:
        """Hand over the group at hand."""
        self._flush()
        if self.group is not None and self._has_room():
            self.addresses.append(Group(self.group, tuple(self.members)))
        self.group, self.members = None, []
        self.complete = True
        self._forget_tokens()

    def _finish(self, *, demanded: bool) -> None:
        """Take what the text outside angle brackets is, now that the member is at its end."""
        lexer, tokens = self.lexer, self.tokens
        if self.hopeless:
            lexer.note("invalid-address")
            self._emit(Mailbox(_join(tokens), "", ""))
        elif self.bare is not None:
            if len(tokens) > self.loose:
                lexer.note("text-after-address")
            self._emit(self.bare)
        elif tokens and self.complete:
            lexer.note("text-after-address")
        elif tokens and _local_part_length(tokens) == len(tokens) and not tokens[0].text.startswith("=?"):
            lexer.note("missing-domain")
            self._emit(Mailbox(None, self._local_part(tokens), ""))
        elif tokens:
            lexer.note("invalid-address")
            self._emit(Mailbox(_join(tokens), "", ""))
        elif demanded and not self.complete:
            lexer.note("null-element")

    def _emit(self, mailbox: Mailbox) -> None:
        """Take `mailbox` as the address of the member; a second one in it lacks its comma."""
        if self.complete:
            self.lexer.note("missing-comma")
        self._flush()
        self.last = mailbox
        self.complete = True

    def _flush(self) -> None:
        """Hand over the last mailbox, with the comments met since the one before."""
        if self.last is None:
            return
        comments = self.lexer.comments
        mailbox = self.last._replace(comment=" ".join(comments) or None) if comments else self.last
        comments.clear()
        self.last = None
        if self._has_room():
            (self.addresses if self.group is None else self.members).append(mailbox)

    def _has_room(self) -> bool:
        """Count one more mailbox or group; past the limit False, and the rest of the list is passed over."""
        if self.count == MAX_ADDRESSES:
            self.lexer.note("too-many-addresses")
            self.lexer.position = len(self.lexer.text)
            self.is_full = True
            return False
        self.count += 1
        return True


@cache
def _delimiters(*, in_group: bool) -> re.Pattern[str]:
    """Delimiters with nothing but white space before each; in a group a semicolon ends it."""
    return possessive(r"(?:[ \t\r\n]*+,)++" if in_group else r"(?:[ \t\r\n]*+[,;])++")


@cache
def _rubbish() -> re.Pattern[str]:
    """Any tokens but delimiters, angle brackets, comments, encoded-words and long quoted-strings."""
    return possessive(
        rf'(?:(?!=\?){ATEXT}++|[\x00-\x20).:>@\[\]\x7f]++|"[^"\\]{{0,{_LONG}}}+"|\\.)*+', re.DOTALL
    )


@cache
def _first_stray() -> re.Pattern[str]:
    """In what `_rubbish` matches, all up to the first character that is no token, and that."""
    strays = r"\x00-\x08\x0b\x0c\x0e-\x1f):>\[\]\\\x7f"
    return possessive(rf'(?:[^"{strays}]++|"[^"]*+")*+([{strays}])')


@cache
def _run_of(char: str) -> re.Pattern[str]:
    return re.compile(f"{char}++")


@cache
def _after_domain() -> re.Pattern[str]:
    """What may follow a domain in angle brackets and be nothing."""
    return re.compile(r"[^ \t\r\n(<>,;]++")
