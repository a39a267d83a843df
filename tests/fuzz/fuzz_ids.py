"""Any octets as a field of message identifiers."""

from blaze.core.errors import DataError
from blaze.core.mail.ids import format_message_id, parse_message_ids


def fuzz_ids(data: bytes) -> None:
    """An identifier holds no white space that folding could have put there; good ones are read back."""
    for identifier in parse_message_ids(data):
        assert identifier
        assert not set(identifier) & set(" \t\r\n")
        try:
            printed = format_message_id(identifier).encode("utf-8", "surrogateescape")
        except DataError:
            continue
        (again,) = parse_message_ids(printed)
        assert f"<{again}>".encode("utf-8", "surrogateescape") == printed
