"""Any octets under any label."""

from blaze.core.mail import charset


def fuzz_charset(data: bytes) -> None:
    """The first line is the label, the rest the body: whole and in chunks."""
    line, _, body = data.partition(b"\n")
    label = line.decode("utf-8", "surrogateescape")
    decoded = charset.decode(body, label)
    decoded.text.encode("utf-8", "surrogateescape")
    decoder = charset.Decoder(label)
    pieces = [decoder.decode(body[start : start + 7]) for start in range(0, len(body), 7)]
    pieces.append(decoder.decode(b"", final=True))
    assert "".join(pieces) == charset.Decoder(label).decode(body, final=True)
