"""Contexts, pins, certificates for tests, and the chain of DANE-TA."""

import hashlib
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from blaze.core.errors import ConfigurationError, TimedOutError, TLSError, UsageError
from blaze.core.net import tls
from blaze.core.net.tls import CertificateError, Certificates, TLSOptions, make_certificates

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def made() -> Certificates:
    return make_certificates(["localhost", "127.0.0.1"], NOW)


@pytest.fixture
def files(made: Certificates, tmp_path: Path) -> Path:
    (tmp_path / "ca.pem").write_bytes(made.authority)
    (tmp_path / "chain.pem").write_bytes(made.chain)
    (tmp_path / "key.pem").write_bytes(made.key)
    return tmp_path


def _der(pem: bytes) -> list[bytes]:
    ends = pem.decode().split("-----END CERTIFICATE-----\n")
    return [ssl.PEM_cert_to_DER_cert(one + "-----END CERTIFICATE-----\n") for one in ends if one.strip()]


@pytest.fixture
def client_end(files: Path) -> Iterator[socket.socket]:
    """A socket whose other end is a TLS server."""
    ours, theirs = socket.socketpair()
    context = tls.server_context(str(files / "chain.pem"), str(files / "key.pem"))

    def serve() -> None:
        try:
            with context.wrap_socket(theirs, server_side=True) as secured:
                secured.recv(1)
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield ours
    ours.close()
    thread.join(5)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_start_tls_verifies_chain_and_name(host: str, client_end: socket.socket, files: Path) -> None:
    with tls.start_tls(client_end, host, TLSOptions(cafile=str(files / "ca.pem")), 5) as secured:
        assert secured.version() == "TLSv1.3"
        binding = tls.channel_binding(secured)
    assert binding
    leaf = _der((files / "chain.pem").read_bytes())[0]
    assert (binding.type, binding.data) == ("tls-server-end-point", hashlib.sha256(leaf).digest())


def test_start_tls_refuses_another_name(client_end: socket.socket, files: Path) -> None:
    with pytest.raises(CertificateError, match=r"another name than other\.test"):
        tls.start_tls(client_end, "other.test", TLSOptions(cafile=str(files / "ca.pem")), 5)


def test_start_tls_refuses_an_unknown_authority(client_end: socket.socket) -> None:
    with pytest.raises(CertificateError, match="authority is not trusted"):
        tls.start_tls(client_end, "localhost", TLSOptions(), 5)


def test_a_pin_replaces_the_chain(client_end: socket.socket, made: Certificates) -> None:
    pin = f"sha256:{hashlib.sha256(_der(made.chain)[0]).hexdigest()}"
    with tls.start_tls(client_end, "other.test", TLSOptions(pin=pin), 5) as secured:
        assert secured.version()


def test_a_wrong_pin_names_the_right_one(client_end: socket.socket, made: Certificates) -> None:
    with pytest.raises(CertificateError) as caught:
        tls.start_tls(client_end, "localhost", TLSOptions(pin="sha256:" + "0" * 64), 5)
    assert hashlib.sha256(_der(made.chain)[0]).hexdigest() in (caught.value.hint or "")


@pytest.mark.parametrize("pin", ["", "sha256:00", "md5:00", "0" * 64])
def test_a_malformed_pin_is_wrong_usage(pin: str, client_end: socket.socket) -> None:
    options = TLSOptions(verify=False, pin=pin)
    with pytest.raises(UsageError):
        secured = tls.start_tls(client_end, "localhost", TLSOptions(verify=False), 5)
        try:
            tls.check_pin(secured, options.pin or "", "localhost")
        finally:
            secured.close()


def test_a_peer_without_tls() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"220 mx ESMTP\r\n")
        with pytest.raises(TLSError, match="handshake failed"):
            tls.start_tls(ours, "localhost", TLSOptions(), 5)


def test_a_silent_peer() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(TimedOutError):
        tls.start_tls(ours, "localhost", TLSOptions(), 0.1)


@pytest.mark.parametrize("options", [TLSOptions(cafile="/nonexistent"), TLSOptions(cert="/nonexistent")])
def test_files_that_cannot_be_read(options: TLSOptions) -> None:
    with pytest.raises(ConfigurationError):
        tls.client_context(options)


def test_a_file_that_holds_no_certificate(tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_text("Subject: x\n")
    with pytest.raises(ConfigurationError, match="no certificate with its key in PEM form"):
        tls.server_context(str(tmp_path / "mail.eml"))


def test_a_key_of_another_certificate(files: Path) -> None:
    other = make_certificates(["localhost"], NOW)
    (files / "other.pem").write_bytes(other.key)
    with pytest.raises(ConfigurationError):
        tls.server_context(str(files / "chain.pem"), str(files / "other.pem"))


def test_every_ssl_error_is_mapped() -> None:
    classes = [
        kind for kind in vars(ssl).values() if isinstance(kind, type) and issubclass(kind, ssl.SSLError)
    ]
    assert classes
    for kind in classes:
        assert tls.to_error(kind(1, "x"), "here").exit_code in (75, 76)


def test_is_issued_under_checks_chain_and_name(made: Certificates) -> None:
    leaf, authority = _der(made.chain)
    other = _der(make_certificates(["localhost"], NOW).chain)[1]
    assert tls.is_issued_under(leaf, [leaf, authority], authority, "localhost")
    assert tls.is_issued_under(leaf, [leaf], authority, "localhost")
    assert not tls.is_issued_under(leaf, [leaf, authority], authority, "other.test")
    assert not tls.is_issued_under(leaf, [leaf, authority], other, "localhost")
    assert not tls.is_issued_under(leaf, [leaf], b"rubbish", "localhost")


def test_certificates_expire(files: Path) -> None:
    old = make_certificates(["localhost"], NOW - timedelta(days=100))
    leaf, authority = _der(old.chain)
    assert not tls.is_issued_under(leaf, [leaf], authority, "localhost")


def test_public_key_info_of_rubbish_is_empty() -> None:
    assert tls.public_key_info(b"rubbish") == b""
    assert tls.end_point(b"rubbish") == hashlib.sha256(b"rubbish").digest()
