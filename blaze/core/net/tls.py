"""TLS: contexts for clients and servers, certificates checked and pinned, failures told apart.

The one place, beside `auth.keys`, that sees the cryptography library.
"""

import hashlib
import re
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from blaze.core.errors import (
    BlazeError,
    ConfigurationError,
    TemporaryError,
    TimedOutError,
    TLSError,
    UsageError,
)
from blaze.core.sasl import ChannelBinding

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

_PIN = re.compile(r"sha256:([0-9a-fA-F]{64})")


class CertificateError(TLSError):
    """The handshake would have worked, but the certificate is not one to trust for that peer."""


@dataclass(frozen=True, slots=True)
class TLSOptions:
    """What a client asks of the server's certificate.

    `verify` checks chain, dates and name; without it any certificate is taken. `pin` is ``sha256:HEX`` of the
    leaf's DER and replaces the check of chain and name, as `check` does. `cafile` names the authorities to
    trust instead of the system's. `cert` and `key` are PEM files of the client's own certificate.
    """

    verify: bool = True
    cafile: str | None = None
    pin: str | None = None
    cert: str | None = None
    key: str | None = None
    check: Callable[[ssl.SSLSocket, str], None] | None = None
    """What else must hold once the handshake is done; it raises CertificateError when it does not."""
    server_name: str | None = None
    """The name to ask for where it is not the host's (RFC 7672 §8.1)."""


def start_tls(connection: socket.socket, host: str, options: TLSOptions, timeout: float) -> ssl.SSLSocket:
    """Do a client's handshake for `host` (a name, or an IP address) on `connection`.

    Raises:
        CertificateError: the certificate was refused; `what` says which check failed.
        TLSError: the handshake failed.
        TimedOutError: the peer was silent.
        ConfigurationError: a file of certificates or keys cannot be used.
    """
    context = client_context(options)
    connection.settimeout(timeout)
    try:
        secured = context.wrap_socket(connection, server_hostname=options.server_name or host)
    except ssl.SSLCertVerificationError as error:
        raise CertificateError(_certificate_reason(error, host), where=host, hint=_VERIFY_HINT) from None
    except ssl.SSLError as error:
        hint = _IN_CLEAR_HINT if error.reason == "WRONG_VERSION_NUMBER" else None
        raise TLSError(f"the TLS handshake failed: {_reason(error)}", where=host, hint=hint) from None
    except TimeoutError:
        raise TimedOutError("no answer to the TLS handshake in time", where=host) from None
    except (OSError, ValueError) as error:
        raise TLSError(f"the TLS handshake failed: {error}", where=host) from None
    try:
        if options.pin:
            check_pin(secured, options.pin, host)
        if options.check:
            options.check(secured, host)
    except BlazeError:
        secured.close()
        raise
    return secured


_IN_CLEAR_HINT = "Perhaps the server begins in clear there: try --tls starttls, or another port."
_VERIFY_HINT = "Trust its authority with --cafile FILE, or this one certificate with --pin sha256:HEX."


def client_context(options: TLSOptions) -> ssl.SSLContext:
    """A context for clients: TLS 1.2 and later (RFC 8996, RFC 9325)."""
    try:
        context = ssl.create_default_context(cafile=options.cafile)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"cannot read the authorities: {error}", where=options.cafile) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not options.verify or options.pin or options.check:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if options.cert:
        _load_chain(context, options.cert, options.key)
    return context


