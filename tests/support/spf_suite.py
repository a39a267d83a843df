"""The OpenSPF suite for RFC 7208: its scenarios, and its zones as a resolver in memory and as a DNS server.

A name's SPF entries stand for TXT where it has no TXT of its own; ``TXT: NONE`` says that there is none;
TIMEOUT silences the types that a name does not list.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import yaml

from blaze.core.auth.resolver import (
    Answer,
    MailExchanger,
    Question,
    Rcode,
    Record,
    RecordType,
    is_domain_name,
)

MAX_ALIASES = 10


@dataclass(frozen=True)
class Case:
    name: str
    helo: str
    host: str
    mailfrom: str
    results: tuple[str, ...]
    explanation: str | None  # None: the suite does not say; DEFAULT: the domain gives none
    zone: "Zone"


class Zone:
    """The names of one scenario; also a `Resolver`."""

    def __init__(self, data: Mapping[str, Sequence[Any]]) -> None:
        self.names: dict[str, dict[RecordType, list[Record]]] = {}
        self.silent: set[str] = set()
        for name, entries in data.items():
            self._add(name.lower(), [entry for entry in entries if entry != "TIMEOUT"])
            if "TIMEOUT" in entries:
                self.silent.add(name.lower())

    def _add(self, name: str, entries: Sequence[Mapping[str, Any]]) -> None:
        held = self.names.setdefault(name, {})
        has_txt = any("TXT" in entry for entry in entries)
        for entry in entries:
            ((kind, value),) = entry.items()
            if value == "NONE" or (kind == "SPF" and has_txt):
                continue
            kind = RecordType("txt" if kind == "SPF" else kind.lower())
            held.setdefault(kind, []).append(to_record(kind, value))

    def query(self, questions: Sequence[Question]) -> list[Answer]:
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Answer:
        name = question.name.removesuffix(".").lower()
        if not is_domain_name(name):
            return Answer(question, Rcode.NXDOMAIN)
        for _ in range(MAX_ALIASES):
            held = self.names.get(name)
            if held is None:
                return Answer(question, Rcode.NXDOMAIN)
            if question.type in held:
                return Answer(question, records=tuple(held[question.type]))
            if name in self.silent:
                return Answer(question, Rcode.TIMEOUT)
            if RecordType.CNAME not in held:
                return Answer(question)
            name = str(held[RecordType.CNAME][0]).lower()
        return Answer(question, Rcode.SERVFAIL)

    def handle(self, query: dns.message.Message, transport: str) -> dns.message.Message | None:
        """The same as a handler of `tests.support.dns_server.DNSServer`."""
        asked = query.question[0]
        name = b".".join(asked.name.labels[:-1]).decode("utf-8", "surrogateescape")
        kind = RecordType(dns.rdatatype.to_text(asked.rdtype).lower())
        answer = self._answer(Question(name, kind))
        if answer.rcode is Rcode.TIMEOUT:
            return None
        response = dns.message.make_response(query, recursion_available=True)
        response.set_rcode(dns.rcode.from_text(answer.rcode.value.upper()))
        if answer.records:
            texts = [to_text(record) for record in answer.records]
            response.answer.append(dns.rrset.from_text_list(asked.name, 60, "IN", kind.value.upper(), texts))
        return response


def to_record(kind: RecordType, value: Any) -> Record:
    match kind:
        case RecordType.TXT:
            return "".join(value).encode("latin-1") if isinstance(value, list) else value.encode("latin-1")
        case RecordType.A:
            return IPv4Address(value)
        case RecordType.AAAA:
            return IPv6Address(value)
        case RecordType.MX:
            return MailExchanger(value[0], value[1].removesuffix(".") or ".")
        case _:
            return str(value).removesuffix(".")


def to_text(record: Record) -> str:
    """A record in zone-file form."""
    if isinstance(record, bytes):
        chunks = [record[start : start + 255] for start in range(0, len(record), 255)] or [b""]
        return " ".join('"' + "".join(f"\\{octet:03d}" for octet in chunk) + '"' for chunk in chunks)
    if isinstance(record, MailExchanger):
        return f"{record.preference} {to_name(record.host)}"
    return to_name(record) if isinstance(record, str) else str(record)


def to_name(name: str) -> str:
    return dns.name.Name([*(label.encode() for label in name.rstrip(".").split(".") if label), b""]).to_text()


def iter_cases(path: Path) -> Iterator[Case]:
    """Every case of the suite, named ``scenario/test``."""
    for scenario in yaml.safe_load_all(path.read_text("utf-8")):
        zone = Zone(scenario["zonedata"])
        for name, test in scenario["tests"].items():
            results = test["result"]
            yield Case(
                f"{scenario['description']}/{name}",
                test["helo"],
                test["host"],
                test["mailfrom"],
                (results,) if isinstance(results, str) else tuple(results),
                test.get("explanation"),
                zone,
            )
