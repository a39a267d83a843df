"""Static DNS trees: a folder with a file of answers for each name (``--dns-static``, ``--dns-record``).

A file is named ``<domain>.dns`` and holds one record set a line: ``txt:TEXT``, ``a:IP IP``, ``aaaa:IP``,
``mx:HOST:PREFERENCE``, ``ptr:NAME``, ``cname:NAME``, ``tlsa:USAGE SELECTOR TYPE HEX``; alone on a line
``nxdomain``, ``ad``, and ``nodata``, ``servfail``, ``timeout``, each with or without a type. What is said of
a type counts before what is said of the name; a type of which nothing is said is no data.
"""

import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import NamedTuple

from blaze.core.auth.resolver import (
    Answer,
    Association,
    MailExchanger,
    Question,
    Rcode,
    Record,
    RecordType,
    is_domain_name,
)
from blaze.core.errors import CannotCreateError, InputOutputError, NoInputError

MAX_ALIASES = 11  # CNAME records followed for one question; resolvers stop between 8 and 17
MAX_FILE_NAME = 255  # octets, the limit of every file system in use
MAX_FILE_SIZE = 1 << 20  # octets read of one file; a name's answers fill 64 kB at most

_log = logging.getLogger(__name__)
_OUTCOMES = {"nodata": Rcode.NOERROR, "servfail": Rcode.SERVFAIL, "timeout": Rcode.TIMEOUT}


@dataclass(frozen=True, slots=True)
class StaticName:
    """All that a tree says about one name.

    `outcomes` tells how a look-up without records ends, by type; None stands for every type of which nothing
    else is said. `authenticated` holds for all of it. `faults` are the numbers, from 1, of lines that mean
    nothing.
    """

    records: Mapping[RecordType, tuple[Record, ...]] = field(default_factory=dict)
    outcomes: Mapping[RecordType | None, Rcode] = field(default_factory=dict)
    authenticated: bool = False
    faults: tuple[int, ...] = field(default=(), compare=False)

    def answer(self, question: Question) -> Answer:
        """Answer a question about this name, without following its alias."""
        kind = question.type
        rcode = Rcode.NOERROR if kind in self.records else self.outcomes.get(kind, self._otherwise)
        return Answer(
            question,
            rcode,
            self.records.get(kind, ()),
            authenticated=self.authenticated,
            detail=_DETAILS.get(rcode, ""),
        )

    def alias(self, kind: RecordType) -> str | None:
        """The name to ask instead, when only an alias is known for this type (RFC 1034 §3.6.2)."""
        if kind is RecordType.CNAME or kind in self.records or kind in self.outcomes:
            return None
        target = next(iter(self.records.get(RecordType.CNAME, ())), None)
        return target if isinstance(target, str) else None

    @property
    def _otherwise(self) -> Rcode:
        return self.outcomes.get(None, Rcode.NOERROR)

    def with_answer(self, answer: Answer) -> "StaticName":
        """This name with one more answer, which replaces what was known of that type."""
        kind = answer.question.type
        records = {known: value for known, value in self.records.items() if known is not kind}
        outcomes = {known: value for known, value in self.outcomes.items() if known is not kind}
        if answer.records and all(_to_line(kind, record) is not None for record in answer.records):
            records[kind] = answer.records
        elif answer.records:
            _log.warning("%s %s: cannot be written in a static tree, kept as servfail", *answer.question)
            outcomes[kind] = Rcode.SERVFAIL
        elif answer.rcode is Rcode.NXDOMAIN:
            outcomes[None] = Rcode.NXDOMAIN
        else:
            outcomes[kind] = answer.rcode
        empty = not self.records and not self.outcomes
        return StaticName(records, outcomes, answer.authenticated and (empty or self.authenticated))

    def to_bytes(self) -> bytes:
        """The file's text, LF newlines; `parse` gives the same value back.

        Raises:
            ValueError: a record cannot be written: a TXT record that holds a newline, a name that holds a
            blank.
        """
        lines = [b"ad"] if self.authenticated else []
        for kind, records in self.records.items():
            for record in records:
                line = _to_line(kind, record)
                if line is None:
                    raise ValueError(f"no line can hold {record!r}")
                lines.append(line)
        for known, rcode in self.outcomes.items():
            word = "nodata" if rcode is Rcode.NOERROR else rcode.value
            lines.append((f"{word} {known}" if known else word).encode())
        return b"".join(line + b"\n" for line in lines)


