"""Received: what each server says of how it got a message (RFC 5321 §4.4, RFC 5322 §3.6.7).

Beside the standard's own grammar these shapes are read: Postfix, Sendmail, Exim, qmail, Exchange, Gmail,
Haraka, SendGrid, fetchmail, and what else keeps to words like ``from`` and ``by``.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from blaze.core.errors import DataError
from blaze.core.mail import date as dates
from blaze.core.mail.address import parse_list, parse_mailbox
from blaze.core.mail.header import Defect
from blaze.core.mail.lexer import Lexer, is_dot_atom, text_of, unfold
from blaze.core.mail.regex import possessive

# RFC 5321 §4.4; tls is RFC 8314 §4.3, envelope-from stands so in Haraka's.
_CLAUSES = frozenset({"from", "by", "via", "with", "id", "for", "tls", "envelope-from"})

MAX_WORDS = 100
"""Words kept of one clause."""
MAX_WORD = 1_000
"""Characters kept of one word."""


@dataclass(frozen=True, slots=True)
class TLS:
    """How a connection was encrypted: the version as ``TLSv1.3`` and the cipher suite, where told."""

    version: str | None
    cipher: str | None


@dataclass(frozen=True, slots=True)
class Received:
    """One hop. What a server did not write is None.

    `from_` is what stands after ``from``, `helo` the name the client gave in HELO or EHLO, `from_ip` the
    client's address as the server saw it, in canonical form. `for_` and `id` are without angle brackets.
    """

    from_: str | None = None
    from_ip: str | None = None
    helo: str | None = None
    by: str | None = None
    for_: str | None = None
    with_: str | None = None
    via: str | None = None
    id: str | None = None
    tls: TLS | None = None
    date: dates.Date | None = None
    defects: tuple[Defect, ...] = ()


@dataclass(slots=True)
class _Clause:
    words: list[str]
    comments: list[str]

    def add(self, word: str, spaced: bool) -> None:
        """Add a word, or what touches the word before to that one."""
        if self.words and not spaced:
            self.words[-1] = (self.words[-1] + word)[:MAX_WORD]
        elif len(self.words) < MAX_WORDS:
            self.words.append(word[:MAX_WORD])


def parse(value: bytes) -> Received:
    """Read the value of a Received field; never raises, takes linear time.

    Defects: `missing-date`, `unreadable-date`, `missing-semicolon` (before the date), `repeated-clause` (the
    first counts), `unexpected-text` (words before the first clause) and those of the lexer. Their offsets
    count in characters of the value read as UTF-8.
    """
    lexer = Lexer(text_of(value))
    clauses = _read_clauses(lexer)
    identifier = clauses.get("id", _Clause([], [])).words
    date = _read_date(lexer, identifier[1:])
    source = clauses.get("from", _Clause([], []))
    words = {name: " ".join(clause.words) or None for name, clause in clauses.items()}
    name = [word for index, word in enumerate(source.words) if not index or not word.startswith("[")]
    with_ = words.get("with")
    return Received(
        from_=" ".join(name) or None,
        from_ip=_client_address(source),
        helo=_client_name(source, with_ or words.get("via")),
        by=words.get("by"),
        for_=_recipient(clauses.get("for")),
        with_=with_,
        via=words.get("via"),
        id=_unbracketed(identifier[0]) if identifier else None,
        tls=_encryption(clauses),
        date=date,
        defects=tuple(Defect(*item) for item in lexer.defects.items()),
    )


def _read_clauses(lexer: Lexer) -> dict[str, _Clause]:
    """The clauses by their keyword, up to the semicolon. What stands before the first is under the empty
    name.
    """
    clause = _Clause([], [])
    clauses = {"": clause}
    while True:
        lexer.comments.clear()
        spaced = lexer.skip_cfws() or not lexer.position
        clause.comments += lexer.comments[: MAX_WORDS - len(clause.comments)]
        start = lexer.position
        match = _word().match(lexer.text, start)
        if match is not None:
            lexer.position = match.end()
        elif lexer.peek() in ("", ";"):
            return clauses
        elif lexer.quoted_string() is None:  # a quoted local-part stays as it is written
            lexer.position += 1
        word = unfold(lexer.text[start : lexer.position])
        if spaced and word.lower() in _CLAUSES:
            if word.lower() in clauses:
                lexer.note("repeated-clause", start)
            clause = _Clause([], [])
            clauses.setdefault(word.lower(), clause)
        else:
            if clause is clauses[""]:
                lexer.note("unexpected-text", start)
            clause.add(word, spaced)


def _read_date(lexer: Lexer, behind_id: list[str]) -> dates.Date | None:
    """The date after the semicolon at hand, or after the last one, which a comment left open may hide.

    Where there is none, the date may be among the words `behind_id`, which is one word (RFC 5321 §4.4).
    """
    start = lexer.position if lexer.peek() == ";" else lexer.text.rfind(";")
    if start < 0:
        date = dates.parse(" ".join(behind_id).encode("utf-8", "surrogateescape"))
        lexer.note("missing-semicolon" if date else "missing-date")
        return date
    rest = lexer.text[start + 1 :].encode("utf-8", "surrogateescape")
    date = dates.parse(rest) or dates.parse(rest.rpartition(b";")[2])
    if date is None:
        lexer.note("unreadable-date")
    return date


def _client_address(source: _Clause) -> str | None:
    """The IP address the server saw: in brackets or alone in a comment, else in the words after ``from``.

    What the client has said (HELO, ident) can look like an address. Exim marks it, and it is taken out;
    elsewhere it stands before the address, so the last one counts.
    """
    for comment in source.comments:
        told = _claims().sub("", comment)
        for text in reversed(_bracketed_address().findall(told)[-MAX_WORDS:]):
            if address := _canonical_address(text):
                return address
        if address := _canonical_address(told.strip().rpartition("@")[2]):
            return address
    for word in reversed(source.words):
        if address := _canonical_address(word.strip("[]")):
            return address
    return None


def _canonical_address(text: str) -> str | None:
    """`text` as an IP address without zone, port and tag, or None; IPv4 inside IPv6 as IPv4."""
    import ipaddress

    text = text.removeprefix("IPv6:").partition("%")[0]
    if text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _client_name(source: _Clause, protocol: str | None) -> str | None:
    """The name given in HELO or EHLO: told in a comment, else the word after ``from`` of an SMTP hop."""
    for comment in source.comments:
        match = _helo().search(comment)
        if match is not None:
            return match[1]
    spoken = protocol is None or "smtp" in protocol.lower() or "lmtp" in protocol.lower()
    if spoken and source.words and source.words[0].lower() != "unknown":
        return source.words[0] if len(source.words) == 1 or source.words[1].startswith("[") else None
    return None


def _recipient(clause: _Clause | None) -> str | None:
    """The first address after ``for``."""
    text = " ".join(clause.words) if clause is not None else ""
    if not text:
        return None
    for member in parse_list(text.encode("utf-8", "surrogateescape")).iter_members():
        if member.mailbox.addr_spec:
            return member.mailbox.addr_spec
    return _unbracketed(text)


def _unbracketed(text: str | None) -> str | None:
    if text is not None and text.startswith("<") and text.endswith(">"):
        return text[1:-1]
    return text


def _encryption(clauses: dict[str, _Clause]) -> TLS | None:
    """What the comments say of TLS, and the tls clause (RFC 8314 §4.3)."""
    told = clauses.get("tls")
    suite = told.words[0] if told is not None and told.words else None
    for clause in clauses.values():
        for comment in clause.comments:
            match = _tls().match(comment)
            if match is not None:
                kind, major, minor, cipher = match.groups()
                version = None
                if major is not None:
                    version = f"{kind.upper()}v{major}" + (f".{minor}" if minor not in (None, "0") else "")
                return TLS(version, cipher or suite)
    return TLS(None, suite) if suite is not None else None


def build(
    *,
    by: str,
    date: datetime,
    from_: str | None = None,
    from_ip: str | None = None,
    with_: str | None = None,
    id: str | None = None,  # noqa: A002
    for_: str | None = None,
    newline: bytes = b"\n",
) -> bytes:
    """The value of a Received field (RFC 5321 §4.4), a clause a line, without the field's last newline.

    `from_` is the client's name, `from_ip` its address (given without a name, the name is the address
    literal), `for_` an address or a local-part. UTF-8 is written as such (RFC 6531 §3.7.3). Raises DataError
    for a value that would not be read back, above all for white space and control characters.
    """
    clauses = []
    if from_ is not None or from_ip is not None:
        literal = None if from_ip is None else _literal(from_ip)
        name = _checked("from", from_) if from_ is not None else literal
        clauses.append(f"from {name} ({literal})" if literal and from_ is not None else f"from {name}")
    clauses.append(f"by {_checked('by', by)}")
    for keyword, value in (("with", with_), ("id", id)):
        if value is not None:
            clauses[-1] += f" {keyword} {_checked(keyword, value)}"
    if for_ is not None:
        clauses.append(f"for <{_path(for_)}>")
    lines = [*clauses[:-1], clauses[-1] + ";", dates.format(date)]
    try:
        return (newline + b" ").join(line.encode() for line in lines)
    except UnicodeEncodeError:
        raise DataError("a value for Received that is no UTF-8", where=repr(lines)) from None


def _literal(address: str) -> str:
    canonical = _canonical_address(address)
    if canonical is None:
        raise DataError("not an IP address", where=repr(address))
    return f"[IPv6:{canonical}]" if ":" in canonical else f"[{canonical}]"


def _checked(keyword: str, value: str) -> str:
    if _word().fullmatch(value) is None or value.lower() in _CLAUSES or "\x7f" in value:
        raise DataError(f"not a word for the {keyword} clause of Received", where=repr(value))
    return value


def _path(address: str) -> str:
    """An address, or the local-part of one who lives here, as it stands in angle brackets."""
    if "@" not in address and is_dot_atom(address):
        return address
    return parse_mailbox(address).addr_spec


@cache
def _word() -> re.Pattern[str]:
    return re.compile(r'[^\x00-\x20();"]++')


@cache
def _helo() -> re.Pattern[str]:
    # qmail writes (HELO name), Exim (helo=name).
    return re.compile(r"\b(?:helo|ehlo)[\s=]\s*+([^\s()]++)", re.IGNORECASE)


@cache
def _claims() -> re.Pattern[str]:
    return re.compile(r"\b(?:helo|ehlo|ident)[\s=]\s*+[^\s()]++", re.IGNORECASE)


@cache
def _bracketed_address() -> re.Pattern[str]:
    return re.compile(r"\[([^\[\]\s]++)\]")


@cache
def _tls() -> re.Pattern[str]:
    # Only where a comment begins: what a client says of itself stands further on.
    return possessive(
        r"\s*+(?:using\s++|version=|cipher\s++|X=)?+(TLS|SSL)"
        r"(?:[v-]?(\d)(?:[._](\d))?[^\s,:;]*+(?:(?:\s++with\s++cipher\s++|,?\s*+cipher=|:)([\w-]++))?"
        r"|(?![\w-]))",
        re.IGNORECASE,
    )