def server_context(cert: str, key: str | None = None) -> ssl.SSLContext:
    """A context for servers from PEM files: the certificate with its chain, and its key (or both in `cert`).

    Raises:
        ConfigurationError: they cannot be read, or do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load_chain(context, cert, key)
    return context


def _load_chain(context: ssl.SSLContext, cert: str, key: str | None) -> None:
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"cannot use the certificate and its key: {_reason(error)}",
            where=f"{cert}, {key}" if key else cert,
        ) from None


def check_pin(connection: ssl.SSLSocket, pin: str, host: str) -> None:
    """Compare the peer's leaf certificate with ``sha256:HEX`` of its DER.

    Raises:
        UsageError: the pin has another form.
        CertificateError: it is another certificate.
    """
    wanted = read_pin(pin)
    leaf = connection.getpeercert(binary_form=True) or b""
    digest = hashlib.sha256(leaf).digest()
    if digest != wanted:
        raise CertificateError(
            "the certificate is not the pinned one", where=host, hint=f"It is sha256:{digest.hex()}."
        )


def read_pin(pin: str) -> bytes:
    """The 32 octets that ``sha256:HEX`` stands for; raises UsageError when it has another form."""
    match = _PIN.fullmatch(pin)
    if match is None:
        raise UsageError("not a pin", where=pin, hint="Write sha256: and 64 hexadecimal digits.")
    return bytes.fromhex(match[1])


def _certificate_reason(error: ssl.SSLCertVerificationError, host: str) -> str:
    """Which check failed, in words (X509_V_ERR_* of OpenSSL's x509_vfy.h)."""
    match error.verify_code:
        case 10:
            return "the certificate has expired"
        case 9:
            return "the certificate is not valid yet"
        case 18:
            return "the certificate is self-signed"
        case 19 | 20 | 21:
            return "the certificate's authority is not trusted"
        case 62 | 64:
            return f"the certificate is for another name than {host}"
    return f"the certificate was refused: {error.verify_message}"


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    if isinstance(reason, str):
        return reason.lower().replace("_", " ")
    if "PEM lib" in str(error):
        return "there is no certificate with its key in PEM form"
    return getattr(error, "strerror", None) or str(error)


def to_error(error: Exception, where: str) -> TLSError | TemporaryError:
    """What a failure of reading or writing inside TLS is to the caller."""
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return TLSError(f"the TLS connection failed: {_reason(error)}", where=where)
    return TemporaryError("the connection was lost", where=where)


def channel_binding(connection: ssl.SSLSocket) -> ChannelBinding | None:
    """The octets that tie SCRAM to this connection, or None where the library gives none.

    ``tls-unique`` on TLS 1.2 (RFC 5929 §3), ``tls-server-end-point`` on TLS 1.3 (RFC 5929 §4), for which
    ``tls-unique`` is not defined (RFC 9266 §4) and the standard library has no exporter.
    """
    if connection.version() != "TLSv1.3":
        data = connection.get_channel_binding("tls-unique")
        return ChannelBinding("tls-unique", data) if data else None
    leaf = connection.getpeercert(binary_form=True)
    return ChannelBinding("tls-server-end-point", end_point(leaf)) if leaf else None


def end_point(certificate: bytes) -> bytes:
    """The ``tls-server-end-point`` of a DER certificate: its hash by its signature's algorithm (RFC 5929
    §4.1).

    MD5 and SHA-1 count as SHA-256, and so does an algorithm that has no hash of its own.
    """
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
        name = algorithm.name if algorithm else "sha256"
    except (ValueError, UnsupportedAlgorithm):
        name = "sha256"
    return hashlib.new("sha256" if name in ("md5", "sha1") else name, certificate).digest()


def certificate_chain(connection: ssl.SSLSocket) -> tuple[bytes, ...]:
    """The certificates that the peer sent, as DER, its own first; none where the library does not give them.

    Python has `get_unverified_chain` from 3.13 on.
    """
    get_chain = getattr(connection, "get_unverified_chain", None)
    return tuple(get_chain()) if get_chain else ()


def public_key_info(certificate: bytes) -> bytes:
    """The SubjectPublicKeyInfo of a DER certificate; empty when it cannot be read."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        return b""


def is_issued_under(leaf: bytes, chain: Sequence[bytes], trusted: bytes, name: str) -> bool:
    """Whether `leaf` is for `name` and chains up through `chain` to `trusted`; all are DER (RFC 5280 §6)."""
    from cryptography import x509
    from cryptography.x509 import verification

    try:
        load = x509.load_der_x509_certificate
        store = verification.Store([load(trusted)])
        verifier = verification.PolicyBuilder().store(store).build_server_verifier(x509.DNSName(name))
        verifier.verify(load(leaf), [load(certificate) for certificate in chain[1:]])
    except (ValueError, x509.UnsupportedGeneralNameType, verification.VerificationError):
        return False
    return True


class Certificates(NamedTuple):
    """What a test server needs, as PEM: an authority, a certificate under it with its chain, and its key."""

    authority: bytes
    chain: bytes
    key: bytes


def make_certificates(hosts: list[str], now: datetime, *, days: int = 30) -> Certificates:
    """A fresh authority and a certificate of it for `hosts` (names and IP addresses), for tests.

    The authority's key is thrown away: it signs this one certificate. `now` is aware; the certificate is
    valid from an hour before it.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID

    key, authority_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    signer = _Signer(authority_key, now - timedelta(hours=1), now + timedelta(days=days))
    authority = signer.sign(_AUTHORITY, authority_key, x509.BasicConstraints(ca=True, path_length=0))
    leaf = signer.sign(
        hosts[0],
        key,
        x509.BasicConstraints(ca=False, path_length=None),
        x509.SubjectAlternativeName([_general_name(host) for host in hosts]),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    authority_pem = authority.public_bytes(Encoding.PEM)
    return Certificates(authority_pem, leaf.public_bytes(Encoding.PEM) + authority_pem, private)


_AUTHORITY = "blaze test authority"


class _Signer(NamedTuple):
    """The test authority, and the lifetime of what it signs."""

    key: "ec.EllipticCurvePrivateKey"
    begin: datetime
    end: datetime

    def sign(
        self, subject: str, key: "ec.EllipticCurvePrivateKey", *extensions: "x509.ExtensionType"
    ) -> "x509.Certificate":
        """A certificate for the public half of `key`."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes

        public, is_authority = key.public_key(), key is self.key
        usage = x509.KeyUsage(
            digital_signature=not is_authority,
            key_cert_sign=is_authority,
            crl_sign=is_authority,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(_common_name(subject))
            .issuer_name(_common_name(_AUTHORITY))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.begin)
            .not_valid_after(self.end)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(identifier, critical=False)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self.key, hashes.SHA256())


def _common_name(name: str) -> "x509.Name":
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _general_name(host: str) -> "x509.GeneralName":
    from cryptography import x509

    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