_DETAILS = {Rcode.SERVFAIL: "SERVFAIL, says the static tree", Rcode.TIMEOUT: "no reply, says the static tree"}


def parse(data: bytes) -> StaticName:
    """Read the text of one file; lines end in LF or CRLF, empty ones are passed over. Never raises."""
    records: dict[RecordType, tuple[Record, ...]] = {}
    outcomes: dict[RecordType | None, Rcode] = {}
    authenticated, faults = False, []
    for number, line in enumerate(data.split(b"\n"), 1):
        line = line.rstrip(b"\r")
        words = line.decode("ascii", "replace").split()
        if words == ["ad"]:
            authenticated = True
        elif words == ["nxdomain"]:
            outcomes[None] = Rcode.NXDOMAIN
        elif words and words[0] in _OUTCOMES and _is_types(words[1:]):
            outcomes[RecordType(words[1]) if words[1:] else None] = _OUTCOMES[words[0]]
        elif b":" in line:
            kind, found = _parse_set(line)
            if kind is None or not found:
                faults.append(number)
            else:
                records[kind] = records.get(kind, ()) + found
        elif words:
            faults.append(number)
    return StaticName(records, outcomes, authenticated, tuple(faults))


def _is_types(words: Sequence[str]) -> bool:
    return len(words) <= 1 and all(word in RecordType.__members__.values() for word in words)


def _parse_set(line: bytes) -> tuple[RecordType | None, tuple[Record, ...]]:
    word, _, value = line.partition(b":")
    try:
        kind = RecordType(word.strip().decode("ascii"))
        return kind, tuple(_PARSERS[kind](value))
    except ValueError:
        return None, ()


def _parse_names(value: bytes) -> list[Record]:
    return [_to_name(word) for word in value.split()]


def _parse_exchangers(value: bytes) -> list[Record]:
    found: list[Record] = []
    for word in value.split():
        host, _, preference = word.rpartition(b":")
        if not host or not preference.isdigit() or len(preference) > 5 or int(preference) > 0xFFFF:
            raise ValueError(word)
        found.append(MailExchanger(int(preference), _to_name(host)))
    return found


def _parse_association(value: bytes) -> list[Record]:
    usage, selector, matching, data = value.decode("ascii").split()
    association = Association(int(usage), int(selector), int(matching), bytes.fromhex(data))
    if any(not 0 <= number <= 255 for number in association[:3]):
        raise ValueError(value)
    return [association]


def _to_name(word: bytes) -> str:
    name = word.decode("utf-8", "surrogateescape")
    return name.rstrip(".") or "."


_PARSERS: dict[RecordType, Callable[[bytes], list[Record]]] = {
    RecordType.A: lambda value: [IPv4Address(word.decode("ascii")) for word in value.split()],
    RecordType.AAAA: lambda value: [IPv6Address(word.decode("ascii")) for word in value.split()],
    RecordType.CNAME: _parse_names,
    RecordType.MX: _parse_exchangers,
    RecordType.PTR: _parse_names,
    RecordType.TLSA: _parse_association,
    RecordType.TXT: lambda value: [value],
}


def _to_line(kind: RecordType, record: Record) -> bytes | None:
    """One line for one record, or None when the format cannot hold it."""
    if isinstance(record, bytes):
        return None if b"\n" in record or record.endswith(b"\r") else b"txt:" + record
    if isinstance(record, MailExchanger):
        text = f"{record.host}:{record.preference}"
    elif isinstance(record, Association):
        return f"tlsa:{record.usage} {record.selector} {record.matching} {record.data.hex()}".encode()
    else:
        text = str(record)
    octets = text.encode("utf-8", "surrogateescape")
    return None if len(octets.split()) != 1 or octets.split()[0] != octets else f"{kind}:".encode() + octets


def file_name(domain: str) -> str | None:
    """The name of the file that holds `domain`, or None when it would be too long for one.

    Lower case; octets outside ``[a-z0-9._-]`` stand as ``%XX``, so no name leaves the folder.

    >>> file_name("Mail.Example.ORG."), file_name("../passwd")
    ('mail.example.org.dns', '..%2Fpasswd.dns')
    """
    octets = domain.removesuffix(".").encode("utf-8", "surrogateescape").lower()
    name = re.sub(rb"[^a-z0-9._-]", lambda match: b"%%%02X" % match[0][0], octets).decode("ascii") + ".dns"
    return name if len(name) <= MAX_FILE_NAME else None


