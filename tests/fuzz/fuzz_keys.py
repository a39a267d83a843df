"""Any octets as a private key, a public key, a key record, and the octets of a `p=`."""

import base64

from blaze.core.auth import keys
from blaze.core.errors import BlazeError

KINDS = (b"PRIVATE KEY", b"RSA PRIVATE KEY", b"PUBLIC KEY", b"EC PRIVATE KEY")


def fuzz_keys(data: bytes) -> None:
    """Only BlazeError comes out; a record that is read is printed and read back as it was."""
    pem = [b"-----BEGIN %b-----\n%b-----END %b-----\n" % (k, base64.encodebytes(data), k) for k in KINDS]
    for read in (keys.parse_private, keys.parse_public):
        for octets in (data, base64.b64encode(data), *pem):
            try:
                read(octets)
            except BlazeError:
                continue
    for text in (data, b"v=DKIM1; k=rsa; p=" + base64.b64encode(data), b"k=ed25519; p=" + data):
        try:
            record = keys.parse_record(text)
        except BlazeError:
            continue
        if record.public:
            assert not record.public.verifies(data, bytes(32))
        plain = all(
            "\ufffd" not in word for word in (*(record.hashes or ()), *record.services, *record.flags)
        )
        if plain and "\ufffd" not in record.notes:
            assert keys.parse_record(record.to_bytes()) == record
