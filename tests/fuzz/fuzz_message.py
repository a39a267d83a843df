"""Any octets as a message: the part tree, its texts, and the message put together again."""

from blaze.core.errors import BlazeError
from blaze.core.mail import message
from blaze.core.mail.describe import describe
from blaze.core.mail.rebuild import rebuild
from blaze.core.mail.text import best_text_part, readable_text


def fuzz_message(data: bytes) -> None:
    """Every octet comes back, every part can be described and read."""
    root = message.parse(data)
    assert b"".join(rebuild(root)) == data
    try:
        describe(root, with_text=True)
        if part := best_text_part(root):
            readable_text(part)
    except BlazeError:
        return
