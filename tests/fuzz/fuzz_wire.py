"""Any octets, cut anywhere, through the line buffer and the dot reader."""

from blaze.core.errors import RemoteProtocolError
from blaze.core.wire import DotReader, LineBuffer, iter_dot_stuffed


def _pieces(data: bytes) -> list[bytes]:
    step = data[0] % 13 + 1 if data else 1
    return [data[at : at + step] for at in range(0, len(data), step)]


def fuzz_wire(data: bytes) -> None:
    """What is read does not depend on the cuts; what is stuffed is read back."""
    whole, cut = DotReader(), DotReader()
    body = whole.feed(data)
    assert b"".join([cut.feed(piece) for piece in _pieces(data)]) == body
    assert (cut.done, cut.rest, cut.bare_newline) == (whole.done, whole.rest, whole.bare_newline)
    if whole.done:
        assert len(body) <= len(data)
        assert data.endswith(whole.rest)
    if body and not whole.bare_newline:
        again = DotReader()
        assert again.feed(b"".join(iter_dot_stuffed([body]))).removesuffix(b"\r\n") == body.removesuffix(
            b"\r\n"
        )
        assert again.done
    assert _lines(_pieces(data)) == _lines([data])


def _lines(pieces: list[bytes]) -> list[bytes]:
    buffer = LineBuffer()
    lines = []
    for piece in pieces:
        buffer.feed(piece)
        while True:
            try:
                line = buffer.next_line(40)
            except RemoteProtocolError as error:
                line = error.what.encode()
            if line is None:
                break
            lines.append(line)
    return lines
