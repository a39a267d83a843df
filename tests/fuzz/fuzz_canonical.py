"""Any octets re-encoded: always a message, and re-encoding it again changes nothing in its parts."""

from blaze.core.mail import message
from blaze.core.mail.canonical import canonical


def fuzz_canonical(data: bytes) -> None:
    """The outcome has the parts of the input, and its form is final."""
    before = message.parse(data)
    once = b"".join(canonical(before))
    after = message.parse(once)
    twice = b"".join(canonical(after))
    assert [str(part.content_type) for _, part in message.walk(after)] == [
        str(part.content_type) for _, part in message.walk(message.parse(twice))
    ]
