"""Real messages: every octet comes back, and the parts are those that stdlib's `email` finds."""

import email
import email.message
import random

import pytest

from blaze.core.mail import message
from blaze.core.mail.message import Part
from blaze.core.mail.rebuild import rebuild

pytestmark = pytest.mark.corpus


def mutated(octets: bytes, rng: random.Random) -> bytes:
    """A message with the faults that matter to its structure."""
    changed = bytearray(octets[: rng.choice((500, 5000, 50_000))])
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(changed) + 1)
        delimiter = changed.find(b"\n--", at)
        match rng.randint(0, 5):
            case 0:
                del changed[at : at + rng.randint(1, 60)]
            case 1:
                changed[at:at] = rng.choice([b"\n", b"\r\n", b"--", b"\n--", b"\n\n", b"\r", b" ", b"\0"])
            case 2 if delimiter >= 0:
                del changed[delimiter : delimiter + rng.randint(1, 3)]
            case 3 if delimiter >= 0:
                changed[at:at] = changed[delimiter : changed.find(b"\n", delimiter + 1)]
            case 4:
                changed = bytearray(bytes(changed).replace(b"\n", b"\r\n"))
            case _:
                changed[at : at + 1] = bytes([rng.randrange(256)])
    return bytes(changed)


def test_rebuild_gives_every_message_back(corpus: list[bytes]) -> None:
    for octets in corpus:
        assert b"".join(rebuild(message.parse(octets))) == octets


def test_rebuild_gives_mutated_messages_back(corpus: list[bytes], long_run: bool) -> None:
    rng = random.Random(1)
    structured = [octets for octets in corpus if b"multipart/" in octets]
    for _ in range(10_000 if long_run else 1000):
        octets = mutated(rng.choice(structured if rng.random() < 0.8 else corpus), rng)
        assert b"".join(rebuild(message.parse(octets))) == octets, octets


Outline = tuple[str, "list[Outline] | bytes"]


def ours(part: Part) -> Outline:
    name = str(part.content_type)
    if part.parts:
        return name, [ours(child) for child in part.parts]
    return name, part.buffer[slice(*part.body)]


def theirs(part: email.message.Message) -> Outline:
    name = part.get_content_type()
    if name == "message/delivery-status":  # stdlib makes messages of its groups of fields; it is a leaf to us
        payload = "\n".join(group.as_string() for group in part.get_payload())
        return name, payload.encode("ascii", "surrogateescape")
    if part.is_multipart():
        return name, [theirs(child) for child in part.get_payload()]
    return name, part._payload.encode("ascii", "surrogateescape")  # get_payload() would decode its charset


def test_parts_are_those_of_stdlib(corpus: list[bytes]) -> None:
    for number, octets in enumerate(corpus, 1):
        expected = theirs(email.message_from_bytes(octets))
        assert trimmed(ours(message.parse(octets))) == trimmed(expected), number


def trimmed(outline: Outline) -> Outline:
    name, content = outline
    if isinstance(content, list):
        return name, [trimmed(child) for child in content]
    return name, b"".join(content.split()) if name == "message/delivery-status" else content.strip(b"\r\n")
