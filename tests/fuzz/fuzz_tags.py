"""Any octets as a tag list: offsets lie inside, and what is read is printed and read back as it was."""

from blaze.core.auth import tags
from blaze.core.errors import BlazeError


def fuzz_tags(data: bytes) -> None:
    listed = tags.scan(data)
    for tag in listed:
        assert data[tag.start : tag.end].strip(b" \t\r\n") == tag.value
    assert all(0 <= offset <= len(data) for _, offset in listed.defects)
    again = tags.scan(listed.to_bytes())
    assert [(tag.name, tag.value) for tag in again] == [(tag.name, tag.value) for tag in listed]
    assert not again.defects
    tags.split_colons(data)
    for read in (tags.parse, tags.decode_base64):
        try:
            read(data)
        except BlazeError:
            continue
