"""DANE for SMTP: certificates checked by TLSA records from an authenticated DNS (RFC 7672, RFC 7671)."""

import hashlib
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from blaze.core.auth.resolver import Answer, Association, RecordType, Resolver, ask
from blaze.core.errors import DNSTemporaryError
from blaze.core.net.tls import CertificateError, certificate_chain, is_issued_under, public_key_info

HAS_CHAIN = hasattr(ssl.SSLSocket, "get_unverified_chain")
"""Whether the library shows the chain that a peer sent: without it DANE-TA cannot be checked."""

DANE_TA, DANE_EE = 2, 3  # certificate usages that mean something in SMTP, RFC 7672 §3.1
MAX_ALIASES = 11  # ours: CNAME records followed, as many as resolvers do


class Associations(NamedTuple):
    """The TLSA records of a host: those that make sense, and whether there were any at all.

    `base` is the name that they are published under (RFC 7672 §2.2.2).
    """

    records: tuple[Association, ...]
    published: bool
    base: str


def find_associations(host: str, port: int, resolver: Resolver) -> Associations:
    """Look up the TLSA records of ``_port._tcp.host``; they count only when the answer is authenticated.

    Those of the name that the host is an alias of come first. Ask only for a host whose addresses are
    authenticated (RFC 7672 §2.2.2).

    Raises:
        DNSTemporaryError: the DNS could not say; the host must not be used now (§2.1.1).
    """
    for base in dict.fromkeys((_expand(host, resolver), host)):
        answer = _ask(resolver, f"_{port}._tcp.{base}", RecordType.TLSA)
        if answer.authenticated and answer.associations:
            return Associations(tuple(filter(_is_usable, answer.associations)), True, base)
    return Associations((), False, host)


def _expand(host: str, resolver: Resolver) -> str:
    """The name that `host` is an alias of in the end, as far as that is authenticated; else `host`."""
    for _ in range(MAX_ALIASES):
        answer = _ask(resolver, host, RecordType.CNAME)
        if not answer.authenticated or not answer.names:
            break
        host = answer.names[0].lower()
    return host


def _ask(resolver: Resolver, name: str, kind: RecordType) -> Answer:
    answer = ask(resolver, name, kind)
    if answer.failed:
        raise DNSTemporaryError("the TLSA records cannot be looked up now", where=str(answer))
    return answer


def _is_usable(record: Association) -> bool:
    lengths = {0: None, 1: 32, 2: 64}
    if (
        record.usage not in (DANE_TA, DANE_EE)
        or record.selector not in (0, 1)
        or record.matching not in lengths
    ):
        return False
    length = lengths[record.matching]
    return bool(record.data) and (length is None or len(record.data) == length)


@dataclass(frozen=True, slots=True)
class DANECheck:
    """Checks a finished handshake against TLSA records.

    `names` are the names that a certificate under a DANE-TA authority may be for: those of the host and the
    domain that the mail is for (RFC 7672 §3.2.2). With DANE-EE neither name nor dates count (§3.1.1).
    """

    records: Sequence[Association]
    names: Sequence[str]

    def __call__(self, connection: ssl.SSLSocket, host: str) -> None:
        """Return when one record vouches for the certificate.

        Raises:
            CertificateError: none does.
        """
        leaf = connection.getpeercert(binary_form=True) or b""
        if any(record.usage == DANE_EE and matches(record, leaf) for record in self.records):
            return
        authorities = [record for record in self.records if record.usage == DANE_TA]
        chain = certificate_chain(connection) if authorities else ()
        if any(self._is_under(leaf, chain, trusted) for trusted in _anchors(authorities, chain)):
            return
        raise CertificateError("no TLSA record vouches for the certificate", where=host)

    def _is_under(self, leaf: bytes, chain: Sequence[bytes], trusted: bytes) -> bool:
        return any(is_issued_under(leaf, chain, trusted, name) for name in self.names)


def matches(record: Association, certificate: bytes) -> bool:
    """Whether a TLSA record names a certificate, given as DER (RFC 6698 §2.1.2 to §2.1.4)."""
    selected = certificate if record.selector == 0 else public_key_info(certificate)
    if record.matching == 0:
        return record.data == selected
    digest = hashlib.sha256 if record.matching == 1 else hashlib.sha512
    return record.data == digest(selected).digest()


def _anchors(records: Sequence[Association], chain: Sequence[bytes]) -> Iterable[bytes]:
    """The certificates that the DANE-TA records name: of the chain, or given whole in the record."""
    for record in records:
        if record.selector == 0 and record.matching == 0:
            yield record.data
        yield from (certificate for certificate in chain[1:] if matches(record, certificate))
