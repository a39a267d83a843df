"""Any text in a header field, any octets as a message to wrap or to put a part into."""

from collections.abc import Callable

from blaze.core.errors import DataError
from blaze.core.mail import build, edit, encoded, header, message
from blaze.core.mail.address import Mailbox
from blaze.core.mail.build import Style
from blaze.core.mail.compose import Leaf, Span
from blaze.core.mail.edit import Wrapping


def fuzz_build(data: bytes) -> None:
    """Whatever is not refused is one field of proper lines; what a person would read in it is the text."""
    flags, text = data[:1], data[1:].decode("utf-8", "surrogateescape")
    style = Style(newline=b"\r\n" if flags > b"\x7f" else b"\n", utf8=flags.hex()[-1:] > "7")
    name, _, value = text.partition("\n")
    made = (
        lambda: build.unstructured("Subject", text, style),
        lambda: build.structured("X", text, style),
        lambda: build.parse_field(text, style),
        lambda: build.field(name, value, style),
        lambda: build.message_ids("References", text.split(" "), style),
        lambda: build.addresses("To", [Mailbox(name, value, "example.org")], style),
        lambda: build.addresses("To", [Mailbox(None, "a", name)], style),
        lambda: build.parameters("Content-Disposition", "attachment", {"filename": text, "x": name}, style),
    )
    for make in made:
        _check_field(make, style)
    if not any(character in text for character in "\r\n\0"):
        octets = build.unstructured("Subject", text, style)
        assert encoded.decode(_only_field(octets).unfolded) == text.strip(" \t")


def fuzz_edit(data: bytes) -> None:
    """Any octets can be wrapped and given fields; a multipart gets exactly what is put in."""
    wrapped = b"".join(edit.wrap(Span(data, 0, len(data)), Wrapping(seed=data[:4]), Style()))
    (part,) = message.parse(wrapped).parts
    assert part.content_type.type
    leaf = Leaf([data], "application/octet-stream", is_text=False)
    octets = b"".join(edit.put([wrapped[:7], wrapped[7:]], leaf, Style()))
    _, added = message.parse(octets).parts
    assert b"".join(added.iter_octets()) == data
    assert b"A: b" in b"".join(edit.add_fields([data], [b"A: b\n"], Style()))
    try:
        b"".join(edit.put([data], leaf, Style()))
    except DataError:
        return


def _check_field(make: Callable[[], bytes], style: Style) -> None:
    try:
        octets = make()
    except DataError:
        return
    assert octets.endswith(style.newline)
    assert octets.count(b"\n") == octets.count(style.newline)
    assert octets.count(b"\r") == (octets.count(b"\n") if style.newline == b"\r\n" else 0)
    assert b"\0" not in octets
    lines = octets.split(style.newline)[:-1]
    assert all(len(line) <= build.MAX_LINE for line in lines)
    assert all(line.strip(b" \t") for line in lines)
    assert all(line.startswith((b" ", b"\t")) for line in lines[1:])
    assert style.utf8 or octets.isascii()
    _only_field(octets)


def _only_field(octets: bytes) -> header.Field:
    head = header.parse(octets)
    (field,) = head
    assert field.octets == octets
    return field
