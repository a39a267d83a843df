"""Any octets as a header value with encoded words."""

from blaze.core.mail import encoded


def fuzz_encoded(data: bytes) -> None:
    """Decode, then encode what was read: the words decode to octets of the same text."""
    text = encoded.decode(data)
    octets = text.encode("utf-8", "surrogateescape")
    for words in (encoded.encode(text), encoded.encode_phrase(text)):
        assert all(len(word) <= encoded.MAX_WORD or not word.startswith(b"=?") for word in words)
        assert encoded.decode(b" ".join(words)).encode("utf-8", "surrogateescape") == octets
