"""Any octets as the value of each MIME field."""

from blaze.core.errors import DataError
from blaze.core.mail import mime


def fuzz_mime(data: bytes) -> None:
    """What is read can be written, and is then read as the same."""
    media = mime.parse_content_type(data)
    disposition = mime.parse_content_disposition(data)
    mime.filename(disposition, media)
    mime.parse_content_transfer_encoding(data)
    mime.parse_content_id(data)
    mime.parse_content_language(data)
    mime.parse_content_description(data)
    mime.parse_mime_version(data)
    try:
        written = media.to_bytes()
    except DataError:  # a name that no parameter may have
        return
    again = mime.parse_content_type(written)
    assert (again.type, again.subtype) == (media.type, media.subtype)
    for name, value in media.params.items():
        octets = again.params[name].encode("utf-8", "surrogateescape")
        assert octets == value.encode("utf-8", "surrogateescape")