class Found(NamedTuple):
    """How far a tree answers a question: `answer` is None when it does not hold the name.

    `question` is then what is left to ask: the name at the end of the aliases followed. `authenticated` is
    false when one of those aliases was not.
    """

    answer: Answer | None
    question: Question
    authenticated: bool


class StaticTree:
    """Texts in the form above, by file name; each is read when its name is asked for."""

    def __init__(self, read_file: Callable[[str], bytes | None], where: str) -> None:
        self._read_file = read_file
        self._where = where
        self._warned: set[str] = set()

    @classmethod
    def of_folder(cls, folder: Path) -> "StaticTree":
        """The files in `folder`.

        Raises:
            NoInputError: it is no folder.
        """
        if not folder.is_dir():
            raise NoInputError("no such folder", where=str(folder))
        return cls(partial(_read_file, folder), f"{folder}{os.sep}")

    @classmethod
    def of_texts(cls, texts: Mapping[str, str | bytes]) -> "StaticTree":
        """Texts in memory, by domain."""
        files = {file_name(domain): _to_octets(text) for domain, text in texts.items()}
        return cls(files.get, "")

    def find(self, question: Question) -> Found:
        """Answer `question`, following aliases inside the tree.

        A file that cannot be read raises InputOutputError. A line that means nothing is warned about once.
        """
        name, authenticated = question.name, True
        for _ in range(MAX_ALIASES):
            held = self.read(name)
            if held is None:
                return Found(None, Question(name, question.type), authenticated)
            authenticated = authenticated and held.authenticated
            target = held.alias(question.type)
            if target is None:
                told = held.answer(Question(name, question.type))
                answer = Answer(
                    question, told.rcode, told.records, authenticated=authenticated, detail=told.detail
                )
                return Found(answer, question, authenticated)
            name = target
        detail = f"more than {MAX_ALIASES} aliases"
        return Found(Answer(question, Rcode.SERVFAIL, detail=detail), question, False)

    def read(self, domain: str) -> StaticName | None:
        """What the tree says about `domain`, or None when it does not hold it."""
        name = file_name(domain)
        data = self._read_file(name) if name else None
        if data is None or name is None:
            return None
        held = parse(data)
        if held.faults and name not in self._warned:
            self._warned.add(name)
            for number in held.faults:
                _log.warning("%s%s: line %d is no record and is passed over", self._where, name, number)
        return held


def _to_octets(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _read_file(folder: Path, name: str) -> bytes | None:
    try:
        with (folder / name).open("rb") as file:
            return file.read(MAX_FILE_SIZE)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputOutputError(f"cannot be read: {error.strerror}", where=str(folder / name)) from error


class StaticResolver:
    """Answers from texts in memory alone, ``{domain: text of its file}``; any other name does not exist.

    >>> resolver = StaticResolver({"example.org": "txt:v=spf1 -all"})
    >>> resolver.query([Question("example.org", RecordType.TXT)])[0].texts
    (b'v=spf1 -all',)
    """

    def __init__(self, texts: Mapping[str, str | bytes]) -> None:
        self._tree = StaticTree.of_texts(texts)

    def query(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer every question; see `blaze.core.auth.resolver.Resolver.query`."""
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Answer:
        if not is_domain_name(question.name):
            return Answer(question, Rcode.NXDOMAIN, detail="not a domain name")
        found = self._tree.find(question)
        return found.answer or Answer(question, Rcode.NXDOMAIN)


class Recorder:
    """Writes what was asked and answered as a static tree; what the folder holds already is kept and
    completed.

    Raises:
        CannotCreateError: the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotCreateError(f"cannot be made: {error.strerror}", where=str(folder)) from error
        self._folder = folder
        self._tree = StaticTree.of_folder(folder)

    def record(self, answer: Answer) -> None:
        """Write one answer. A name too long for a file name is warned about and left out.

        An answer counts as authenticated on replay when all that was recorded of its name was.

        Raises:
            CannotCreateError: the file cannot be written.
        """
        domain = answer.question.name
        name = file_name(domain)
        if name is None:
            _log.warning("%s: too long for a file name, not recorded", domain)
            return
        entry = (self._tree.read(domain) or StaticName()).with_answer(answer)
        temporary = self._folder / f".{os.getpid()}.tmp"
        try:
            temporary.write_bytes(entry.to_bytes())
            temporary.replace(self._folder / name)
        except OSError as error:
            where = str(self._folder / name)
            raise CannotCreateError(f"cannot be written: {error.strerror}", where=where) from error
