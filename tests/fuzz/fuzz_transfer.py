"""Any octets under every transfer encoding."""

from blaze.core.mail import scan, transfer


def fuzz_transfer(data: bytes) -> None:
    """Decoding is the same in chunks; what is encoded decodes to the same."""
    chunks = [data[start : start + 5] for start in range(0, len(data), 5)]
    for encoding in ("base64", "quoted-printable", "x-uuencode", "x-unknown"):
        assert b"".join(transfer.decode(encoding, chunks)) == transfer.decode_bytes(encoding, data)
    for encoding in ("base64", "quoted-printable"):
        encoded = transfer.encode_bytes(encoding, data)
        assert b"".join(transfer.encode(encoding, chunks)) == encoded
        assert transfer.decode_bytes(encoding, encoded) == data
        assert max(map(len, encoded.split(b"\r\n"))) <= transfer.MAX_ENCODED_LINE
    assert scan.choose_encoding(scan.scan(chunks)) == scan.choose_encoding(scan.scan([data]))
