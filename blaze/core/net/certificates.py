"""The key and certificate of a server of ours: read from files, or made for one run."""

import os
import ssl
import tempfile
from datetime import UTC, datetime
from ipaddress import ip_address

from blaze.core.errors import DataError
from blaze.core.net import tls
from blaze.core.store import atomic
from blaze.core.store.octets import read

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def load(certificate: str, key: str | None) -> tuple[ssl.SSLContext, bytes]:
    """A server's context from PEM files (the key may stand in the certificate's), and the leaf's DER.

    Raises:
        NoInputError, InputOutputError: a file cannot be read.
        ConfigurationError: they are not a certificate with its key.
    """
    if key:
        read(key)
    octets = bytes(read(certificate))
    return tls.server_context(certificate, key), _leaf(octets)


def make(names: list[str], authority_out: str | None) -> tuple[ssl.SSLContext, bytes]:
    """A context with a fresh certificate for `names` and this machine's loopback, and the leaf's DER.

    The authority that signed it is written to the file `authority_out`; its key is not kept, and the leaf's
    only in memory.

    Raises:
        CannotCreateError, InputOutputError: the file cannot be written.
    """
    hosts = list(dict.fromkeys([*filter(_is_usable, names), "localhost", "127.0.0.1", "::1"]))
    made = tls.make_certificates(hosts, datetime.now(UTC))
    if authority_out:
        atomic.write_file(authority_out, [made.authority], force=True, sync=False)
    with tempfile.NamedTemporaryFile() as file:  # the ssl module reads keys from files alone; mode 0600
        file.write(made.chain + made.key)
        file.flush()
        return tls.server_context(os.fspath(file.name)), _leaf(made.chain)


def _is_usable(name: str) -> bool:
    try:
        return not ip_address(name).is_unspecified
    except ValueError:
        return bool(name)


def _leaf(pem: bytes) -> bytes:
    text = pem.decode("ascii", "replace")
    start = text.find(_BEGIN)
    end = text.find(_END, start)
    if start < 0 or end < 0:
        raise DataError("there is no certificate in PEM form")
    return ssl.PEM_cert_to_DER_cert(text[start : end + len(_END)])
