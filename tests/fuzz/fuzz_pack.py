"""Any octets as a message that is archived, as a mail object, as a delta, as a pack and as its index."""

from contextlib import suppress

from blaze.core.errors import BlazeError
from blaze.core.store.pack import delta, index, skeleton, stems, trees
from blaze.core.store.pack.dissect import dissect
from blaze.core.store.pack.newlines import to_crlf, to_lf
from blaze.core.store.pack.objects import BLOB, Name, name_of
from blaze.core.store.pack.packfile import PackFile


def fuzz_pack_message(data: bytes) -> None:
    held = to_crlf(data, 0, len(data))
    octets = held.buffer[held.start : held.end]
    blobs = {}

    def name(span: tuple[int, int]) -> bytes:
        found = name_of(BLOB, octets, *span)
        blobs[found] = octets[slice(*span)]
        return found

    content = skeleton.to_bytes(dissect(octets, 0, len(octets)), name)
    pieces = skeleton.iter_pieces(skeleton.parse(content).root)
    back = b"".join(blobs[piece] if isinstance(piece, Name) else piece for piece in pieces)
    assert (b"".join(to_lf(iter((back,)))) if held.newline == "lf" else back) == data


def fuzz_pack_objects(data: bytes) -> None:
    with suppress(BlazeError):
        assert skeleton.to_bytes(skeleton.parse(data), bytes) == data
    for parse in (stems.parse, trees.parse):
        try:
            parse(data)
        except BlazeError:
            continue


def fuzz_pack_delta(data: bytes) -> None:
    half = len(data) // 2
    base, target = data[:half], data[half:]
    assert b"".join(delta.apply(base, delta.make(delta.Base(base), target))) == target
    try:
        made = sum(map(len, delta.apply(base, target)))
    except BlazeError:
        return
    assert made == delta.result_size(target)


def fuzz_pack_file(data: bytes) -> None:
    for octets in (data, b"PACK\0\0\0\2\0\0\0\2" + data):
        try:
            found = PackFile("fuzz", octets, _index(data))
        except BlazeError:
            continue
        for _, name in found.iter_names():
            try:
                assert found.read(name).name == name
            except BlazeError:
                continue


def _index(data: bytes) -> index.Index | None:
    try:
        return index.Index(index.MAGIC + data)
    except BlazeError:
        return None
