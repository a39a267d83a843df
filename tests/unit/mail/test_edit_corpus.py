"""Wrapping, putting and adding over the corpus: nothing else of a message changes."""

import pytest

from blaze.core.mail import edit, header, message
from blaze.core.mail.build import LF
from blaze.core.mail.compose import Leaf, Span, iter_with_newline
from blaze.core.mail.edit import Wrapping

pytestmark = pytest.mark.corpus


def lf(octets: bytes) -> bytes:
    return b"".join(iter_with_newline([octets], b"\n"))


def test_wrap_keeps_the_body_and_every_field_of_the_corpus(corpus: list[bytes]) -> None:
    for octets in corpus:
        root = message.parse(b"".join(edit.wrap(Span(octets, 0, len(octets)), Wrapping(seed=b"s"), LF)))
        (part,) = root.parts
        before = header.parse(octets)
        assert part.buffer[slice(*part.body)] == lf(octets[before.body_start :])
        fields = [lf(each.octets) for each in before if not each.key.startswith(b"content-")]
        kept = [each.octets for each in root.header]
        assert kept[: len(fields)] == fields
        assert [each.key for each in root.header][len(fields) :] in (
            [b"content-type"],
            [b"mime-version", b"content-type"],
            [b"content-type", b"content-transfer-encoding"],
            [b"mime-version", b"content-type", b"content-transfer-encoding"],
        )


def test_put_adds_a_part_to_every_multipart_of_the_corpus(corpus: list[bytes]) -> None:
    added = 0
    for octets in map(lf, corpus):
        root = message.parse(octets)
        if root.content_type.type != "multipart" or "boundary" not in root.content_type.params:
            continue
        chunks = [octets[start : start + 777] for start in range(0, len(octets), 777)]
        again = message.parse(b"".join(edit.put(chunks, Leaf([b"\0new"], is_text=False), LF)))
        assert [octets[part.start : part.end].rstrip(b"\n") for part in root.parts] == [
            again.buffer[part.start : part.end].rstrip(b"\n") for part in again.parts[:-1]
        ]
        assert b"".join(again.parts[-1].iter_octets()) == b"\0new"
        added += 1
    assert added > 100


def test_add_fields_leaves_every_message_of_the_corpus_as_it_is(corpus: list[bytes]) -> None:
    for octets in corpus:
        assert b"".join(edit.add_fields([octets], [b"A: b\n"], LF)) == b"A: b\n" + lf(octets)
